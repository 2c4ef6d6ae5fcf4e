// The popup under load from many addresses: who asks too much waits, nobody else
// does, and neither memory nor the database grows without end.
import assert from 'node:assert/strict';
import { statSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { start } from '../browser/lib/server.mjs';

let server;
const agents = new Map();

before(async () => {
  server = await start({
    yaml: 'connectors:\n  - {name: github, kind: github, client_id: id, client_secret: never-seen-anywhere}\n',
    sites: { www: { backend: '{name: github, repo: acme/www}', more: '    origins: ["https://www.example.com"]\n' } },
  });
});
after(async () => {
  for (const agent of agents.values()) agent.destroy();
  await server.stop();
});

/** A request from one of this machine's many addresses. */
function ask(from, path, { method = 'GET', headers = {}, body } = {}) {
  if (!agents.has(from)) agents.set(from, new Agent({ keepAlive: true, maxSockets: 4, localAddress: from }));
  const to = new URL(path, server.url);
  return new Promise((resolve, reject) => {
    const sent = request(to, { method, headers, agent: agents.get(from) }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (data) => { text += data; }).on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
    });
    sent.on('error', reject).end(body);
  });
}

/** Runs work for every item, so many at a time. */
async function crowd(items, workers, work) {
  const queue = items[Symbol.iterator]();
  await Promise.all(Array.from({ length: workers }, async () => {
    for (const item of queue) await work(item);
  }));
}

const counts = (answers) => answers.reduce((all, { status }) => ({ ...all, [status]: (all[status] ?? 0) + 1 }), {});
const popup = '/auth?provider=github&site_id=www&scope=repo';
const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) / 1024;

test('N58 one address that opens popups without end waits, and others do not', async () => {
  const answers = [];
  await crowd(Array(150).keys(), 8, async () => answers.push(await ask('127.1.0.1', popup)));
  const seen = counts(answers);
  assert.ok(seen[200] >= 100 && seen[200] <= 110, JSON.stringify(seen)); // the allowance grows a little meanwhile
  assert.equal(seen[200] + seen[429], 150);
  const refused = answers.find((a) => a.status === 429);
  assert.match(refused.headers['retry-after'], /^\d+$/);
  assert.match(refused.headers['content-type'], /text\/html/);
  assert.match(refused.text, /E-rate/);
  assert.equal(refused.headers['set-cookie'], undefined);
  assert.equal((await ask('127.1.0.2', popup)).status, 200);
});

test('N59 one address with bad callbacks waits', async () => {
  const answers = [];
  await crowd(Array(60).keys(), 4, async (i) => answers.push(await ask('127.1.0.3', `/callback/github?code=c&state=${String(i).padStart(43, 'x')}`)));
  const seen = counts(answers);
  assert.ok(seen[400] >= 50 && seen[400] <= 55 && seen[400] + seen[429] === 60, JSON.stringify(seen));
  assert.equal((await ask('127.1.0.4', '/callback/github?code=c&state=' + 'y'.repeat(43))).status, 400);
});

test('N61 one address that guesses refresh handles waits', async () => {
  const answers = [];
  const guess = (from, handle) => ask(from, '/auth/refresh', {
    method: 'POST', body: `refresh_token=${handle}&provider=github&site_id=www`,
    headers: { origin: 'https://www.example.com', 'content-type': 'application/x-www-form-urlencoded' },
  });
  await crowd(Array(30).keys(), 4, async (i) => answers.push(await guess('127.1.0.5', String(i).padStart(43, 'z'))));
  const seen = counts(answers);
  const refused = (seen[400] ?? 0) + (seen[401] ?? 0);
  assert.ok(refused >= 20 && refused <= 23 && refused + seen[429] === 30, JSON.stringify(seen));
  for (const { text } of answers) assert.ok(JSON.parse(text).error, text);
  assert.notEqual((await guess('127.1.0.6', 'q'.repeat(43))).status, 429);
});

test('twelve thousand popups from two hundred addresses leave no more than ten thousand behind', async () => {
  const wal = () => statSync(join(server.dir, 'data', 'gatehouse.db')).size / 2 ** 20;
  const addresses = Array.from({ length: 200 }, (_, i) => `127.2.${i >> 8}.${(i & 255) + 1}`);
  const round = () => crowd(addresses.flatMap((a) => Array(30).fill(a)), 32, async (from) => {
    const { status } = await ask(from, popup);
    assert.equal(status, 200);
  });
  await round();
  const [memory, disk] = [resident(), wal()];
  await round();
  console.log(`  ${Math.round(resident())} MB of memory after 12,000 popups (${Math.round(memory)} MB after 6,000), ${wal().toFixed(1)} MB of database (${disk.toFixed(1)} MB)`);
  assert.ok(resident() < memory + 40, `${memory} MB became ${resident()} MB`);
  assert.ok(wal() < 16, `the database has ${wal()} MB`);
});

test('N60 slow and huge headers hold nobody up', async () => {
  const { hostname, port } = new URL(server.url);
  const ended = [];
  const slow = Array.from({ length: 200 }, (_, i) => {
    const socket = connect({ host: hostname, port: Number(port), localAddress: `127.3.0.${(i % 250) + 1}` });
    socket.on('error', () => {}).write('GET /auth?provider=github HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    ended.push(new Promise((resolve) => { socket.on('close', resolve); socket.resume(); }));
    return socket;
  });
  assert.equal((await ask('127.1.0.7', '/healthz')).status, 200);
  assert.ok([400, 414, 431].includes((await ask('127.1.0.7', `${popup}&x=${'a'.repeat(64 << 10)}`)).status));
  assert.equal((await ask('127.1.0.7', popup, { headers: { 'x-huge': 'a'.repeat(100 << 10) } })).status, 431);
  await Promise.all(ended); // the server ends them
  for (const socket of slow) socket.destroy();
  assert.equal((await ask('127.1.0.7', '/healthz')).status, 200);
});

test('nothing of all this wrote a secret into the log', () => {
  assert.doesNotMatch(server.log(), /never-seen-anywhere|xxxxxxxx|zzzzzzzz|state=|code=/);
});
