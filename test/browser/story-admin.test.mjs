// The whole story: every step of an editor's work with decap-cms 3.16.3 through
// our adapter, on plain Git. After each step the repository is looked at with
// git itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { backup, launch, open, shot, signIn } from './lib/browser.mjs';
import { fullSite, picture } from './lib/content.mjs';
import { Editor } from './lib/editor.mjs';
import { start } from './lib/server.mjs';

const ada = 'ada@example.org';
const bob = 'bob@example.org';
let server, browser, me, editor, repo;

before(async () => {
  server = await start({
    sites: { blog: { files: fullSite } },
    people: [{ email: ada, name: 'Ada Writer', site: 'blog', role: 'publisher' }, { email: bob, name: 'Bob Editor', site: 'blog', role: 'publisher' }],
  });
  repo = server.repositories.blog;
  browser = await launch();
  me = await open(browser);
  editor = new Editor(me.page, `${server.url}/admin/`);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** One step; the screen is kept when it fails, and git is asked after each. */
function step(name, run) {
  test(name, async () => {
    try {
      await run();
      repo.fsck();
      me.clean();
    } catch (err) {
      await shot(me.page, `failed-${name.replaceAll(/\W+/g, '-')}`).catch(() => {});
      throw err;
    }
  });
}

step('sign in, and arrive where one wanted to be', async () => {
  await signIn(me.page, `${server.url}/admin/#/collections/settings`, ada);
  await me.page.getByRole('heading', { name: 'Settings' }).waitFor();
  assert.match(me.page.url(), /\/admin\/#\/collections\/settings$/);
  await me.page.locator('header img[src^="data:image/svg+xml"]').waitFor();
  await shot(me.page, 'admin-signed-in');
});

step('list 47 posts, page by page', async () => {
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

step('search', async () => {
  await me.page.getByPlaceholder('Search all').fill('number 13');
  await me.page.keyboard.press('Enter');
  await me.page.getByRole('heading', { name: /Search Results/ }).waitFor();
  await me.page.getByText('Post number 13').waitFor();
  assert.equal(await editor.rows().count(), 1);
});

step('sort by title, by date of change, and by author', async () => {
  await editor.list('posts');
  await editor.menu('Sort by').first().click();
  const names = await me.page.getByRole('menuitem').allInnerTexts();
  assert.deepEqual(names.map((n) => n.trim()), ['Updated On', 'Title', 'Date', 'Author']);
  await me.page.getByRole('menuitem', { name: 'Title' }).click();
  const first = (text) => me.page.waitForFunction((t) => document.querySelector('main a[href*="/entries/"]')?.textContent.trim() === t, text);
  await first('Post number 1');
  assert.equal(await editor.rows('posts').count(), 47);
  assert.match(await editor.rows('posts').nth(1).innerText(), /Post number 10/);
});

step('create a post with Markdown and a picture, whose preview shows at once', async () => {
  await editor.create('posts');
  await editor.field('title').fill('Hello gatehouse');
  await editor.write('A first paragraph.');
  await editor.upload('Big Photo.png', picture);
  await editor.pictureInPreview();
  await shot(me.page, 'admin-editor');
  const head = repo.last().subject;
  await editor.save();
  assert.deepEqual(repo.drafts(), ['cms/posts/hello-gatehouse']);
  assert.deepEqual(repo.last('cms/posts/hello-gatehouse'), {
    author: 'Ada Writer', email: ada, subject: 'Create Post “hello-gatehouse”', paths: ['content/posts/hello-gatehouse.md', 'static/uploads/big-photo.png'],
  });
  assert.match(repo.read('content/posts/hello-gatehouse.md', 'cms/posts/hello-gatehouse'), /title: Hello gatehouse\n[\s\S]*image: \/uploads\/big-photo\.png\n---\nA first paragraph\.\n$/);
  assert.equal(repo.last().subject, head, 'the site has not changed');
});

step('save the draft again, with its picture', async () => {
  await editor.write(' And more.');
  await editor.save();
  const branch = 'cms/posts/hello-gatehouse';
  assert.match(repo.read('content/posts/hello-gatehouse.md', branch), /A first paragraph\. And more\.\n$/);
  assert.equal(repo.last(branch).subject, 'Update Post “hello-gatehouse”');
  assert.ok(repo.files(branch).includes('static/uploads/big-photo.png'));
  await me.page.reload();
  await editor.field('title').waitFor();
  await editor.pictureInPreview();
});

step('carry the draft over the board', async () => {
  const before = editor.calls.length;
  await editor.go('#/workflow');
  const card = me.page.locator('[draggable="true"]').filter({ hasText: 'Hello gatehouse' });
  await card.waitFor();
  assert.deepEqual(editor.calls.slice(before).filter((a) => /unpublishedEntry/.test(a)), [], 'one call brings the whole board');
  const column = (name) => me.page.getByRole('heading', { name, level: 2, exact: true }).locator('..');
  await card.dragTo(column('In Review'));
  await column('In Review').getByText('Hello gatehouse').waitFor();
  await editor.told('Entry status updated');
  await card.dragTo(column('Ready'));
  await column('Ready').getByText('Hello gatehouse').waitFor();
  await editor.told('Entry status updated');
  await card.hover();
  await shot(me.page, 'admin-board');
  await me.page.reload();
  await column('Ready').getByText('Hello gatehouse').waitFor();
});

step('change the status in the editor', async () => {
  await editor.edit('posts', 'hello-gatehouse');
  await editor.status('Ready', 'Draft');
  await editor.status('Draft', 'In review');
  await editor.status('In review', 'Ready');
});

step('publish', async () => {
  await editor.publish();
  assert.deepEqual(repo.drafts(), []);
  assert.match(repo.read('content/posts/hello-gatehouse.md'), /And more/);
  assert.ok(repo.files().includes('static/uploads/big-photo.png'));
  const authors = repo.git('log', '-3', '--format=%ae', 'main').split('\n');
  assert.ok(authors.includes(ada), `Ada wrote it: ${authors}`);
});

step('edit a published post', async () => {
  await editor.edit('posts', 'post-03');
  await editor.field('title').fill('Post number three');
  await editor.save();
  assert.deepEqual(repo.drafts(), ['cms/posts/post-03']);
  assert.match(repo.read('content/posts/post-03.md'), /Post number 3\n/);
  await editor.status('Draft', 'Ready');
  await editor.publish();
  assert.match(repo.read('content/posts/post-03.md'), /title: Post number three\n/);
  assert.match(repo.read('content/posts/post-03.md'), /The text of post 3\.\n$/);
});

step('unpublish, then discard the draft', async () => {
  await editor.choose(/^Published$/, 'Unpublish');
  await editor.told('Entry unpublished');
  assert.equal(repo.read('content/posts/post-03.md'), undefined);
  assert.deepEqual(repo.drafts(), ['cms/posts/post-03']);
  assert.match(repo.read('content/posts/post-03.md', 'cms/posts/post-03'), /Post number three/);
  await editor.edit('posts', 'post-03');
  await editor.menu('Status: Ready').waitFor();
  await me.page.getByRole('button', { name: /Delete unpublished/ }).click();
  await editor.told('Unpublished changes deleted');
  assert.deepEqual(repo.drafts(), []);
});

step('delete a published post', async () => {
  await editor.edit('posts', 'post-47');
  await me.page.getByRole('button', { name: 'Delete published entry' }).click();
  await me.page.waitForURL(/#\/collections\/posts$/);
  assert.equal(repo.read('content/posts/post-47.md'), undefined);
  assert.deepEqual(repo.last(), { author: 'Ada Writer', email: ada, subject: 'Delete Post “post-47”', paths: ['content/posts/post-47.md'] });
});

step('upload to the media library, and delete from it', async () => {
  await me.page.getByRole('button', { name: 'Media' }).click();
  const dialog = me.page.getByRole('dialog');
  await dialog.getByText('old.png').waitFor();
  await dialog.locator('input[type="file"]').setInputFiles({ name: 'lake.png', mimeType: 'image/png', buffer: picture });
  const card = dialog.getByText('lake.png');
  await card.waitFor();
  await dialog.locator('img').first().evaluate((i) => i.decode());
  await shot(me.page, 'admin-media');
  assert.deepEqual(repo.last(), { author: 'Ada Writer', email: ada, subject: 'Upload “static/uploads/lake.png”', paths: ['static/uploads/lake.png'] });
  assert.equal(repo.git('cat-file', '-s', 'main:static/uploads/lake.png').trim(), String(picture.length));
  await dialog.getByRole('button', { name: 'Delete selected' }).click(); // what was just uploaded is selected
  await card.waitFor({ state: 'hidden' });
  assert.equal(repo.last().subject, 'Delete “static/uploads/lake.png”');
  assert.ok(!repo.files().includes('static/uploads/lake.png'));
  await dialog.getByRole('button', { name: 'Close' }).click();
});

step('edit a file of a file collection', async () => {
  await editor.edit('settings', 'general', 'site_title');
  await editor.field('site_title').fill('The new title');
  await editor.saveAndPublish();
  assert.deepEqual(JSON.parse(repo.read('data/general.json')), { site_title: 'The new title' });
});

step('make a file of a file collection that is not there yet', async () => {
  await editor.list('settings');
  await me.page.getByText('Colours').click();
  await editor.field('main').fill('blue');
  await editor.saveAndPublish();
  assert.deepEqual(JSON.parse(repo.read('data/colours.json')), { main: 'blue' });
});

for (const [collection, paths] of [
  ['news', ['content/news/hallo.md']],
  ['events', ['content/events/hallo.de.md', 'content/events/hallo.en.md']],
  ['guides', ['content/guides/de/hallo.md', 'content/guides/en/hallo.md']],
]) {
  step(`write in two languages: ${collection}`, async () => {
    await editor.create(collection);
    await editor.field('title').fill('Hallo');
    await editor.field('body').fill('English text');
    await editor.field('title', 1).fill('Servus');
    await editor.field('body', 1).fill('Deutscher Text');
    await editor.saveAndPublish();
    assert.deepEqual(repo.files().filter((p) => p.startsWith(`content/${collection}/`)).sort(), paths);
    const text = paths.map((p) => repo.read(p)).join('\n');
    for (const part of ['Hallo', 'English text', 'Servus', 'Deutscher Text']) assert.ok(text.includes(part), `${part} is saved`);
    await editor.list(collection);
    await editor.rows(collection).first().waitFor();
    assert.equal(await editor.rows(collection).count(), 1, 'the languages are one entry');
    await editor.edit(collection, 'hallo');
    assert.equal(await editor.field('title', 1).inputValue(), 'Servus');
    await editor.field('body', 1).fill('Besserer Text');
    await editor.saveAndPublish();
    assert.ok(paths.map((p) => repo.read(p)).join('\n').includes('Besserer Text'));
  });
}

step('move a page of a nested collection, with what lies beside it', async () => {
  await editor.edit('pages', 'about/index');
  await editor.field('path').fill('company/about-us');
  await editor.saveAndPublish();
  assert.deepEqual(repo.files().filter((p) => p.startsWith('content/pages/')), ['content/pages/company/about-us/index.md', 'content/pages/company/about-us/team.txt', 'content/pages/index.md']);
});

step('the session ends in the middle of work, and nothing is lost', async () => {
  await editor.edit('posts', 'post-05');
  await editor.write(' Written before the session ended.');
  server.run(['users', 'sessions', ada, '--revoke', 'all']);
  await me.page.getByRole('button', { name: 'Save', exact: true }).click();
  const dialog = me.page.getByRole('dialog', { name: 'Your session has ended' });
  await dialog.waitFor();
  await dialog.frameLocator('iframe').getByLabel('E-mail address').waitFor();
  await shot(me.page, 'admin-session-ended');
  await dialog.getByRole('button', { name: 'Not now' }).click();
  assert.match(await editor.told('You are signed out'), /still in this page/);
  assert.equal(await me.page.getByRole('dialog').count(), 0);

  await me.page.getByRole('button', { name: 'Save', exact: true }).click();
  const frame = dialog.frameLocator('iframe');
  await frame.getByLabel('E-mail address').fill(ada);
  await frame.getByLabel('Password', { exact: true }).fill((await import('./lib/server.mjs')).password);
  await frame.getByRole('button', { name: 'Sign in', exact: true }).click();
  await editor.told('Entry saved');
  assert.match(repo.read('content/posts/post-05.md', 'cms/posts/post-05'), /Written before the session ended/);
  assert.ok(me.excuse(/401 \(Unauthorized\)|signed out/i) > 0);
});

step('somebody else changed the entry meanwhile', async () => {
  await editor.edit('posts', 'post-06');
  await editor.field('title').fill('Mine');
  const other = await open(browser);
  const bobs = new Editor(other.page, `${server.url}/admin/`);
  await signIn(other.page, `${server.url}/admin/#/collections/posts/entries/post-06`, bob);
  await bobs.field('title').fill('His');
  await bobs.saveAndPublish();
  other.clean();
  await other.context.close();

  await me.page.getByRole('button', { name: 'Save', exact: true }).click();
  const dialog = me.page.getByRole('dialog', { name: 'Somebody else changed this entry' });
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
  assert.equal(await editor.field('title').inputValue(), 'Mine');
  assert.match(repo.read('content/posts/post-06.md'), /title: His/);
  assert.ok(!repo.drafts().includes('cms/posts/post-06'));
  assert.ok(me.excuse(/409 \(Conflict\)|somebody else/i) > 0);
});

step('a text that was restored from a backup does not overwrite a newer one', async () => {
  await editor.edit('posts', 'post-07');
  await editor.field('title').fill('From the backup');
  await backup(me.page, 'backup.posts.post-07');
  repo.commit({ 'content/posts/post-07.md': repo.read('content/posts/post-07.md').replace('title: Post number 7', 'title: Pushed by Sam') }, 'Sam was here');
  const asked = me.dialogs.length;
  await me.page.reload();
  await me.page.waitForFunction(() => document.querySelector('[id^="title-field"]')?.value === 'From the backup');
  assert.ok(me.dialogs.slice(asked).some((d) => /backup/.test(d)));
  await me.page.getByRole('button', { name: 'Save', exact: true }).click();
  const dialog = me.page.getByRole('dialog', { name: 'Somebody else changed this entry' });
  await dialog.waitFor();
  assert.match(await dialog.innerText(), /Sam Seeder/);
  await dialog.getByRole('button', { name: 'Keep editing' }).click();
  await editor.told('Not saved');
  assert.match(repo.read('content/posts/post-07.md'), /Pushed by Sam/);
  assert.ok(me.excuse(/409 \(Conflict\)|somebody else/i) > 0);
});

step('log out, and leave nothing behind', async () => {
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
