// An entry's picture is seen where people look for it: in the image field and in
// the preview, for a site below a prefix, with both bundles.
import { after, before, test } from 'node:test';
import { launch, open, shot, signIn } from './lib/browser.mjs';
import { picture, post, simpleConfig } from './lib/content.mjs';
import { Editor } from './lib/editor.mjs';
import { start } from './lib/server.mjs';

const ada = 'ada@example.org';
let server, browser;

before(async () => {
  const files = {
    'admin/config.yml': simpleConfig(),
    'static/uploads/old.png': picture,
    'content/posts/pictured.md': post(1, 'image: /uploads/old.png\n'),
    'content/posts/plain.md': post(2),
  };
  server = await start({
    sites: { three: { files }, two: { files, bundle: 'netlify-cms' } },
    people: [{ email: ada, name: 'Ada Writer', operator: true }],
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

for (const name of ['three', 'two']) {
  test(`a published picture shows in its field and in the preview (${name})`, async () => {
    const me = await open(browser);
    try {
      const admin = `${server.url}/s/${name}/admin/`;
      await signIn(me.page, `${admin}#/collections/posts/entries/pictured`, ada);
      const editor = new Editor(me.page, admin);
      await editor.pictureInPreview();
      const field = me.page.locator('img[role="presentation"]').first();
      await field.waitFor();
      await me.page.waitForFunction((image) => image.naturalWidth === 64, await field.elementHandle());
      await shot(me.page, `picture-${name}`);
      me.clean();
    } catch (err) {
      await shot(me.page, `failed-picture-${name}`).catch(() => {});
      throw err;
    } finally {
      await me.context.close();
    }
  });
}
