// The steps of an editor's work that are the same by every door: what is done,
// and what git says of it.
import assert from 'node:assert/strict';
import { shot } from './browser.mjs';
import { picture } from './content.mjs';
import { ada, bob } from './story.mjs';

const slug = 'hello-gatehouse';
const branch = `cms/posts/${slug}`;
const path = `content/posts/${slug}.md`;
const photo = 'static/uploads/big-photo.png';
const byAda = { author: 'Ada Writer', email: ada };

/** @param {string[]} sorts what the list may be sorted by */
export function find(story, sorts) {
  story.step('search', async ({ me, editor }) => {
    await me.page.getByPlaceholder('Search all').fill('number 13');
    await me.page.keyboard.press('Enter');
    await me.page.getByRole('heading', { name: /Search Results/ }).waitFor();
    await me.page.getByText('Post number 13').waitFor();
    assert.equal(await editor.rows().count(), 1);
  });

  story.step('sort by title', async ({ me, editor }) => {
    await editor.list('posts');
    await editor.menu('Sort by').first().click();
    const names = await me.page.getByRole('menuitem').allInnerTexts();
    assert.deepEqual(names.map((n) => n.trim()), sorts);
    await me.page.getByRole('menuitem', { name: 'Title' }).click();
    await me.page.waitForFunction((t) => document.querySelector('main a[href*="/entries/"]')?.textContent.trim() === t, 'Post number 1');
    assert.equal(await editor.rows('posts').count(), 47);
    assert.match(await editor.rows('posts').nth(1).innerText(), /Post number 10/);
  });
}

/** From a new post to a published one. */
export function draft(story) {
  story.step('create a post with Markdown and a picture, whose preview shows at once', async ({ me, editor, repo, door }) => {
    await editor.create('posts');
    await editor.field('title').fill('Hello gatehouse');
    await editor.write('A first paragraph.');
    await editor.upload('Big Photo.png', picture);
    if (door.previews) await editor.pictureInPreview();
    await shot(me.page, `${door.name}-editor`);
    const head = repo.last().subject;
    await editor.save();
    assert.deepEqual(repo.drafts(), [branch]);
    assert.deepEqual(repo.last(branch), { ...byAda, subject: `Create Post “${slug}”`, paths: [path, photo] });
    assert.match(repo.read(path, branch), /title: Hello gatehouse\n[\s\S]*image: \/uploads\/big-photo\.png\n---\nA first paragraph\.\n?$/);
    assert.equal(repo.last().subject, head, 'the site has not changed');
  }, [ada]);

  story.step('save the draft again, with its picture', async ({ me, editor, repo, door }) => {
    await editor.write(' And more.');
    await editor.save();
    assert.match(repo.read(path, branch), /A first paragraph\. And more\.\n?$/);
    assert.deepEqual({ ...repo.last(branch), paths: [] }, { ...byAda, subject: `Update Post “${slug}”`, paths: [] });
    assert.ok(repo.files(branch).includes(photo));
    await me.page.reload();
    await editor.field('title').waitFor();
    if (door.previews) await editor.pictureInPreview();
  }, [ada]);

  story.step('carry the draft over the board', async ({ me, editor, door }) => {
    await editor.go('#/workflow');
    const card = me.page.locator('[draggable="true"]').filter({ hasText: 'Hello gatehouse' });
    const column = (name) => me.page.getByRole('heading', { name, level: 2, exact: true }).locator('..');
    for (const status of ['In Review', 'Ready']) {
      await card.dragTo(column(status));
      await column(status).getByText('Hello gatehouse').waitFor();
      await editor.told('Entry status updated');
    }
    await card.hover();
    await shot(me.page, `${door.name}-board`);
    await me.page.reload();
    await column('Ready').getByText('Hello gatehouse').waitFor();
  });

  story.step('change the status in the editor', async ({ editor }) => {
    await editor.edit('posts', slug);
    await editor.status('Ready', 'Draft');
    await editor.status('Draft', 'In review');
    await editor.status('In review', 'Ready');
  });

  story.step('publish', async ({ editor, repo }) => {
    await editor.publish();
    assert.deepEqual(repo.drafts(), []);
    assert.match(repo.read(path), /And more/);
    assert.ok(repo.files().includes(photo));
    const authors = repo.git('log', '-3', '--format=%ae', 'main').split('\n');
    assert.ok(authors.includes(ada), `Ada wrote it: ${authors}`);
  }, [ada]);
}

/** What becomes of published posts. */
export function published(story) {
  story.step('edit a published post', async ({ editor, repo }) => {
    await editor.edit('posts', 'post-03');
    await editor.field('title').fill('Post number three');
    await editor.save();
    assert.deepEqual(repo.drafts(), ['cms/posts/post-03']);
    assert.match(repo.read('content/posts/post-03.md'), /Post number 3\n/);
    await editor.status('Draft', 'Ready');
    await editor.publish();
    assert.match(repo.read('content/posts/post-03.md'), /title: Post number three\n/);
    assert.match(repo.read('content/posts/post-03.md'), /The text of post 3\.\n?$/);
  }, [ada]);

  story.step('unpublish, then discard the draft', async ({ me, editor, repo }) => {
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
  }, [ada]);

  story.step('delete a published post', async ({ me, editor, repo }) => {
    await editor.edit('posts', 'post-47');
    await me.page.getByRole('button', { name: 'Delete published entry' }).click();
    await me.page.waitForURL(/#\/collections\/posts$/);
    assert.equal(repo.read('content/posts/post-47.md'), undefined);
    assert.deepEqual(repo.last(), { ...byAda, subject: 'Delete Post “post-47”', paths: ['content/posts/post-47.md'] });
  }, [ada]);
}

export function media(story) {
  story.step('upload to the media library, and delete from it', async ({ me, repo, door }) => {
    await me.page.getByRole('button', { name: 'Media' }).click();
    const dialog = me.page.getByRole('dialog');
    await dialog.getByText('old.png').waitFor();
    await dialog.locator('input[type="file"]').setInputFiles({ name: 'lake.png', mimeType: 'image/png', buffer: picture });
    const card = dialog.getByText('lake.png');
    await card.waitFor();
    await dialog.locator('img').first().evaluate((i) => i.decode());
    await shot(me.page, `${door.name}-media`);
    assert.deepEqual(repo.last(), { ...byAda, subject: 'Upload “static/uploads/lake.png”', paths: ['static/uploads/lake.png'] });
    assert.equal(repo.git('cat-file', '-s', 'main:static/uploads/lake.png').trim(), String(picture.length));
    await dialog.getByRole('button', { name: 'Delete selected' }).click(); // what was just uploaded is selected
    await card.waitFor({ state: 'hidden' });
    assert.deepEqual(repo.last(), { ...byAda, subject: 'Delete “static/uploads/lake.png”', paths: ['static/uploads/lake.png'] });
    assert.ok(!repo.files().includes('static/uploads/lake.png'));
    await dialog.press('Escape'); // the button has no name in 2.10
  }, [ada]);
}

/** Collections that are not a folder of posts. */
export function collections(story) {
  story.step('edit a file of a file collection', async ({ editor, repo }) => {
    await editor.edit('settings', 'general', 'site_title');
    await editor.field('site_title').fill('The new title');
    await editor.saveAndPublish();
    assert.deepEqual(JSON.parse(repo.read('data/general.json')), { site_title: 'The new title' });
  }, [ada]);

  story.step('make a file of a file collection that is not there yet', async ({ me, editor, repo }) => {
    await editor.list('settings');
    await me.page.getByText('Colours').click();
    await editor.field('main').fill('blue');
    await editor.saveAndPublish();
    assert.deepEqual(JSON.parse(repo.read('data/colours.json')), { main: 'blue' });
  }, [ada]);

  for (const [collection, paths] of [
    ['news', ['content/news/hallo.md']],
    ['events', ['content/events/hallo.de.md', 'content/events/hallo.en.md']],
    ['guides', ['content/guides/de/hallo.md', 'content/guides/en/hallo.md']],
  ]) {
    story.step(`write in two languages: ${collection}`, ({ editor, repo }) => translate(editor, repo, collection, paths), [ada]);
  }

  story.step('move a page of a nested collection, with what lies beside it', async ({ editor, repo }) => {
    await editor.edit('pages', 'about/index');
    await editor.field('path').fill('company/about-us');
    await editor.saveAndPublish();
    assert.deepEqual(repo.files().filter((p) => p.startsWith('content/pages/')), ['content/pages/company/about-us/index.md', 'content/pages/company/about-us/team.txt', 'content/pages/index.md']);
  }, [ada]);
}

async function translate(editor, repo, collection, paths) {
  await editor.create(collection);
  await editor.field('title').fill('Hallo');
  await editor.field('body').fill('English text');
  await editor.field('title', 1).fill('Servus');
  await editor.field('body', 1).fill('Deutscher Text');
  await editor.saveAndPublish();
  assert.deepEqual(repo.files().filter((p) => p.startsWith(`content/${collection}/`)).sort(), paths);
  const text = () => paths.map((p) => repo.read(p)).join('\n');
  for (const part of ['Hallo', 'English text', 'Servus', 'Deutscher Text']) assert.ok(text().includes(part), `${part} is saved`);
  await editor.list(collection);
  await editor.rows(collection).first().waitFor();
  assert.equal(await editor.rows(collection).count(), 1, 'the languages are one entry');
  await editor.edit(collection, 'hallo');
  assert.equal(await editor.field('title', 1).inputValue(), 'Servus');
  await editor.field('body', 1).fill('Besserer Text');
  await editor.saveAndPublish();
  assert.ok(text().includes('Besserer Text'));
}

/**
 * Two people on one entry: Bob is faster, and Ada is told.
 *
 * @param {(story) => Promise} told what Ada sees after she pressed Save
 */
export function collide(story, told) {
  story.step('somebody else changed the entry meanwhile', async ({ me, editor, repo }) => {
    await editor.edit('posts', 'post-06');
    await editor.field('title').fill('Mine');
    const other = await story.person();
    await story.enter(other.me, bob, '#/collections/posts/entries/post-06');
    await other.editor.field('title').fill('His');
    await other.editor.saveAndPublish();
    story.tidy(other.me);
    await other.me.context.close();

    await me.page.getByRole('button', { name: 'Save', exact: true }).click();
    await told(story);
    assert.equal(await editor.field('title').inputValue(), 'Mine');
    assert.match(repo.read('content/posts/post-06.md'), /title: His/);
    assert.ok(!repo.drafts().includes('cms/posts/post-06'));
    assert.ok(me.excuse(/409 \(Conflict\)|somebody else/i) > 0);
  }, [bob]);
}
