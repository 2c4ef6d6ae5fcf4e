// The main job, as a newcomer meets it: `gatehouse demo`, sign in with a click,
// write a post with a picture, take it through the columns, publish it, see it on
// the rendered site, and find the commits with the right author. Then the site
// elsewhere, by links of the start page alone: sign in through the popup, write,
// be turned away, and see in the console what happened. It also takes the
// README's picture (docs/images, when GATEHOUSE_PICTURES is set).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { accessibility, launch, open, out, shot } from './lib/browser.mjs';
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

const club = (kind) => new Repository(join(dir, 'hosts', kind, 'skerry-haven/website.git'));

/** A page that fits and can be used by everyone. */
async function good(page, name) {
  await page.screenshot({ path: join(out, `${name}.png`), fullPage: true });
  const { wide, width } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, width: innerWidth }));
  assert.ok(wide <= width, `${name} is ${wide} wide on a screen of ${width}`);
  assert.deepEqual(await accessibility(page), [], `${name} is accessible`);
}

/** Follows a link of the start page to a CMS page elsewhere, and opens its popup. */
async function knock(me, host) {
  await me.page.goto(demo.url);
  await me.page.getByRole('link', { name: `Open the editor of Skerry Haven at ${host}` }).click();
  const button = me.page.getByRole('button', { name: `Login with ${host}` });
  await button.waitFor();
  const [popup] = await Promise.all([me.context.waitForEvent('page'), button.click()]);
  return popup;
}

for (const [size, width, height] of [['desk', 1280, 900], ['phone', 390, 844]]) {
  test(`the start page on a ${size}`, async () => {
    const me = await open(browser, { width, height });
    await me.page.goto(demo.url);
    await me.page.waitForFunction(() => [...document.images].every((i) => i.complete && i.naturalWidth > 1));
    await good(me.page, `demo-start-${size}`);
    me.clean();
    await me.context.close();
  });
}

/** The popup closes by itself once the person is somebody who may write. */
async function comeIn(popup) {
  await popup.getByRole('button', { name: 'Hanne Vik' }).click();
  await popup.getByRole('button', { name: 'Allow' }).waitFor();
  await good(popup, 'demo-popup-consent');
  const closed = popup.waitForEvent('close');
  await popup.getByRole('button', { name: 'Allow' }).click();
  await closed;
}

/** A person's visit; the CMS and the pages have nothing to complain of. */
async function visit(name, doing) {
  const me = await open(browser);
  try {
    await doing(me, me.page);
    me.clean();
  } catch (err) {
    await shot(me.page, `failed-demo-${name}`).catch(() => {});
    throw err;
  } finally {
    await me.context.close();
  }
}

test('at GitHub, somebody who may not write is told so, and the commit is hers who may', () => visit('github', async (me, page) => {
  const repo = club('github');
  const before = repo.tips();
  const popup = await knock(me, 'GitHub');
  await popup.getByRole('button', { name: 'Piers Lowe' }).waitFor();
  await good(popup, 'demo-popup-people');
  await popup.getByRole('button', { name: 'Piers Lowe' }).click();
  await popup.getByRole('button', { name: 'Allow' }).click();
  await popup.getByText('E-no-write').waitFor();
  await good(popup, 'demo-popup-no-write');
  await popup.getByRole('button', { name: 'Use another account' }).click();
  await comeIn(popup);
  const editor = new Editor(page, page.url().replace(/#.*/, ''));
  await editor.rows('notices').filter({ hasText: 'Night sail' }).waitFor();
  assert.deepEqual(repo.tips(), before, 'nothing is written by signing in');

  await editor.rows('notices').filter({ hasText: 'Night sail' }).click();
  await editor.field('title').fill('Night sail to the outer light, and back');
  await editor.pictureInPreview();
  await shot(page, 'demo-elsewhere-editor');
  await editor.choose(/^Publish$/, 'Publish now');
  await editor.menu(/^Published$/).waitFor();
  const last = repo.last();
  assert.deepEqual([last.author, last.email, last.paths], ['Hanne Vik', 'hanne@skerryhaven.example', ['content/notices/night-sail.md']]);
  assert.match(repo.read('content/notices/night-sail.md'), /outer light, and back/);
  repo.fsck();
  await page.goto(demo.url);
  await page.getByRole('link', { name: 'See the site of Skerry Haven at GitHub' }).click();
  await page.getByRole('link', { name: 'Night sail to the outer light, and back' }).scrollIntoViewIfNeeded();
  await page.waitForFunction(() => [...document.images].every((i) => i.complete && i.naturalWidth > 1));
  await good(page, 'demo-elsewhere-site');
}));

test('at GitLab the same, and the operator sees who came', () => visit('gitlab', async (me, page) => {
  await comeIn(await knock(me, 'GitLab'));
  const editor = new Editor(page, page.url().replace(/#.*/, ''));
  await editor.rows('notices').filter({ hasText: 'one oar' }).click();
  await editor.field('title').fill('Found, one oar, still here');
  await editor.choose(/^Publish$/, 'Publish now');
  await editor.menu(/^Published$/).waitFor();
  assert.equal(club('gitlab').last().author, 'Hanne Vik');
  assert.match(club('gitlab').read('content/notices/found-one-oar.md'), /still here/);
  assert.doesNotMatch(club('github').read('content/notices/found-one-oar.md'), /still here/);

  await page.goto(demo.url);
  await page.getByRole('button', { name: 'See the sign-ins as Maren' }).click();
  await page.getByRole('heading', { level: 1, name: 'Sign-ins' }).waitFor();
  await page.getByText('piers').first().waitFor();
  await page.getByText('hanne').first().waitFor();
  await good(page, 'demo-sign-ins');
  await page.getByRole('link', { name: 'Connectors', exact: true }).click();
  await page.getByText('practice-gitlab').first().waitFor();
  await good(page, 'demo-connectors');
}));

test('at GitLab, too, somebody who may not write is told so', () => visit('gitlab-no-write', async (me) => {
  const before = club('gitlab').tips();
  const popup = await knock(me, 'GitLab');
  await popup.getByRole('button', { name: 'Piers Lowe' }).click();
  await popup.getByRole('button', { name: 'Allow' }).click();
  await popup.getByText('E-no-write').waitFor();
  assert.equal(await me.page.evaluate(() => localStorage.getItem('decap-cms-user')), null, 'the CMS got no token');
  assert.deepEqual(club('gitlab').tips(), before);
}));

test('the self-test, and the broken page', () => visit('broken', async (me, page) => {
  await page.goto(demo.url);
  await page.getByRole('link', { name: 'The self-test' }).click();
  await page.getByRole('heading', { level: 1 }).waitFor();
  await good(page, 'demo-selftest');
  await page.goto(demo.url);
  await page.getByRole('link', { name: 'the same page with a broken' }).click();
  const button = page.getByRole('button', { name: 'Login with GitHub' });
  const [popup] = await Promise.all([me.context.waitForEvent('page'), button.click()]);
  await popup.waitForLoadState();
  await shot(popup, 'demo-popup-broken');
  assert.equal(await popup.getByRole('button', { name: 'Hanne Vik' }).count(), 0, 'nobody gets to the host');
  assert.ok(me.excuse(/40\d/) <= 1);
}));

test('a second start is at the same addresses elsewhere, with what was written', async () => {
  const me = await open(browser);
  const link = () => me.page.getByRole('link', { name: 'See the site of Skerry Haven at GitHub' });
  await me.page.goto(demo.url);
  const former = await link().getAttribute('href');
  await stopDemo();
  await startDemo();
  await me.page.goto(demo.url);
  assert.equal(await link().getAttribute('href'), former);
  await link().click();
  await me.page.getByRole('link', { name: 'Night sail to the outer light, and back' }).waitFor();
  await me.context.close();
});
