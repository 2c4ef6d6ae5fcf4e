// Two windows of one sign-in, what a window remembers, and what happens to an
// outcome that nobody takes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Waiting, channelOf, pause, tell } from '../../web/broker/launcher.mjs';
import { Memory, again } from '../../web/broker/memory.mjs';
import { ask } from '../../web/broker/server.mjs';
import { watch } from '../../web/broker/undelivered.mjs';
import { Clock, channels, storage } from './lib.mjs';

const pending = { status: 409, body: { pending: true } };
const done = { status: 200, body: { message: 'm', origin: 'o' } };

/** A first window that waits, and the channel of the second. */
function waits(answers, { mute } = {}) {
  const clock = new Clock();
  const make = channels();
  const w = { clock, asked: 0, finished: [], again: [], held: 0, second: channelOf('tx', make) };
  w.waiting = new Waiting({
    claim: async () => { w.asked++; return typeof answers === 'function' ? answers(w.asked) : answers.shift() ?? pending; },
    channel: mute ? undefined : channelOf('tx', make),
    finished: (answer) => w.finished.push(answer),
    again: (how) => w.again.push(how),
    held: () => { w.held++; },
    timers: clock,
    now: clock.now,
  });
  return w;
}

test('the first window claims as soon as the second has returned, and the second may close', async () => {
  const w = waits([done]);
  let got = 0, silent = 0;
  tell(w.second, 'returned', { got: () => { got++; }, silent: () => { silent++; } }, w.clock);
  await w.clock.pass(5000);
  assert.deepEqual([w.finished, w.asked, got, silent], [[done], 1, 1, 0]);
});

test('without a word from the second window the first one finds out by asking', async () => {
  const w = waits([pending, { status: 0, body: {} }, { status: 429, body: { page: {} } }, { status: 503, body: {} }, done], { mute: true });
  await w.clock.pass(60_000);
  assert.deepEqual([w.finished, w.asked], [[done], 5]);
});

test('the asking gets rarer, and ends', async () => {
  assert.ok(pause(0) >= 1000 && pause(100) <= 10_000);
  const w = waits(() => pending);
  await w.clock.pass(60 * 60 * 1000);
  assert.equal(w.finished.length, 1);
  assert.ok(w.asked < 90, `${w.asked} questions`);
});

test('a refusal is shown and not asked for again', async () => {
  const refusal = { status: 410, body: { page: { id: 'E-state' } } };
  const w = waits([refusal, done]);
  await w.clock.pass(60_000);
  assert.deepEqual([w.finished, w.asked], [[refusal], 1]);
});

test('a failure waits until the person has read it', async () => {
  const w = waits([done]);
  w.second.postMessage('failed');
  await w.clock.pass(120_000);
  assert.deepEqual([w.held, w.asked], [1, 0]);
  tell(w.second, 'back', { got() {}, silent: assert.fail }, w.clock);
  await w.clock.pass(5000);
  assert.deepEqual(w.finished, [done]);
});

test('a question that is under way when the failure comes is the last one', async () => {
  let answer;
  const w = waits(() => new Promise((then) => { answer = then; }));
  await w.clock.pass(2000);
  w.second.postMessage('failed');
  answer(pending);
  await w.clock.pass(120_000);
  assert.deepEqual([w.held, w.asked, w.finished], [1, 1, []]);
});

test('the second window closes once', async () => {
  const clock = new Clock();
  const make = channels();
  const first = channelOf('tx', make), second = channelOf('tx', make);
  first.onmessage = () => { first.postMessage('x'); first.postMessage('got'); first.postMessage('got'); };
  let got = 0;
  tell(second, 'returned', { got: () => { got++; }, silent: assert.fail }, clock);
  await clock.pass(5000);
  assert.equal(got, 1);
});

test('another try begins in the first window', async () => {
  const w = waits(() => pending);
  w.second.postMessage('failed');
  w.second.postMessage('switch');
  w.second.postMessage('retry');
  await w.clock.pass(60_000);
  assert.deepEqual([w.again, w.asked, w.finished], [['switch'], 0, []]);
});

test('words that are none of ours are not heard', async () => {
  const w = waits(() => pending);
  for (const word of ['got', 'x', '', null, {}, ['returned'], 7]) w.second.postMessage(word);
  await w.clock.pass(1);
  assert.deepEqual([w.asked, w.held, w.again], [0, 0, []]);
});

test('two words at once are one question', async () => {
  const w = waits([done, done]);
  w.second.postMessage('returned');
  w.second.postMessage('returned');
  await w.clock.pass(1);
  assert.deepEqual([w.asked, w.finished], [1, [done]]);
});

test('the second window notices that nobody is there', async () => {
  for (const channel of [channels()('gatehouse-tx'), undefined]) {
    const clock = new Clock();
    let silent = 0;
    tell(channel, 'returned', { got: assert.fail, silent: () => { silent++; } }, clock);
    await clock.pass(5000);
    assert.equal(silent, 1);
  }
});

test('a browser without channels does without', () => {
  assert.equal(channelOf('tx', () => { throw new ReferenceError('none'); }), undefined);
});

test('a window that stays open has not delivered, and one that could not post neither', async () => {
  for (const [kind, wait] of [['success', 20_000], ['', 0]]) {
    const clock = new Clock();
    const happened = [];
    watch(kind, { gone: () => happened.push('gone'), report: (id) => happened.push(id) }, clock);
    await clock.pass(Math.max(wait - 1, 0));
    assert.equal(happened.length, wait ? 0 : 2);
    await clock.pass(1);
    assert.deepEqual(happened, ['undelivered', 'gone']);
  }
});

test('a note is kept for the life of a sign-in', () => {
  let now = 0;
  const memory = new Memory(storage(), () => now);
  assert.equal(memory.read(), undefined);
  memory.write({ place: '/auth?x', origin: 'https://a.example' });
  now = 10 * 60 * 1000 - 1;
  assert.equal(memory.read().origin, 'https://a.example');
  now++;
  assert.equal(memory.read(), undefined);
  memory.forget();
});

test('a storage that is broken, full or filled by somebody else costs no sign-in', () => {
  const broken = { getItem() { throw new Error('x'); }, setItem() { throw new Error('x'); }, removeItem() { throw new Error('x'); } };
  for (const s of [broken, undefined, { ...storage(), getItem: () => '{' }, { ...storage(), getItem: () => '7' }]) {
    const memory = new Memory(s);
    memory.write({ place: '/', origin: 'o' });
    assert.equal(memory.read(), undefined);
    memory.forget();
  }
});

test('another try goes to the place that the CMS has opened, and nowhere without one', () => {
  const memory = new Memory(storage());
  const went = [];
  const window = { location: { replace: (to) => went.push(to) } };
  again(window, memory, 'switch');
  memory.write({ place: '/auth?provider=github', origin: 'https://a.example' });
  again(window, memory, 'switch');
  assert.deepEqual(went, ['/auth?provider=github']);
  assert.equal(memory.read().again, 'switch');
});

test('the server is asked with JSON, and whatever it says there is something to show', async () => {
  const calls = [];
  const says = (status, body) => async (url, init) => { calls.push([url, init.method, init.headers['Content-Type'], init.body]); return new Response(body, { status }); };
  assert.deepEqual(await ask('claim', { tx: 't' }, says(200, '{"message":"m"}')), { status: 200, body: { message: 'm' } });
  assert.deepEqual(calls, [['/auth/claim', 'POST', 'application/json', '{"tx":"t"}']]);
  assert.deepEqual((await ask('claim', {}, says(409, '{"pending":true}'))).body, { pending: true });
  assert.equal((await ask('begin', {}, says(403, '{"page":{"id":"E-origin"}}'))).body.page.id, 'E-origin');
  for (const odd of [says(502, '<html>Bad gateway'), says(500, ''), says(400, '{}'), async () => { throw new TypeError('offline'); }]) {
    assert.equal((await ask('begin', {}, odd)).body.page.id, 'E-upstream');
  }
});
