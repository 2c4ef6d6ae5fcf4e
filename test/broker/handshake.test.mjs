// The popup and the page that opened it: who may be the editor, and what is ever
// said to it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decap, sveltia } from '../../web/broker/clients.mjs';
import { deliver, handshake, reachable } from '../../web/broker/handshake.mjs';
import { Clock, Window } from './lib.mjs';

const ours = 'https://auth.example.com';
const site = 'https://www.example.com';

function popup() {
  const clock = new Clock();
  const cms = new Window(site, { clock });
  const window = new Window(ours, { clock, opener: cms });
  const found = [];
  let silences = 0;
  const start = () => handshake(window, 'github', { found: (origin) => found.push(origin), silent: () => { silences++; } });
  return { clock, cms, window, found, start, silences: () => silences };
}

/** A CMS page that takes part, as a client says. */
function plays(p, client, { base = ours, provider = 'github' } = {}) {
  const results = [];
  const hears = client({ base, provider, echo: (data, origin) => p.window.seenFrom(p.cms).postMessage(data, origin) });
  p.cms.addEventListener('message', (event) => {
    const result = hears(event);
    if (result) results.push(result);
  });
  return results;
}

for (const [name, client] of Object.entries({ decap, sveltia })) {
  test(`${name} is found at once, and gets the outcome`, async () => {
    const p = popup();
    const results = plays(p, client);
    p.start();
    await p.clock.pass(1);
    assert.deepEqual(p.found, [site]);
    await p.clock.pass(10_000);
    assert.equal(p.silences(), 0);
    assert.deepEqual(p.cms.received, ['authorizing:github'], 'nothing more is said to a page that has answered');
    assert.equal(deliver(p.window, { message: 'authorization:github:success:{"token":"t"}', origin: site }), 'success');
    assert.deepEqual(results, [{ kind: 'success', data: { token: 't' } }]);
  });

  test(`${name} shows the words of an error`, async () => {
    const p = popup();
    const results = plays(p, client);
    p.start();
    await p.clock.pass(1);
    assert.equal(deliver(p.window, { message: 'authorization:github:error:{"message":"No.","error":"No."}', origin: site }), 'error');
    assert.equal(results[0].kind, 'error');
  });
}

test('decap with a base_url that is not our origin does not answer, and is heard when it does later', async () => {
  const p = popup();
  plays(p, decap, { base: `${ours}/broker` });
  p.start();
  await p.clock.pass(2999);
  assert.equal(p.silences(), 0);
  await p.clock.pass(1);
  assert.equal(p.silences(), 1);
  assert.deepEqual(p.cms.received, Array(3).fill('authorizing:github'), 'three times, and then no more');
  p.window.seenFrom(p.cms).postMessage('authorizing:github', '*');
  assert.deepEqual(p.found, [site]);
});

test('only the opener can answer', async () => {
  const p = popup();
  p.start();
  const evil = new Window('https://evil.example', { clock: p.clock });
  p.window.seenFrom(evil).postMessage('authorizing:github', '*');
  await p.clock.pass(1);
  assert.deepEqual(p.found, []);
  p.window.seenFrom(p.cms).postMessage('authorizing:github', ours);
  assert.deepEqual(p.found, [site]);
});

test('only the very text is an answer', () => {
  const p = popup();
  p.start();
  const view = p.window.seenFrom(p.cms);
  for (const wrong of ['authorizing:gitlab', 'AUTHORIZING:github', 'authorizing:github ', '', 7, null, undefined, { toString: () => 'authorizing:github' }, ['authorizing:github'], 'x'.repeat(1 << 20)]) {
    view.postMessage(wrong, '*');
  }
  assert.deepEqual(p.found, []);
});

test('of many answers the first counts', () => {
  const p = popup();
  p.start();
  for (let i = 0; i < 5; i++) p.window.seenFrom(p.cms).postMessage('authorizing:github', '*');
  assert.deepEqual(p.found, [site]);
  assert.equal(p.window.listeners, 0);
});

test('an outcome goes to an exact origin or to nobody', () => {
  const { window, cms } = popup();
  const message = 'authorization:github:success:{"token":"t"}';
  for (const origin of ['*', '/', '', 'null', undefined, `${site}/`, `${site}/admin`, 'https://WWW.example.com', 'javascript:alert(1)', 'www.example.com', ['*']]) {
    assert.equal(deliver(window, { message, origin }), '', String(origin));
  }
  assert.equal(deliver(window, { message, origin: 'https://www.other.org' }), 'success', 'posted, but another page is there');
  assert.deepEqual(cms.received, []);
});

test('nothing but an outcome is posted', () => {
  const { window, cms } = popup();
  for (const message of [
    '', 'authorizing:github', 'authorization:github:success:', 'authorization:github:success:{"a":\n1}', 'authorization:GitHub:success:{}',
    'x authorization:github:success:{}', 'authorization:github:done:{}', 'authorization:github:success:[]', undefined,
  ]) {
    assert.equal(deliver(window, { message, origin: site }), '', String(message));
  }
  assert.deepEqual(cms.received, []);
});

test('a window without its opener posts nothing', () => {
  const p = popup();
  assert.ok(reachable(p.window));
  p.cms.closed = true;
  assert.ok(!reachable(p.window));
  assert.equal(deliver(p.window, { message: 'authorization:github:success:{}', origin: site }), '');
  p.window.opener = null;
  assert.ok(!reachable(p.window));
});

test('sveltia ends a sign-in on any other text, and decap breaks on what is no text', () => {
  const hears = sveltia({ base: ours, provider: 'github', echo() {} });
  assert.equal(hears({ data: 'working on it', origin: ours }).kind, 'error');
  assert.equal(hears({ data: {}, origin: ours }), undefined);
  const strict = decap({ base: ours, provider: 'github', echo() {} });
  strict({ data: 'authorizing:github', origin: ours });
  assert.throws(() => strict({ data: {}, origin: ours }));
});
