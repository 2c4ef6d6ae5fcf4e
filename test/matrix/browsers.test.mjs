// Two people at two browsers open one entry, the server is started again
// meanwhile, and both save. The second is told which file and who, keeps the
// text, and writes over nothing: on our own page, and with the stock "proxy"
// backend, which knows nothing of versions.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { launch, open, shot, signIn } from '../browser/lib/browser.mjs';
import { posts, simpleConfig } from '../browser/lib/content.mjs';
import { Editor } from '../browser/lib/editor.mjs';
import { start } from '../browser/lib/server.mjs';

const people = [{ email: 'ada@example.org', name: 'Ada Writer', operator: true }, { email: 'bob@example.org', name: 'Bob Editor', operator: true }];
const modes = { simple: 'simple', drafts: 'editorial_workflow' };
let server, browser;

before(async () => {
  server = await start({
    sites: Object.fromEntries(Object.entries(modes).map(([name, mode]) => [name, { files: { 'admin/config.yml': simpleConfig(mode), ...posts(5) } }])),
    people,
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const bundles = join(dirname(fileURLToPath(import.meta.url)), '../../web/cms');
const bundle = readdirSync(bundles).find((d) => d.startsWith('decap-cms-'));

/** A site's own page, put before the server by the browser's harness. */
function ownPage(site) {
  return (route) => {
    const file = new URL(route.request().url()).pathname.slice('/own/'.length);
    if (file === '') {
      return route.fulfill({ contentType: 'text/html', body: `<!doctype html><meta charset="utf-8"><title>Own page</title><link rel="icon" href="data:,">
<body><script>window.CMS_MANUAL_INIT = true</script><script src="decap-cms.js"></script>
<script>CMS.init({config: {backend: {name: 'proxy', proxy_url: '/s/${site}/api/v1'}, local_backend: false}})</script>` });
    }
    if (file === 'config.yml') return route.fulfill({ contentType: 'text/yaml', body: simpleConfig(modes[site]) });
    if (file.endsWith('.js')) return route.fulfill({ contentType: 'text/javascript; charset=utf-8', body: gunzipSync(readFileSync(join(bundles, bundle, `${file}.gz`))) });
    return route.fulfill({ status: 404, body: '' });
  };
}

const doors = {
  'our page': {
    async enter(me, site, email, hash) {
      await signIn(me.page, `${server.url}/s/${site}/admin/${hash}`, email);
      return new Editor(me.page, `${server.url}/s/${site}/admin/`);
    },
    /** The dialog says what happened; "Keep editing" leads back to the text. */
    async told(me, editor) {
      const dialog = me.page.getByRole('dialog', { name: 'Somebody else changed this entry' });
      await dialog.waitFor();
      const said = await dialog.innerText();
      await dialog.getByRole('button', { name: 'Keep editing' }).click();
      await editor.told('Not saved');
      return said;
    },
  },
  'the stock proxy backend': {
    async enter(me, site, email, hash) {
      await me.context.route(`${server.url}/own/**`, ownPage(site));
      await signIn(me.page, `${server.url}/s/${site}/login`, email);
      await me.page.waitForURL((u) => !u.pathname.endsWith('/login'));
      await me.page.goto(`${server.url}/own/${hash}`);
      await me.page.getByRole('button', { name: 'Login' }).click();
      return new Editor(me.page, `${server.url}/own/`);
    },
    told: (_, editor) => editor.told('Failed to persist entry'),
  },
};

/** Presses what saves in this mode. */
async function press(me, editor, site) {
  if (site === 'simple') await editor.choose(/^Publish$/, 'Publish now');
  else await me.page.getByRole('button', { name: 'Save', exact: true }).click();
}

let number = 0;

for (const [door, { enter, told }] of Object.entries(doors)) {
  for (const site of Object.keys(modes)) {
    const slug = `post-0${++number}`;
    const path = `content/posts/${slug}.md`;
    test(`two browsers on one entry by ${door}, ${site}, with a restart between opening and saving`, async () => {
      const repo = server.repositories[site];
      const pair = [];
      try {
        for (const { email } of people) {
          const me = await open(browser);
          const editor = await enter(me, site, email, `#/collections/posts/entries/${slug}`);
          await editor.field('title').waitFor();
          pair.push({ me, editor });
        }
        const [ada, bob] = pair;
        await server.restart();

        await bob.editor.field('title').fill('By Bob, who was faster');
        await press(bob.me, bob.editor, site);
        await bob.editor.told('Entry saved');
        const where = site === 'simple' ? 'main' : `cms/posts/${slug}`;
        assert.match(repo.read(path, where), /title: By Bob, who was faster/);
        const refs = repo.git('for-each-ref');

        await ada.editor.field('title').fill('By Ada, who knows nothing of it');
        for (let i = 0; i < 2; i++) { // also when the person insists
          const answer = ada.me.page.waitForResponse((r) => r.request().postData()?.includes('"persistEntry"'));
          await press(ada.me, ada.editor, site);
          assert.equal((await answer).status(), 409);
          const said = await told(ada.me, ada.editor);
          assert.ok(said.includes(path), said);
          assert.ok(said.includes('Bob Editor'), said);
          assert.equal(await ada.editor.field('title').inputValue(), 'By Ada, who knows nothing of it');
          assert.equal(repo.git('for-each-ref'), refs);
        }
        repo.fsck();
      } catch (err) {
        for (const [n, { me }] of pair.entries()) await shot(me.page, `failed-browsers-${door.replaceAll(' ', '-')}-${site}-${n}`).catch(() => {});
        throw err;
      } finally {
        for (const { me } of pair) await me.context.close();
      }
    });
  }
}
