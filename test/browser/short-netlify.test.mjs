// The short story with the last Netlify CMS, 2.10.192, through the same adapter.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, shot, signIn } from './lib/browser.mjs';
import { picture, posts, simpleConfig } from './lib/content.mjs';
import { Editor } from './lib/editor.mjs';
import { start } from './lib/server.mjs';

const ada = 'ada@example.org';
let server, browser, me, editor, repo;

before(async () => {
  server = await start({
    sites: { blog: { bundle: 'netlify-cms', files: { 'static/admin/config.yml': simpleConfig(), ...posts(45) } } },
    people: [{ email: ada, name: 'Ada Writer', site: 'blog', role: 'publisher' }],
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

test('sign in, list, save with a picture, draft, publish', async () => {
  try {
    await signIn(me.page, editor.admin, ada);
    await editor.rows('posts').nth(19).waitFor();
    await editor.rows('posts').last().scrollIntoViewIfNeeded();
    await me.page.mouse.wheel(0, 10_000);
    await editor.rows('posts').nth(39).waitFor();
    await shot(me.page, 'netlify-list');

    await editor.create('posts');
    await editor.field('title').fill('From Netlify CMS');
    await editor.write('Plain words.');
    await editor.upload('Big Photo.png', picture);
    await editor.pictureInPreview();
    await editor.save();
    const branch = 'cms/posts/from-netlify-cms';
    assert.deepEqual(repo.drafts(), [branch]);
    assert.deepEqual(repo.last(branch), { author: 'Ada Writer', email: ada, subject: 'Create Post “from-netlify-cms”', paths: ['content/posts/from-netlify-cms.md', 'static/uploads/big-photo.png'] });
    const text = repo.read('content/posts/from-netlify-cms.md', branch);
    assert.ok(!text.includes('\uFEFF'), 'no invisible character is saved');
    assert.match(text, /\n---\nPlain words\.\n?$/);
    await shot(me.page, 'netlify-editor');

    await editor.write(' Second thoughts.');
    await editor.save();
    await editor.go('#/workflow');
    await me.page.locator('[draggable="true"]').filter({ hasText: 'From Netlify CMS' }).waitFor();
    await shot(me.page, 'netlify-board');
    await editor.edit('posts', 'from-netlify-cms');
    await editor.status('Draft', 'Ready');
    await editor.publish();
    assert.deepEqual(repo.drafts(), []);
    assert.match(repo.read('content/posts/from-netlify-cms.md'), /Second thoughts/);
    assert.ok(repo.files().includes('static/uploads/big-photo.png'));
    repo.fsck();
    me.clean();
  } catch (err) {
    await shot(me.page, 'failed-netlify').catch(() => {});
    throw err;
  }
});
