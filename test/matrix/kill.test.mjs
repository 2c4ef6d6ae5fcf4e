// The server, and what it started, end at any moment of a stream of saves. All
// that was acknowledged is there afterwards, and nothing stands in the way of
// going on.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { posts, simpleConfig } from '../browser/lib/content.mjs';
import { password, start } from '../browser/lib/server.mjs';
import { Client } from './lib/client.mjs';
import { killFamily, linux, using } from './lib/processes.mjs';
import { Direct, Drafting, checkAll, stream } from './lib/writers.mjs';

const people = Array.from({ length: 4 }, (_, n) => ({ email: `person${n}@example.org`, name: `Person ${n}`, site: 'blog', role: 'publisher' }));
let server, repo, clients;

before(async () => {
  server = await start({ sites: { blog: { files: { 'admin/config.yml': simpleConfig(), ...posts(20) } } }, people });
  repo = server.repositories.blog;
  clients = [];
  for (const { email } of people) clients.push(await Client.signIn(server, 'blog', email));
});

after(async () => {
  await server?.stop();
  if (!linux || !server) return;
  for (let left = 100; using(server.dir).length && left > 0; left--) await new Promise((resolve) => { setTimeout(resolve, 50); });
  assert.deepEqual(using(server.dir), [], 'no process is left');
  assert.ok(!existsSync(server.dir), 'no directory is left');
});

const team = (name) => [
  new Direct(clients[0], `${name}-a`, true), new Direct(clients[1], `${name}-b`, false), new Direct(clients[2], `${name}-c`, true),
  new Drafting(clients[0], `${name}-d`), new Drafting(clients[1], `${name}-e`), new Drafting(clients[3], `${name}-f`),
];

const locks = () => readdirSync(repo.dir, { recursive: true }).filter((f) => f.endsWith('.lock'));

async function rounds(t, name, count, end) {
  const writers = team(name);
  let met = 0;
  for (let round = 0; round < count; round++) {
    await stream(writers, end, 60);
    met += locks().length;
    await server.restart();
    await checkAll(repo, writers);
    for (const w of writers) assert.ok(await w.step(), `${w.name} goes on`);
  }
  await checkAll(repo, writers);
  const all = writers.reduce((sum, w) => sum + w.acknowledged.length, 0);
  t.diagnostic(`${all} acknowledged saves over ${count} kills; ${met} locks of git were left lying`);
}

test('kill -9 of the server during a stream of saves, drafts and publishing', async (t) => {
  await rounds(t, 'server', 6, () => server.kill());
});

test('kill -9 of the server and its git processes at once', { skip: linux ? false : 'finds processes as Linux lists them' }, async (t) => {
  await rounds(t, 'family', 6, async () => {
    killFamily(server.pid);
    await server.ended;
  });
});

test('people and sessions outlive a kill', async () => {
  const page = await fetch(`${server.url}/s/blog/login`, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ email: people[0].email, password }) });
  const cookie = page.headers.get('set-cookie').split(';')[0];
  const who = async () => (await fetch(`${server.url}/s/blog/api/v1`, { method: 'POST', headers: { cookie }, body: '{"action":"session"}' })).json();
  assert.equal((await who()).user.email, people[0].email);
  await server.kill();
  await server.restart();
  assert.equal((await who()).user.email, people[0].email);
  for (const [n, client] of clients.entries()) assert.equal((await client.must('session')).user.email, people[n].email);
  const again = await Client.signIn(server, 'blog', people[3].email);
  assert.deepEqual((await again.must('session')).roles, ['publisher']);
});

test('clients who leave in the middle of their saves', async (t) => {
  const writers = team('left');
  let left = 0;
  await Promise.all(writers.map(async (w) => {
    for (let i = 0; i < 25; i++) {
      const leaving = new AbortController();
      const timer = setTimeout(() => leaving.abort(), Math.random() * 120);
      if (!await w.step(leaving.signal)) left++;
      clearTimeout(timer);
    }
  }));
  for (const w of writers) assert.ok(await w.step(), `${w.name} goes on`);
  await checkAll(repo, writers);
  assert.deepEqual(locks(), [], 'no lock is left');
  assert.ok(left > 10, `${left} left`);
  t.diagnostic(`${left} left in the middle`);
});
