// What the self-test says about what it finds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headers, whyAddress, whyClock, whyPage } from '../../web/broker/diagnosis.mjs';

const origin = 'https://auth.example.com';

test('the address is right, opened elsewhere, or changed by a proxy', () => {
  const at = (here, arrived) => whyAddress({ here, host: new URL(here).host, arrived, origin });
  assert.equal(at(origin, 'auth.example.com'), '');
  assert.match(at(origin, '127.0.0.1:8484'), /proxy changes the Host header/);
  assert.match(at('http://auth.example.com', 'auth.example.com'), /opened at http:/);
  assert.match(at('https://other.example.com', 'other.example.com'), /change url in gatehouse\.yaml/);
});

test('headers that something on the way has changed', () => {
  const policy = "default-src 'none'";
  const good = { 'Cache-Control': 'no-store', 'Content-Security-Policy': policy };
  const why = (changed) => headers(new Headers({ ...good, ...changed }), policy);
  assert.equal(why({}), '');
  assert.equal(why({ 'Cross-Origin-Opener-Policy': 'unsafe-none' }), '');
  assert.match(why({ 'Cross-Origin-Opener-Policy': 'same-origin' }), /Cross-Origin-Opener-Policy: same-origin/);
  assert.match(why({ 'Cache-Control': 'public, max-age=60' }), /no-store/);
  assert.match(why({ 'Content-Security-Policy': `${policy}, script-src example.com` }), /Content-Security-Policy/);
});

test('clocks may differ a little', () => {
  assert.equal(whyClock(60_000), '');
  assert.equal(whyClock(-60_000), '');
  assert.match(whyClock(600_000), /10 minutes ahead of/);
  assert.match(whyClock(-600_000), /10 minutes behind/);
});

test('every page that can come up in the window has its own words', () => {
  const words = ['E-no-opener', 'E-opener-gone', 'E-no-answer', 'E-state', 'E-host', 'E-origin', 'E-rate', 'E-new'].map((id) => whyPage(id, origin));
  assert.equal(new Set(words).size, words.length);
});
