// Our own pages, on a desk and on a phone: they can be used, they fit, they
// break no rule of WCAG 2.2 A and AA that axe-core can check, and their consoles
// are clean.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessibility, launch, open, shot, signIn } from './lib/browser.mjs';
import { posts, simpleConfig } from './lib/content.mjs';
import { start } from './lib/server.mjs';

const ada = 'ada@example.org';
let server, browser;

before(async () => {
  server = await start({
    sites: {
      north: { files: { 'admin/config.yml': simpleConfig(), ...posts(1) } },
      south: { files: { 'admin/config.yml': simpleConfig(), ...posts(1) } },
      broken: { files: { 'admin/config.yml': 'media_folder: static\ncollections:\n  - {label: Posts, folder: content/posts}\n' } },
    },
    people: [{ email: ada, name: 'Ada Writer', operator: true }],
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A page that is shown is also a page that fits and can be used by everyone. */
async function good(me, name) {
  await shot(me.page, name);
  const { wide, width } = await me.page.evaluate(() => ({ wide: document.documentElement.scrollWidth, width: innerWidth }));
  assert.ok(wide <= width, `${name} is ${wide} wide on a screen of ${width}`);
  assert.deepEqual(await accessibility(me.page), [], `${name} is accessible`);
}

for (const [size, width, height] of [['desk', 1280, 900], ['phone', 390, 844]]) {
  test(`our pages on a ${size}`, async () => {
    const me = await open(browser, { width, height });
    try {
      await me.page.goto(`${server.url}/s/north/login`);
      await good(me, `login-${size}`);
      await me.page.getByLabel('E-mail address').fill(ada);
      await me.page.getByLabel('Password', { exact: true }).fill('not my password');
      await me.page.keyboard.press('Enter');
      await me.page.getByRole('alert').waitFor();
      await good(me, `login-refused-${size}`);
      me.excuse(/40[013]|422/);

      await signIn(me.page, `${server.url}/`, ada);
      await me.page.waitForURL((u) => !u.pathname.endsWith('/login'));
      await me.page.goto(`${server.url}/`);
      await good(me, `chooser-${size}`);
      await me.page.goto(`${server.url}/console/`);
      await good(me, `console-${size}`);
      await me.page.goto(`${server.url}/s/broken/admin/`);
      await me.page.getByRole('heading', { name: /configuration cannot be used/ }).waitFor();
      await good(me, `config-problem-${size}`);
      me.clean();
    } catch (err) {
      await shot(me.page, `failed-pages-${size}`).catch(() => {});
      throw err;
    } finally {
      await me.context.close();
    }
  });
}

test('the sign-in dialog and the conflict dialog are accessible', async () => {
  const me = await open(browser);
  try {
    await signIn(me.page, `${server.url}/s/north/admin/#/collections/posts/entries/post-01`, ada);
    await me.page.locator('[id^="title-field"]').fill('Changed');
    const editor = await me.page.context().cookies();
    await me.context.clearCookies();
    await me.page.getByRole('button', { name: 'Save', exact: true }).click();
    await me.page.getByRole('dialog', { name: 'Your session has ended' }).waitFor();
    await shot(me.page, 'dialog-session');
    const inside = (found) => found.filter((line) => line.includes('gatehouse'));
    assert.deepEqual(inside(await accessibility(me.page)), []);
    await me.page.keyboard.press('Escape');
    assert.equal(await me.page.getByRole('dialog').count(), 0);
    await me.context.addCookies(editor);

    const repo = server.repositories.north;
    repo.commit({ 'content/posts/post-01.md': repo.read('content/posts/post-01.md').replace('Post number 1', 'Pushed') }, 'Push');
    await me.page.getByRole('button', { name: 'Save', exact: true }).click();
    await me.page.getByRole('dialog', { name: 'Somebody else changed this entry' }).waitFor();
    await shot(me.page, 'dialog-conflict');
    assert.deepEqual(inside(await accessibility(me.page)), []);
    await me.page.keyboard.press('Escape');
    assert.equal(await me.page.getByRole('dialog').count(), 0);
  } catch (err) {
    await shot(me.page, 'failed-dialogs').catch(() => {});
    throw err;
  } finally {
    await me.context.close();
  }
});
