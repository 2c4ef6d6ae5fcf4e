// Two sites below /s/ share one browser origin. Neither may see the other's
// drafts, backups, sort orders or user.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { backup, backups, launch, open, shot, signIn } from './lib/browser.mjs';
import { picture, post, simpleConfig } from './lib/content.mjs';
import { Editor } from './lib/editor.mjs';
import { start } from './lib/server.mjs';

const ada = 'ada@example.org';
const bob = 'bob@example.org';
let server, browser;

before(async () => {
  const site = (word) => ({ files: { 'admin/config.yml': simpleConfig(), 'content/posts/same.md': post(1, `from: ${word}\n`), 'static/uploads/old.png': picture } });
  server = await start({
    sites: { north: site('north'), south: site('south') },
    people: [{ email: ada, name: 'Ada Writer', operator: true }, { email: bob, name: 'Bob Editor', site: 'south', role: 'editor' }],
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('an unsaved text of one site is not offered at the other, nor to another person', async () => {
  const me = await open(browser);
  try {
    await signIn(me.page, `${server.url}/s/north/admin/#/collections/posts/entries/same`, ada);
    const north = new Editor(me.page, `${server.url}/s/north/admin/`);
    await north.field('title').fill('Only in the north');
    await backup(me.page, 'backup.posts.same');

    const southPage = await me.context.newPage();
    await southPage.goto(`${server.url}/s/south/admin/#/collections/posts/entries/same`);
    const south = new Editor(southPage, `${server.url}/s/south/admin/`);
    await south.field('title').waitFor();
    assert.equal(await south.field('title').inputValue(), 'Post number 1');
    assert.deepEqual(me.dialogs, [], 'no backup is offered');
    assert.deepEqual((await backups(southPage)).filter((k) => k === 'backup.posts.same'), []);
    const users = await southPage.evaluate(() => Object.keys(localStorage).filter((k) => k.endsWith(':decap-cms-user')));
    assert.equal(users.length, 2, 'each site has a user of its own');
    assert.equal(new Set(users).size, 2);
    await shot(southPage, 'isolation-south');

    await south.field('title').fill('Saved in the south');
    await south.save();
    assert.deepEqual(server.repositories.south.drafts(), ['cms/posts/same']);
    assert.deepEqual(server.repositories.north.drafts(), []);

    // The same browser, another person: signing out of one signs out of all.
    await southPage.getByLabel('Account options dropdown').click();
    await southPage.getByRole('menuitem', { name: 'Log Out' }).click();
    await southPage.getByLabel('E-mail address').waitFor();
    await me.page.close({ runBeforeUnload: false });
    await signIn(southPage, `${server.url}/s/south/admin/#/collections/posts/entries/same`, bob);
    const bobs = new Editor(southPage, `${server.url}/s/south/admin/`);
    await bobs.field('title').waitFor();
    assert.deepEqual(me.dialogs.filter((d) => /backup/.test(d)), []);
    const left = await southPage.evaluate(() => Object.keys(localStorage).filter((k) => k.endsWith('-cms-user')));
    assert.equal(left.length, 1, `only the new person is known: ${left}`);

    await southPage.goto(`${server.url}/s/north/admin/`);
    await southPage.getByText(/cannot open this editor|not a member|no role|may not/i).first().waitFor();
    await shot(southPage, 'isolation-no-member');
    me.clean();
  } catch (err) {
    await shot(me.page, 'failed-isolation').catch(() => {});
    throw err;
  } finally {
    await me.context.close();
  }
});
