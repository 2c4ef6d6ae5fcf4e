// The second door: both bundles with their own "proxy" backend, as a site's own
// admin page would set them up, at the content API with the session's cookie and
// none of our scripts. The page itself is put there by the browser's harness.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { after, before, test } from 'node:test';
import { launch, open, shot, signIn } from './lib/browser.mjs';
import { picture, posts, simpleConfig } from './lib/content.mjs';
import { Editor } from './lib/editor.mjs';
import { start } from './lib/server.mjs';

const bundles = join(dirname(fileURLToPath(import.meta.url)), '../../web/cms');
const ada = 'ada@example.org';
let server, browser;

before(async () => {
  const files = { 'admin/config.yml': simpleConfig(), ...posts(5) };
  server = await start({
    sites: { 'decap-cms': { files }, 'netlify-cms': { files } },
    people: [{ email: ada, name: 'Ada Writer', operator: true }],
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const page = (bundle) => `<!doctype html><meta charset="utf-8"><title>Own page</title><link rel="icon" href="data:,">
<body><script>window.CMS_MANUAL_INIT = true</script><script src="${bundle}.js"></script>
<script>CMS.init({config: {backend: {name: 'proxy', proxy_url: '/s/${bundle}/api/v1'}, local_backend: false}})</script>`;

for (const bundle of ['decap-cms', 'netlify-cms']) {
  test(`${bundle} with its own proxy backend`, async () => {
    const me = await open(browser);
    const repo = server.repositories[bundle];
    const dir = readdirSync(bundles).find((d) => d.startsWith(bundle));
    const own = `${server.url}/own/`;
    await me.context.route(`${own}**`, (route) => {
      const file = new URL(route.request().url()).pathname.slice('/own/'.length);
      if (file === '') return route.fulfill({ contentType: 'text/html', body: page(bundle) });
      if (file === 'config.yml') return route.fulfill({ contentType: 'text/yaml', body: simpleConfig() });
      if (file.endsWith('.js')) return route.fulfill({ contentType: 'text/javascript; charset=utf-8', body: gunzipSync(readFileSync(join(bundles, dir, `${file}.gz`))) });
      return route.fulfill({ status: 404, body: '' });
    });
    try {
      await signIn(me.page, `${server.url}/s/${bundle}/login`, ada);
      await me.page.waitForURL((u) => !u.pathname.endsWith('/login'));
      await me.page.goto(own);
      await me.page.getByRole('button', { name: 'Login' }).click();
      const editor = new Editor(me.page, own);
      await editor.rows('posts').nth(4).waitFor();
      await editor.create('posts');
      await editor.field('title').fill('Through the proxy');
      await editor.write('Plain words.');
      await editor.upload('Big Photo.png', picture);
      await editor.save();
      const branch = 'cms/posts/through-the-proxy';
      assert.deepEqual(repo.drafts(), [branch]);
      assert.equal(repo.last(branch).email, ada);
      assert.deepEqual(repo.last(branch).paths, ['content/posts/through-the-proxy.md', 'static/uploads/big-photo.png']);
      await editor.write(' Second thoughts.');
      await editor.save();
      await editor.go('#/workflow');
      await me.page.locator('[draggable="true"]').filter({ hasText: 'Through the proxy' }).waitFor();
      await editor.edit('posts', 'through-the-proxy');
      await editor.status('Draft', 'Ready');
      await editor.publish();
      assert.match(repo.read('content/posts/through-the-proxy.md'), /Second thoughts/);
      assert.ok(repo.files().includes('static/uploads/big-photo.png'));
      await editor.edit('posts', 'post-01');
      await me.page.getByRole('button', { name: 'Delete published entry' }).click();
      await me.page.waitForURL(/#\/collections\/posts$/);
      assert.equal(repo.read('content/posts/post-01.md'), undefined);
      repo.fsck();
      me.excuse(/404 \(Not Found\).*\/api\/v1/); // the protocol's "not in the workflow"
      me.excuse(/404 \(Not Found\).*\/uploads\//); // Decap 3.10 and later look for pictures at the root of the host, see paths.js
      me.clean();
    } catch (err) {
      await shot(me.page, `failed-proxy-${bundle}`).catch(() => {});
      throw err;
    } finally {
      await me.context.close();
    }
  });
}
