// The whole story: every step of an editor's work with decap-cms 3.16.3 through
// our adapter, on plain Git.
import assert from 'node:assert/strict';
import { backup, shot, signIn } from './lib/browser.mjs';
import { password } from './lib/server.mjs';
import { collections, collide, draft, find, media, published } from './lib/steps.mjs';
import { ada, sam, Story } from './lib/story.mjs';

const story = new Story({
  name: 'admin',
  address: (server) => `${server.url}/admin/`,
  previews: true,
  enter: (me, server, email, hash) => signIn(me.page, `${server.url}/admin/${hash}`, email),
});

story.step('sign in, and arrive where one wanted to be', async ({ me }) => {
  await story.enter(me, ada, '#/collections/settings');
  await me.page.getByRole('heading', { name: 'Settings' }).waitFor();
  assert.match(me.page.url(), /\/admin\/#\/collections\/settings$/);
  await me.page.locator('header img[src^="data:image/svg+xml"]').waitFor();
  await shot(me.page, 'admin-signed-in');
});

story.step('list 47 posts, page by page', async ({ me, editor }) => {
  await editor.list('posts');
  await editor.rows('posts').nth(19).waitFor();
  assert.equal(await editor.rows('posts').count(), 20);
  await shot(me.page, 'admin-list');
  for (const count of [40, 47]) {
    await editor.rows('posts').last().scrollIntoViewIfNeeded();
    await me.page.mouse.wheel(0, 10_000);
    await editor.rows('posts').nth(count - 1).waitFor();
  }
  assert.equal(await editor.rows('posts').count(), 47);
  assert.equal(editor.calls.filter((a) => a === 'entriesPage').length, 3);
});

find(story, ['Updated On', 'Title', 'Date', 'Author']);
draft(story);
published(story);

story.step('one call brings the whole board', async ({ me, editor }) => {
  await editor.go('#/workflow');
  await me.page.getByRole('heading', { name: 'In Review', level: 2 }).waitFor();
  const before = editor.calls.length;
  await me.page.reload();
  await me.page.getByRole('heading', { name: 'In Review', level: 2 }).waitFor();
  assert.deepEqual(editor.calls.slice(before).filter((a) => /drafts|unpublished/.test(a)), ['drafts']);
});

media(story);
collections(story);

story.step('the session ends in the middle of work, and nothing is lost', async ({ me, editor, repo, server }) => {
  await editor.edit('posts', 'post-05');
  await editor.write(' Written before the session ended.');
  server.run(['users', 'sessions', ada, '--revoke', 'all']);
  await me.page.getByRole('button', { name: 'Save', exact: true }).click();
  const dialog = me.page.getByRole('dialog', { name: 'Your session has ended' });
  await dialog.waitFor();
  const frame = dialog.frameLocator('iframe');
  await frame.getByLabel('E-mail address').waitFor();
  await shot(me.page, 'admin-session-ended');
  await dialog.getByRole('button', { name: 'Not now' }).click();
  assert.match(await editor.told('You are signed out'), /still in this page/);
  assert.equal(await me.page.getByRole('dialog').count(), 0);

  await me.page.getByRole('button', { name: 'Save', exact: true }).click();
  await frame.getByLabel('E-mail address').fill(ada);
  await frame.getByLabel('Password', { exact: true }).fill(password);
  await frame.getByRole('button', { name: 'Sign in', exact: true }).click();
  await editor.told('Entry saved');
  assert.match(repo.read('content/posts/post-05.md', 'cms/posts/post-05'), /Written before the session ended/);
  assert.ok(me.excuse(/401 \(Unauthorized\)|signed out/i) > 0);
}, [ada]);

const conflict = (me) => me.page.getByRole('dialog', { name: 'Somebody else changed this entry' });

collide(story, async ({ me, editor }) => {
  const dialog = conflict(me);
  await dialog.waitFor();
  await shot(me.page, 'admin-conflict');
  const said = await dialog.innerText();
  assert.match(said, /content\/posts\/post-06\.md/);
  assert.match(said, /Bob Editor/);
  assert.equal(await me.page.evaluate(() => document.activeElement.textContent), 'Keep editing');
  await dialog.getByRole('button', { name: 'Copy my text' }).click();
  await dialog.getByText('on the clipboard').waitFor();
  assert.match(await me.page.evaluate(() => navigator.clipboard.readText()), /title: Mine/);
  const [newer] = await Promise.all([me.context.waitForEvent('page'), dialog.getByRole('link', { name: /newer version/ }).click()]);
  await newer.waitForFunction(() => document.querySelector('[id^="title-field"]')?.value === 'His');
  await newer.close();
  await dialog.getByRole('button', { name: 'Keep editing' }).click();
  assert.match(await editor.told('Not saved'), /still here/);
});

story.step('a text that was restored from a backup does not overwrite a newer one', async ({ me, editor, repo }) => {
  await editor.edit('posts', 'post-07');
  await editor.field('title').fill('From the backup');
  await backup(me.page, 'backup.posts.post-07');
  repo.commit({ 'content/posts/post-07.md': repo.read('content/posts/post-07.md').replace('title: Post number 7', 'title: Pushed by Sam') }, 'Sam was here');
  const asked = me.dialogs.length;
  await me.page.reload();
  await me.page.waitForFunction(() => document.querySelector('[id^="title-field"]')?.value === 'From the backup');
  assert.ok(me.dialogs.slice(asked).some((d) => /backup/.test(d)));
  await me.page.getByRole('button', { name: 'Save', exact: true }).click();
  const dialog = conflict(me);
  await dialog.waitFor();
  assert.match(await dialog.innerText(), /Sam Seeder/);
  await dialog.getByRole('button', { name: 'Keep editing' }).click();
  await editor.told('Not saved');
  assert.match(repo.read('content/posts/post-07.md'), /Pushed by Sam/);
  assert.ok(me.excuse(/409 \(Conflict\)|somebody else/i) > 0);
}, [sam]);

story.step('log out, and leave nothing behind', async ({ me, editor, server }) => {
  await editor.list('posts');
  await me.page.getByLabel('Account options dropdown').click();
  await me.page.getByRole('menuitem', { name: 'Log Out' }).click();
  await me.page.getByLabel('E-mail address').waitFor();
  const left = await me.page.evaluate(async () => ({
    keys: Object.keys(localStorage).filter((k) => k.startsWith('gatehouse:')),
    databases: (await indexedDB.databases()).map((d) => d.name),
  }));
  assert.deepEqual(left, { keys: [], databases: [] });
  await me.page.goto(`${server.url}/admin/`);
  await me.page.getByLabel('E-mail address').waitFor();
});
