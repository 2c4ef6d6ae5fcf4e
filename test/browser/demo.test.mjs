// The main job, as a newcomer meets it: `gatehouse demo`, sign in with a click,
// write a post with a picture, take it through the columns, publish it, see it on
// the rendered site, and find the commits with the right author. It also takes
// the README's picture (docs/images, when GATEHOUSE_PICTURES is set).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { launch, open, out, shot } from './lib/browser.mjs';
import { picture } from './lib/content.mjs';
import { Editor } from './lib/editor.mjs';
import { binary, Repository } from './lib/server.mjs';

let dir, child, demo, browser, repo;

async function startDemo() {
  child = spawn(binary, ['demo', '--json', '--addr', '127.0.0.1:0', '--dir', dir], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  demo = JSON.parse(line);
  repo = new Repository(demo.repository);
}

async function stopDemo() {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'gatehouse-demo-'));
  await startDemo();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await stopDemo();
  rmSync(dir, { recursive: true, force: true });
});

/** A person who clicked their name on the start page, at the journal's admin. */
async function enter(name) {
  const me = await open(browser);
  await me.page.goto(demo.url);
  await me.page.getByRole('button', { name: `Sign in as ${name}` }).click();
  await me.page.goto(demo.admin);
  const editor = new Editor(me.page, demo.admin);
  await editor.rows('posts').first().waitFor();
  return { me, editor };
}

test('write a post with a picture, take it through the columns, publish it, see it on the site', async () => {
  const { me, editor } = await enter('Maren');
  const pictures = process.env.GATEHOUSE_PICTURES ? join(dirname(fileURLToPath(import.meta.url)), '../../docs/images') : out;
  await editor.rows('posts').filter({ hasText: 'The kingfisher is back' }).click();
  await editor.pictureInPreview();
  const thumbnail = await me.page.locator('img[role="presentation"]').first().elementHandle();
  await me.page.waitForFunction((i) => i.naturalWidth > 1 && !document.querySelector('#nprogress'), thumbnail);
  await me.page.screenshot({ path: join(pictures, 'admin.png') });
  await editor.create('posts');
  await editor.field('title').fill('An otter at the weir');
  await me.page.getByRole('button', { name: 'Now' }).first().click();
  await me.page.locator('[id^="author-field"]').first().click();
  await me.page.getByRole('option').first().click();
  await editor.upload('Otter Tracks.png', picture);
  await editor.write('Three webbed prints in the mud.');
  await editor.save();
  const branch = repo.drafts().find((d) => d.endsWith('an-otter-at-the-weir'));
  assert.ok(branch, `a draft is a branch: ${repo.drafts()}`);
  assert.deepEqual([repo.last(branch).author, repo.last(branch).email], ['Maren Hollis', demo.email]);
  await editor.status('Draft', 'In review');
  await editor.status('In review', 'Ready');
  assert.ok(!(await (await fetch(`${demo.url}/site/`)).text()).includes('An otter at the weir'), 'a draft is not on the site');
  await editor.publish();
  await me.page.goto(`${demo.url}/site/`);
  await me.page.getByRole('link', { name: 'An otter at the weir' }).first().click();
  await me.page.getByText('Three webbed prints in the mud.').waitFor();
  await me.page.waitForFunction(() => [...document.querySelectorAll('main img')].some((i) => i.naturalWidth === 64));
  await shot(me.page, 'demo-published');
  const file = repo.files().find((f) => f.includes('an-otter-at-the-weir'));
  assert.match(repo.read(file), /Three webbed prints/);
  assert.ok(repo.files().some((f) => f.endsWith('/otter-tracks.png')));
  assert.equal(repo.git('log', '-1', '--format=%an <%ae>', '--', file).trim(), `Maren Hollis <${demo.email}>`);
  repo.fsck();
  me.clean();
});

test('an editor may not publish, and is told who may', async () => {
  const { me, editor } = await enter('Tobias');
  const before = repo.git('rev-parse', 'main');
  await editor.go('#/workflow');
  const card = me.page.locator('[draggable="true"]').filter({ hasText: 'The year in numbers' });
  await card.waitFor();
  await card.hover();
  await card.getByRole('button', { name: 'Publish new entry' }).click();
  const told = await editor.told(/publish/i);
  assert.match(told, /publisher|admin/i, told);
  assert.equal(repo.git('rev-parse', 'main'), before, 'nothing moved');
  await shot(me.page, 'demo-refused');
});

test('a second start keeps what was written', async () => {
  await stopDemo();
  await startDemo();
  const { editor } = await enter('Maren');
  await editor.rows('posts').filter({ hasText: 'An otter at the weir' }).first().waitFor();
});
