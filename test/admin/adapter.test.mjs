// The adapter's parts that need no browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backend } from '../../web/admin/assets/backend.mjs';
import { Bases } from '../../web/admin/assets/bases.mjs';
import { Client } from '../../web/admin/assets/client.mjs';
import { position, target } from '../../web/admin/assets/cursor.mjs';
import { asUser, avatar, forget } from '../../web/admin/assets/session.mjs';
import { Workflow } from '../../web/admin/assets/workflow.mjs';

/** A Storage of its own for each test; keys are its own properties, as a browser's are. */
function memory(given = {}) {
  const store = Object.create({
    getItem(key) { return Object.hasOwn(this, key) ? this[key] : null; },
    setItem(key, value) { this[key] = String(value); },
    removeItem(key) { delete this[key]; },
  });
  return Object.assign(store, given);
}

const answer = (status, body) => new Response(typeof body === 'string' ? body : JSON.stringify(body), { status });

/** A client whose server answers from a queue; sent collects the bodies. */
function queue(answers, signIn) {
  const sent = [];
  const client = new Client({
    root: 'http://test/api/v1', branch: 'main', signIn,
    fetch: async (_, { body }) => {
      sent.push(body && JSON.parse(body));
      const next = answers.shift();
      if (next instanceof Error) throw next;
      return next;
    },
  });
  return { client, sent };
}

test('an action is sent with its branch and answers what the server says', async () => {
  const { client, sent } = queue([answer(200, { ok: 1 })]);
  assert.deepEqual(await client.call('getEntry', { path: 'a.md' }), { ok: 1 });
  assert.deepEqual(sent, [{ branch: 'main', action: 'getEntry', params: { branch: 'main', path: 'a.md' } }]);
});

test('a session that ended is renewed, and the same call is sent again', async () => {
  let asked = 0;
  const { client, sent } = queue([answer(401, {}), answer(401, {}), answer(200, [7])], async () => { asked++; return true; });
  assert.deepEqual(await client.call('drafts'), [7]);
  assert.equal(asked, 2);
  assert.deepEqual(sent[0], sent[2]);
});

test('who does not want to sign in now is told that the text is kept', async () => {
  const { client } = queue([answer(401, {})], async () => false);
  await assert.rejects(client.call('persistEntry'), (e) => e.status === 401 && /still in this page/.test(String(e)) && !/Error/.test(String(e)));
});

test('a quiet call never opens the sign-in dialog', async () => {
  const { client } = queue([answer(401, { error: 'Sign in.' })], async () => assert.fail('asked'));
  await assert.rejects(client.call('session', {}, { quiet: true }), { status: 401, message: 'Sign in.' });
});

for (const [name, first, status, text] of [
  ['no network', new TypeError('Failed to fetch'), 0, /cannot be reached/],
  ['an answer that breaks off', answer(200, '{"a":'), 0, /cannot be reached/],
  ['a sentence of the server', answer(403, { error: 'You may not publish here.' }), 403, /^You may not publish here\.$/],
  ['a proxy in between', answer(502, '<h1>Bad gateway</h1>'), 502, /status 502/],
]) {
  test(`an error is a sentence: ${name}`, async () => {
    const { client } = queue([first]);
    await assert.rejects(client.call('x'), (e) => e.status === status && text.test(`${e}`));
  });
}

test('pages of a listing are counted from zero by the CMS', () => {
  assert.deepEqual(position({ page: 1, pages: 3, count: 45 }, { folder: 'posts' }), {
    actions: ['next', 'last'], meta: { index: 0, count: 45, pageSize: 15, pageCount: 2 }, data: { folder: 'posts', page: 1, pages: 3 },
  });
  assert.deepEqual(position({ page: 3, pages: 3, count: 45 }, {}).actions, ['prev', 'first']);
  assert.deepEqual(position({ page: 1, pages: 0, count: 0 }, {}).actions, []);
  assert.deepEqual(['next', 'prev', 'last', 'first', 'odd'].map((a) => target(a, { page: 2, pages: 3 })), [3, 1, 3, 1, 1]);
});

test('the CMS gets a user without any secret, with a picture of the initials', () => {
  const user = asUser({ user: { name: 'Ada Lovelace', email: 'ada@example.org', login: 'ada@example.org', avatar_url: '' } });
  assert.equal(user.token, 'cookie');
  assert.match(decodeURIComponent(user.avatar_url), /^data:image\/svg\+xml,<svg.*>AL<\/text>/);
  assert.match(decodeURIComponent(avatar('bo@example.org')), />B</);
  assert.match(decodeURIComponent(avatar('<script>')), />\?</);
  assert.equal(asUser({ user: { email: 'x@example.org' } }).name, 'x@example.org');
});

test('log-out takes everything of this person, and nothing of others', async () => {
  const storage = memory({ 'gatehouse:u1:blog:decap-cms-user': 'a', 'gatehouse:u1:shop:bases': 'b', 'gatehouse:u10:blog:bases': 'c', theme: 'dark' });
  const deleted = [];
  const databases = {
    databases: async () => [{ name: 'gatehouse:u1:shop:localforage' }, { name: 'gatehouse:u2:shop:localforage' }, { name: 'other' }],
    deleteDatabase(name) {
      deleted.push(name);
      const request = {};
      queueMicrotask(() => request.onsuccess());
      return request;
    },
  };
  await forget('gatehouse:u1:blog:', { storage, databases });
  assert.deepEqual(Object.keys(storage), ['gatehouse:u10:blog:bases', 'theme']);
  assert.deepEqual(deleted, ['gatehouse:u1:shop:localforage']);
});

const bases = (storage, waiting = []) => new Bases({ storage, key: 'k', backups: async () => new Set(waiting) });

test('the base of a save is the version that was opened', async () => {
  const b = bases(memory());
  assert.equal(b.get('a.md'), undefined);
  await b.opened('a.md', '1111');
  b.set('a.md', '2222');
  assert.equal(b.get('a.md'), '2222');
  await b.opened('new.md', '');
  assert.equal(b.get('new.md'), '');
});

test('a text from a backup keeps the base it was written on', async () => {
  const storage = memory();
  await bases(storage).opened('a.md', '1111');
  const later = bases(storage, ['a.md']);
  await later.opened('a.md', '2222');
  assert.equal(later.get('a.md'), '1111', 'somebody saved 2222 while the text of 1111 lay in the backup');
  const without = bases(storage, []);
  await without.opened('a.md', '2222');
  assert.equal(without.get('a.md'), '2222');
});

test('bases work where storage is forbidden or broken', async () => {
  const forbidden = { getItem() { throw new Error('no'); }, setItem() { throw new Error('no'); } };
  const b = bases(forbidden);
  await b.opened('a.md', '1111');
  assert.equal(b.get('a.md'), '1111');
  const broken = bases(memory({ k: 'null' }));
  await broken.opened('a.md', '1');
  assert.equal(broken.get('a.md'), '1');
});

test('only the youngest bases are remembered', async () => {
  const storage = memory();
  const b = bases(storage);
  for (let i = 0; i < 250; i++) b.set(`p${i}`, 'x');
  const kept = Object.keys(JSON.parse(storage.k));
  assert.deepEqual([kept.length, kept[0], kept.at(-1)], [200, 'p50', 'p249']);
});

const draft = (slug, id) => ({ collection: 'posts', slug, status: 'draft', updatedAt: '', diffs: [{ id: `${slug}.md`, path: `${slug}.md`, newFile: true, base: id, data: `text ${id}` }] });

test('the whole board costs one call, and sets no base', async () => {
  const { client, sent } = queue([answer(200, { drafts: [draft('a', '1'), draft('b', '2')] })]);
  const b = bases(memory());
  const w = new Workflow(client, b, async () => assert.fail());
  assert.deepEqual(await w.ids(), ['posts/a', 'posts/b']);
  assert.deepEqual((await w.draft({ id: 'posts/b' })).diffs, [{ id: '2', path: 'b.md', newFile: true }]);
  assert.equal(await w.text('posts', 'b', 'b.md', '2'), 'text 2');
  assert.equal(sent.length, 1);
  assert.equal(b.get('b.md'), undefined);
});

test('opening a draft asks anew, and takes its version for the base', async () => {
  const { data, ...diff } = draft('a', '3').diffs[0];
  const { client } = queue([answer(200, { drafts: [draft('a', '1')] }), answer(200, { ...draft('a', '3'), diffs: [diff] }), answer(200, { data, base: '3' })]);
  const b = bases(memory());
  const w = new Workflow(client, b, async () => assert.fail());
  await w.ids();
  const [opened] = (await w.draft({ collection: 'posts', slug: 'a' })).diffs;
  assert.equal(opened.id, '3');
  assert.equal(await w.text('posts', 'a', 'a.md', opened.id), 'text 3');
  assert.equal(b.get('a.md'), '3');
});

test('a published entry is "not in the workflow" in the CMS\'s own words', async () => {
  const { client } = queue([answer(200, null), answer(500, { error: 'broken' })]);
  const w = new Workflow(client, bases(memory()), async () => { throw new Error('theirs'); });
  await assert.rejects(w.draft({ collection: 'posts', slug: 'a' }), { message: 'theirs' });
  await assert.rejects(w.draft({ collection: 'posts', slug: 'a' }), { message: 'broken' });
});

function backend(answers) {
  const { client, sent } = queue(answers);
  const b = bases(memory());
  const workflow = new Workflow(client, b, async () => { throw new Error('none'); });
  const page = { root: 'https://cms.example.org/s/blog/' };
  return { backend: new Backend({ media_folder: 'static/uploads' }, {}, { client, bases: b, workflow, page, cursors: Promise.resolve(null), greet() {} }), sent, bases: b };
}

test('a save names the versions that the editor holds, and learns the new ones', async () => {
  const { backend: it, sent, bases: b } = backend([
    answer(200, { data: 'old', file: { path: 'a.md', id: '11' }, base: '11' }),
    answer(200, { message: '', bases: { 'b.md': '22' } }),
  ]);
  await it.getEntry('a.md');
  const file = { path: 'a.md', newPath: 'b.md', slug: 'a', raw: 'new' };
  await it.persistEntry({ dataFiles: [file], assets: [{ path: 'x.png', toBase64: async () => 'eA==' }] }, { commitMessage: 'm', collectionName: 'posts', useWorkflow: true });
  assert.deepEqual(sent[1].params.dataFiles, [{ ...file, base: '11' }]);
  assert.deepEqual(sent[1].params.assets, [{ path: 'x.png', content: 'eA==', encoding: 'base64' }]);
  assert.equal(sent[1].params.options.status, 'draft');
  assert.deepEqual([b.get('a.md'), b.get('b.md')], ['', '22']);
});

test('a listing never sets a base', async () => {
  const { backend: it, bases: b } = backend([answer(200, [{ data: 'x', file: { path: 'a.md', id: '11' } }])]);
  await it.entriesByFolder('posts', 'md', 1);
  assert.equal(b.get('a.md'), undefined);
});

test('a deleted entry that is saved again, as unpublishing does, is a new file', async () => {
  const { backend: it, bases: b } = backend([answer(200, { data: 'x', file: { path: 'a.md', id: '11' }, base: '11' }), answer(200, {})]);
  await it.getEntry('a.md');
  await it.deleteFiles(['a.md'], 'Delete');
  assert.equal(b.get('a.md'), '');
});

test('a network that is down does not sign the editor out', async () => {
  const stored = { name: 'Ada' };
  const { backend: it } = backend([new TypeError(), answer(401, {})]);
  assert.equal(await it.restoreUser(stored), stored);
  await assert.rejects(it.restoreUser(stored), { status: 401 });
});

test('an ended session is no alarm in the header, a server that is away is', async () => {
  const { backend: it } = backend([answer(401, {}), new TypeError(), answer(503, {}), answer(200, {})]);
  const seen = [];
  for (let i = 0; i < 4; i++) seen.push((await it.status()).api.status);
  assert.deepEqual(seen, [true, false, false, true]);
});

test('media addresses are resolved against the site, so that a prefix works', async () => {
  const { backend: it } = backend([answer(200, [{ id: 'ab', name: 'x.png', path: 'static/uploads/x.png', size: 3, url: 'api/v1/raw/ab?name=x.png' }])]);
  const [file] = await it.getMedia();
  assert.equal(file.displayURL, 'https://cms.example.org/s/blog/api/v1/raw/ab?name=x.png');
});

test('files that do not exist yet open as empty', async () => {
  const { backend: it } = backend([answer(200, [{ data: null, file: { path: 'a.json', id: null } }]), answer(200, { data: null, file: { path: 'a.md', id: null }, base: '' })]);
  assert.equal((await it.entriesByFiles([{ path: 'a.json' }]))[0].data, '{}');
  assert.equal((await it.getEntry('a.md')).data, '');
});

test('a picture of a draft is fetched by its id, another file by its path', async () => {
  const diffs = [{ id: 'x.png', path: 'x.png', newFile: true, base: '77', binary: true }, { id: 'x.txt', path: 'x.txt', newFile: true, base: '88', binary: false }];
  const { client, sent } = queue([answer(200, { drafts: [{ collection: 'posts', slug: 'a', diffs }] }), answer(200, 'PNG'), answer(200, { name: 'x.txt', content: 'aGk=' })]);
  const w = new Workflow(client, bases(memory()), async () => assert.fail());
  await w.ids();
  assert.equal(await (await w.file('posts', 'a', 'x.png', '77')).text(), 'PNG');
  const file = await w.file('posts', 'a', 'x.txt', '88');
  assert.deepEqual([await file.text(), file.name], ['hi', 'x.txt']);
  assert.equal(sent[2].action, 'unpublishedEntryMediaFile');
});
