// The second door: a bundle with its own "proxy" backend, as a site's own admin
// page would set it up, at the content API with the session's cookie and none of
// our scripts. The page itself is put there by the browser's harness.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { signIn } from './browser.mjs';
import { fullConfig } from './content.mjs';
import { collections, collide, draft, find, media, published } from './steps.mjs';
import { ada, Story } from './story.mjs';

const bundles = join(dirname(fileURLToPath(import.meta.url)), '../../../web/cms');

const page = (bundle) => `<!doctype html><meta charset="utf-8"><title>Own page</title><link rel="icon" href="data:,">
<body><script>window.CMS_MANUAL_INIT = true</script><script src="${bundle}.js"></script>
<script>CMS.init({config: {backend: {name: 'proxy', proxy_url: '/api/v1'}, local_backend: false}})</script>`;

/** The page and what it loads, by their names below its address. */
function ownPage(bundle) {
  const dir = readdirSync(bundles).find((d) => d.startsWith(bundle));
  return (route) => {
    const file = new URL(route.request().url()).pathname.slice('/own/'.length);
    if (file === '') return route.fulfill({ contentType: 'text/html', body: page(bundle) });
    if (file === 'config.yml') return route.fulfill({ contentType: 'text/yaml', body: fullConfig });
    if (file.endsWith('.js')) return route.fulfill({ contentType: 'text/javascript; charset=utf-8', body: gunzipSync(readFileSync(join(bundles, dir, `${file}.gz`))) });
    return route.fulfill({ status: 404, body: '' });
  };
}

const door = (bundle) => ({
  name: `stock-${bundle}`,
  address: (server) => `${server.url}/own/`,
  previews: bundle === 'netlify-cms', // Decap 3.10 and later look for pictures at the root of the host, see paths.js
  usual: [
    /404 \(Not Found\).*\/api\/v1/, // the protocol's "not in the workflow"
    /404 \(Not Found\).*\/uploads\//, // where Decap looks for pictures
    /Unexpected end of JSON input/, // the protocol's null for a file that is not there is an empty text to the CMS
  ],
  async enter(me, server, email, hash) {
    await me.context.route(`${server.url}/own/**`, ownPage(bundle));
    await signIn(me.page, `${server.url}/login`, email);
    await me.page.waitForURL((u) => !u.pathname.endsWith('/login'));
    await me.page.goto(`${server.url}/own/${hash}`);
    await me.page.getByRole('button', { name: 'Login' }).click();
  },
});

/**
 * The whole story of story-admin.test.mjs by this door. What this backend cannot
 * do is left out: pages of a list, sorting by date of change or author, a session
 * that ends, and logging out.
 */
export function stockStory(bundle) {
  const story = new Story(door(bundle));

  story.step('sign in, and list 47 posts', async ({ me, editor }) => {
    await story.enter(me, ada, '#/collections/posts');
    await editor.rows('posts').nth(46).waitFor();
    assert.equal(await editor.rows('posts').count(), 47);
  });
  find(story, ['Title', 'Date']);
  draft(story);
  published(story);
  media(story);
  collections(story);
  collide(story, async ({ me, editor }) => {
    const said = await editor.told('Failed to persist entry');
    assert.match(said, /content\/posts\/post-06\.md/);
    assert.match(said, /Bob Editor/);
    me.excuse(/uncaught: Object/); // the CMS rejects a promise for nobody after it has told the person
  });
}
