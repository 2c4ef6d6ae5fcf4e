// Many people at once: each save that was answered with success is in history,
// by whom it was made, and nobody writes over anybody.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { posts, simpleConfig } from '../browser/lib/content.mjs';
import { start } from '../browser/lib/server.mjs';
import { Client, assertWritten, draftOf, entry, postPath, text, written } from './lib/client.mjs';

const people = Array.from({ length: 10 }, (_, n) => ({ email: `person${n}@example.org`, name: `Person ${n}`, operator: true }));
let server;

before(async () => {
  server = await start({
    sites: {
      simple: { files: { 'admin/config.yml': simpleConfig('simple'), ...posts(50) } },
      drafts: { files: { 'admin/config.yml': simpleConfig(), ...posts(50) } },
    },
    people,
  });
});

after(() => server?.stop());

/** Five sessions of each of the ten people. */
async function fifty(site) {
  const clients = [];
  for (let session = 0; session < 5; session++) {
    clients.push(...await Promise.all(people.map(({ email }) => Client.signIn(server, site, email))));
  }
  assert.equal(new Set(clients.map((c) => c.token)).size, 50);
  return clients;
}

const saves = 4;

test('fifty editors save fifty published files at once, and all of it lands', async () => {
  const repo = server.repositories.simple;
  const before = repo.git('rev-parse', 'main').trim();
  const clients = await fifty('simple');
  const last = await Promise.all(clients.map(async (client, n) => {
    const slug = `post-${String(n + 1).padStart(2, '0')}`;
    let { base } = await client.open(postPath(slug));
    let raw;
    for (let i = 0; i < saves; i++) {
      raw = text(`Save ${i} of editor ${n}`);
      const answer = await client.must('persistEntry', entry(slug, raw, { base }));
      base = answer.bases[postPath(slug)];
    }
    return { client, slug, raw };
  }));
  const found = written(repo, `${before}..main`);
  assert.equal(found.size, 50 * saves, 'nothing beside what was saved');
  for (let n = 0; n < 50; n++) {
    const { client, slug, raw } = last[n];
    for (let i = 0; i < saves; i++) assertWritten(found, client, slug, text(`Save ${i} of editor ${n}`));
    assert.equal(repo.read(postPath(slug)), raw);
  }
  assert.equal(Number(repo.git('rev-list', '--count', `${before}..main`)), 50 * saves);
  repo.fsck();
});

test('fifty editors make, change and publish fifty drafts at once, and all of it lands', async () => {
  const repo = server.repositories.drafts;
  const clients = await fifty('drafts');
  const done = await Promise.all(clients.map(async (client, n) => {
    const slug = `draft-${n}`;
    const texts = [];
    for (let i = 0; i < 3; i++) {
      texts.push(text(`Draft ${n}, version ${i}`));
      await client.must('persistEntry', entry(slug, texts[i], { draft: true, fresh: i === 0 }));
    }
    if (n % 2 === 0) {
      await client.must('updateUnpublishedEntryStatus', { ...draftOf(slug), newStatus: 'pending_publish' });
      await client.must('publishUnpublishedEntry', draftOf(slug));
    }
    return { client, slug, texts, published: n % 2 === 0 };
  }));
  const found = written(repo, '--branches');
  for (const { client, slug, texts, published } of done) {
    for (const raw of texts) assertWritten(found, client, slug, raw);
    assert.equal(repo.read(postPath(slug), published ? 'main' : `cms/posts/${slug}`), texts.at(-1));
  }
  const open = done.filter((d) => !d.published).map((d) => d.slug);
  assert.deepEqual(repo.drafts().sort(), open.map((slug) => `cms/posts/${slug}`).sort());
  assert.deepEqual((await clients[0].drafts()).sort(), open.map((slug) => `posts/${slug}`).sort());
  assert.equal(repo.files().filter((f) => f.startsWith('content/posts/draft-')).length, 25);
  repo.fsck();
});

/** Two people open one file; the second to save is refused. */
async function collide({ site, slug, draft, bases, between = async () => {} }) {
  const repo = server.repositories[site];
  const path = postPath(slug);
  const [ada, bob] = await Promise.all([0, 1].map((n) => Client.signIn(server, site, people[n].email)));
  const [first, second] = [await ada.open(path), await bob.open(path)];
  await between();
  const save = (client, opened, raw) => client.ask('persistEntry', entry(slug, raw, { draft, base: bases ? opened.base : undefined }));
  const where = () => repo.read(path, draft ? `cms/posts/${slug}` : 'main');

  assert.equal((await save(bob, second, text('Bob was faster'))).status, 200);
  for (let i = 0; i < 2; i++) { // also when the person insists
    const refused = await save(ada, first, text('Ada would write over Bob'));
    assert.equal(refused.status, 409, JSON.stringify(refused.body));
    assert.deepEqual(refused.body.paths, [path]);
    assert.ok(refused.body.error.includes(path), refused.body.error);
    assert.ok(refused.body.error.includes('Person 1'), refused.body.error);
    assert.equal(where(), text('Bob was faster'));
  }

  // After looking at Bob's text, Ada may go on.
  const again = draft ? await ada.must('unpublishedEntryDataFile', { ...draftOf(slug), path }) : await ada.open(path);
  assert.equal(again.data, text('Bob was faster'));
  assert.equal((await save(ada, again, text('Ada and Bob'))).status, 200);
  assert.equal(where(), text('Ada and Bob'));
  repo.fsck();
}

let next = 10;
for (const [client, bases] of [['a client that names its bases', true], ['a client that names none', false]]) {
  for (const [kind, site, draft] of [['published', 'simple', false], ['as a draft', 'drafts', true]]) {
    for (const [when, between] of [['', undefined], [', with a restart between', () => server.restart()]]) {
      const slug = `post-${next++}`;
      test(`two editors on one file, ${kind}, with ${client}${when}`, () => collide({ site, slug, draft, bases, between }));
    }
  }
}

test('two new entries of one name', async () => {
  const [ada, bob] = await Promise.all([0, 1].map((n) => Client.signIn(server, 'simple', people[n].email)));
  const answers = await Promise.all([[ada, 'Ada'], [bob, 'Bob']].map(([c, name]) => c.ask('persistEntry', entry('same-name', text(name), { fresh: true }))));
  assert.deepEqual(answers.map((a) => a.status).sort(), [200, 409]);
  const winner = answers[0].status === 200 ? 'Ada' : 'Bob';
  assert.equal(server.repositories.simple.read(postPath('same-name')), text(winner));
});

test('twenty editors on one line: one of them wins, nineteen are told', async () => {
  const repo = server.repositories.simple;
  const path = postPath('post-40');
  const clients = await Promise.all(Array.from({ length: 20 }, (_, n) => Client.signIn(server, 'simple', people[n % 10].email)));
  await Promise.all(clients.map((c) => c.open(path)));
  const answers = await Promise.all(clients.map((c, n) => c.ask('persistEntry', entry('post-40', text(`Number ${n}`)))));
  assert.deepEqual(answers.map((a) => a.status).sort(), [200, ...Array(19).fill(409)]);
  assert.equal(repo.read(path), text(`Number ${answers.findIndex((a) => a.status === 200)}`));
});
