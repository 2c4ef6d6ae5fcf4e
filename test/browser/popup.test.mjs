// The popup, the whole way: an unmodified decap-cms on a page elsewhere, a
// practice GitHub, and Gatehouse between them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessibility, shot } from './lib/browser.mjs';
import { Editor } from './lib/editor.mjs';
import { freePort, Repository } from './lib/server.mjs';
import { town } from './lib/popup.mjs';
import { sawPages } from './lib/trace.mjs';

let at;
before(async () => { at = await town({ kinds: ['github'] }); });
after(async () => {
  await at?.stop();
  sawPages('/auth', '/auth/result');
});

/** A person at the CMS whom the host does not know. */
async function arrive(t, options) {
  await at.world.order('github', { forget: true });
  const visit = await at.visit('decap-cms', 'github', options);
  t.after(async () => {
    if (!t.passed) await Promise.all(visit.me.context.pages().map((window, i) => shot(window, `failed-popup-${i}`)));
    await visit.close();
  });
  return visit;
}

const issued = async () => (await at.world.record('github')).issued.access;
const kinds = (outcomes) => outcomes.map(({ kind }) => kind);

test('sign in by the popup, and save an entry in the repository at the host', async (t) => {
  const visit = await arrive(t);
  await visit.signIn();
  await shot(visit.page, 'popup-inside');
  assert.deepEqual(await issued(), [(await visit.user()).token]);
  const editor = new Editor(visit.page, visit.cms.url);
  await editor.edit('posts', 'mowing');
  await editor.field('title').fill('Mowing, by the popup');
  await editor.choose(/^Publish$/, 'Publish now');
  await editor.told('Entry saved');
  const repository = new Repository(at.hosts.github.git);
  assert.match(repository.read('content/posts/mowing.md'), /^title: Mowing, by the popup$/m);
  const { author, paths } = repository.last();
  assert.deepEqual({ author, paths }, { author: 'Ada Field', paths: ['content/posts/mowing.md'] });
  visit.me.clean();
  assert.deepEqual(kinds(await visit.leave()), ['success']);
});

test('say no at the host, and then yes', async (t) => {
  const visit = await arrive(t);
  const popup = await visit.click();
  await visit.decide(popup, { allow: false });
  const retry = popup.getByRole('button', { name: 'Try again' });
  await retry.waitFor();
  assert.deepEqual(await accessibility(popup), []);
  await retry.click();
  const closed = popup.waitForEvent('close');
  await visit.decide(popup);
  await closed;
  await visit.inside();
  assert.equal((await visit.user()).token, (await issued()).at(-1));
  assert.deepEqual(kinds(await visit.leave()), ['success']);
});

test('with an account that may not write, and then with another one', async (t) => {
  const visit = await arrive(t);
  const popup = await visit.click();
  await visit.decide(popup, { person: 'cleo' });
  await popup.getByText('This account may not write').waitFor();
  await popup.getByText('you are signed in as cleo').waitFor();
  assert.deepEqual(await visit.told(), []);
  await shot(popup, 'popup-E-no-write');
  await popup.getByRole('button', { name: 'Use another account' }).click();
  const closed = popup.waitForEvent('close');
  await visit.decide(popup, { person: 'ben' });
  await closed;
  await visit.inside();
  assert.equal((await visit.user()).login, 'ben');
  assert.deepEqual(kinds(await visit.leave()), ['success']);
});

test('from a page that the site does not know, nothing is given away', async (t) => {
  const before = await at.world.record('github');
  const visit = await arrive(t, { page: { port: await freePort() } });
  const popup = await visit.click();
  const page = popup.locator('[data-help="E-origin"]:visible');
  await page.waitFor();
  await page.getByText(`is at ${visit.cms.origin},`).waitFor();
  assert.equal(await page.locator('pre').innerText(), `origins:\n  - ${visit.cms.origin}\n`);
  assert.equal(await page.getByRole('button', { name: 'Back to the editor' }).count(), 0);
  await shot(popup, 'popup-E-origin');
  assert.deepEqual(await visit.told(), []);
  assert.deepEqual(await at.world.record('github'), before);
  await visit.leave();
});
