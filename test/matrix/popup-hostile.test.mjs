// Pages that want what is not theirs. Their origins are real ones to the
// browser, which gets the pages from this test.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { open, shot } from '../browser/lib/browser.mjs';
import { town } from '../browser/lib/popup.mjs';
import { cell } from './lib/cell.mjs';
import { Witness, nothingKept } from './lib/witness.mjs';

let at;
const www = 'https://www.example.com';
const evil = 'https://evil.example';
const patience = Number(process.env.GATEHOUSE_PATIENCE ?? 20) * 1000;
const seen = new Set();
const said = []; // every message of ours, from all cells

before(async () => {
  at = await town({
    kinds: ['github'],
    more: ({ hosts }) => {
      const site = (...origins) => ({ backend: `{name: github, repo: ${hosts.github.repo}, branch: main}`, more: `    origins: ${JSON.stringify(origins)}\n` });
      return { sites: { www: site(www), other: site('https://www.other.org', 'https://both.example.net'), third: site('https://both.example.net') } };
    },
  });
});
after(async () => { await at?.stop(); });

const page = '<!doctype html><meta charset="utf-8"><title>A page</title><link rel="icon" href="data:,"><body>A page.';

/** Somebody with a window at an origin. What it hears is kept; it answers as it is told. */
class Somebody {
  static async at(using, origin, { answer = true } = {}) {
    const who = using(new Somebody());
    who.me = await open(at.browser);
    const { context } = who.me;
    context.setDefaultTimeout(patience);
    who.witness = new Witness(context);
    await context.route((url) => /^https?:\/\/([a-z.-]+\.)?(example\.com|example|other\.org|evil\.net|example\.net)(:\d+)?$/.test(url.origin) || url.hostname === 'evilwww.example.com', (route) => route.fulfill({ contentType: 'text/html', body: page }));
    await context.addInitScript((how) => {
      globalThis.heard = [];
      globalThis.wrongs = [];
      globalThis.answer = how;
      addEventListener('message', (e) => {
        heard.push({ data: e.data, origin: e.origin, opener: e.source === globalThis.opener });
        if (globalThis.answer && !globalThis.opener && /^authorizing:/.test(e.data)) e.source.postMessage(e.data, e.origin);
      }, true);
      addEventListener('securitypolicyviolation', (e) => wrongs.push(`${e.violatedDirective} ${e.blockedURI}`));
    }, answer);
    who.begins = [];
    who.claims = [];
    context.on('request', (r) => {
      if (r.url() === `${at.broker}/auth/begin`) who.begins.push(r);
      if (r.url() === `${at.broker}/auth/claim`) who.claims.push(r);
    });
    who.page = who.me.page;
    await who.page.goto(`${origin}/admin/`);
    return who;
  }

  /** Opens the popup, as a CMS does. */
  async open(query = 'provider=github&site_id=www&scope=repo') {
    const [popup] = await Promise.all([
      this.me.context.waitForEvent('page'),
      this.page.evaluate((url) => { globalThis.popup = window.open(url, 'auth', 'width=600,height=800'); }, `${at.broker}/auth?${query}`),
    ]);
    return popup;
  }

  /** What the page has heard from us. */
  async heard(where = this.page) {
    const all = (await where.evaluate(() => globalThis.heard)).filter((m) => m.origin === at.broker);
    said.push(...all.map((m) => m.data));
    return all.map((m) => m.data);
  }

  /** Waits for the outcome. */
  async outcome() {
    await this.page.waitForFunction((from) => heard.some((m) => m.origin === from && /^authorization:/.test(m.data)), at.broker);
    const outcomes = (await this.heard()).filter((m) => m.startsWith('authorization:'));
    assert.equal(outcomes.length, 1, 'one outcome');
    const [, provider, kind, json] = /^authorization:([^:]+):(success|error):(.*)$/.exec(outcomes[0]);
    return { provider, kind, ...JSON.parse(json) };
  }

  async allow(popup, person = 'ada') {
    await popup.getByText('Practice host.').waitFor();
    await popup.locator(`button[name=person][value=${person}]`).or(popup.getByRole('button', { name: 'Allow' })).first().waitFor();
    const face = popup.locator(`button[name=person][value=${person}]`);
    if (await face.isVisible()) await face.click();
    await popup.getByRole('button', { name: 'Allow' }).click();
  }

  async close() {
    for (const secret of this.witness.secrets) seen.add(secret);
    await this.me.context.close();
  }
}

const record = () => at.world.record('github');
const forget = () => at.world.order('github', { forget: true });

/** Waits until a count of the host has grown. */
async function grown(count, from) {
  for (let left = 200; (await record())[count] <= from; left--) assert.ok(left > 0, `${count} stays ${from}`);
}

for (const [name, origin, query] of [
  ['N16 a stranger', evil],
  ['N17 the same host without TLS', 'http://www.example.com'],
  ['N18 another port', `${www}:8443`],
  ['N19 a longer name', 'https://www.example.com.evil.net'],
  ['N19 a name that ends alike', 'https://evilwww.example.com'],
  ['N19 the apex', 'https://example.com'],
  ['N19 a name below', 'https://sub.www.example.com'],
  ['N21 another site', 'https://www.other.org'],
  ['N76 an origin of two other sites', 'https://both.example.net'],
]) {
  cell(`${name} (${origin}) learns nothing but that we are here`, async (using) => {
    const before = await record();
    const who = await Somebody.at(using, origin);
    const popup = await who.open(query);
    await popup.locator('[data-show=help] [data-part=id]').filter({ hasText: 'E-origin' }).waitFor();
    const help = await popup.getByRole('alert').filter({ visible: true }).innerText();
    assert.ok(help.includes(`The editor's page is at ${origin}, which is not an address of`), help);
    assert.equal((await who.begins[0].response()).status(), 403);
    assert.deepEqual([...new Set(await who.heard())], ['authorizing:github']);
    assert.equal(await popup.getByRole('button', { name: 'Back to the editor' }).filter({ visible: true }).count(), 0);
    const after = await record();
    assert.deepEqual([after.authorize, after.tokens], [before.authorize, before.tokens], 'the host was not asked');
    assert.deepEqual(who.claims, []);
    assert.deepEqual(await popup.evaluate(() => wrongs), []);
  });
}

cell('N20 a page without an origin learns nothing but that we are here', async (using) => {
  const before = await record();
  const who = await Somebody.at(using, evil);
  await who.page.evaluate((url) => new Promise((resolve) => {
    const frame = document.createElement('iframe');
    frame.sandbox = 'allow-scripts allow-popups allow-popups-to-escape-sandbox';
    frame.srcdoc = `<script>heard = []; addEventListener('message', (e) => { heard.push(e.data); e.source.postMessage(e.data, e.origin); }); popup = () => window.open(${JSON.stringify(url)}, 'auth');</script>`;
    frame.onload = resolve;
    document.body.append(frame);
  }), `${at.broker}/auth?provider=github&site_id=www`);
  const [popup] = await Promise.all([who.me.context.waitForEvent('page'), who.page.frames()[1].evaluate(() => { globalThis.popup(); })]);
  await popup.locator('[data-show=help] [data-part=id]').filter({ hasText: 'E-origin' }).waitFor();
  assert.deepEqual([...new Set(await who.page.frames()[1].evaluate(() => heard.map((m) => m.data ?? m)))], ['authorizing:github']);
  assert.equal(who.begins[0].postDataJSON().origin, 'null');
  assert.equal((await record()).authorize, before.authorize);
});

cell('N23, N24, N25 only the opener counts, only with the right word, and only once', async (using) => {
  await forget();
  const who = await Somebody.at(using, www, { answer: false });
  const before = await record();
  await who.page.evaluate(() => new Promise((resolve) => {
    const frame = document.createElement('iframe');
    frame.onload = resolve;
    frame.src = '/frame/';
    document.body.append(frame);
  }));
  const popup = await who.open();
  await who.page.waitForFunction(() => heard.length > 0);
  // A frame of the very same origin is not the opener.
  await who.page.frames()[1].evaluate(() => parent.popup.postMessage('authorizing:github', '*'));
  const wrong = ['authorizing:gitlab', 'AUTHORIZING:github', ' authorizing:github', 'authorizing:undefined', 'x'.repeat(1 << 20), 42, null, { toString: 0, data: 'authorizing:github' }, ['authorizing:github']];
  await who.page.evaluate((list) => { for (const data of list) popup.postMessage(data, '*'); }, wrong);
  await popup.waitForFunction((n) => heard.length === n, wrong.length + 1);
  assert.deepEqual(await popup.evaluate(() => heard.map((m) => m.opener)), [false, ...wrong.map(() => true)]);
  assert.deepEqual(who.begins, []);
  await who.page.evaluate(() => { for (let i = 0; i < 5; i++) popup.postMessage('authorizing:github', '*'); });
  await who.allow(popup);
  const { kind, token } = await who.outcome();
  assert.equal(kind, 'success');
  assert.equal(typeof token, 'string');
  assert.equal(who.begins.length, 1);
  assert.equal(who.begins[0].postDataJSON().origin, www);
  assert.equal((await record()).tokens, before.tokens + 1);
  assert.equal(who.claims.length, 1);
});

cell('N26 an opener that went to another origin gets nothing, and the token is revoked', async (using) => {
  await forget();
  const who = await Somebody.at(using, www);
  await who.me.context.clock.install();
  const popup = await who.open();
  await popup.getByText('Practice host.').waitFor();
  await who.heard();
  await who.page.goto(`${evil}/`);
  const before = await record();
  const claimed = who.me.context.waitForEvent('response', (r) => r.url() === `${at.broker}/auth/claim`);
  await who.allow(popup);
  assert.equal((await claimed).status(), 200);
  await popup.getByText('You can close this window.').waitFor();
  await popup.clock.fastForward(20_000);
  await popup.locator('[data-help="E-opener-gone"]').filter({ visible: true }).waitFor();
  await grown('revocations', before.revocations);
  assert.deepEqual(await who.heard(), [], 'the other page has heard nothing');
  const { issued } = await record();
  const user = await fetch(`${at.hosts.github.api}/user`, { headers: { authorization: `token ${issued.access.at(-1)}` } });
  assert.equal(user.status, 401);
});

cell('N27 an opener that is closed gets nothing, nobody claims, and the token is revoked', async (using) => {
  await forget();
  const who = await Somebody.at(using, www);
  const popup = await who.open();
  await popup.getByText('Practice host.').waitFor();
  await who.heard();
  const before = await record();
  await who.page.close();
  await who.allow(popup);
  await popup.locator('[data-help="E-opener-gone"]').filter({ visible: true }).waitFor();
  await grown('revocations', before.revocations);
  assert.deepEqual(who.claims, []);
  await shot(popup, 'popup-opener-gone');
  await who.close();

  // Nobody can tell that from a host that cuts windows off: one sign-in goes by
  // a second window, and shows that there was no need.
  await forget();
  const next = await Somebody.at(using, www);
  const first = await next.open();
  const [second] = await Promise.all([next.me.context.waitForEvent('page'), first.getByRole('button', { name: 'Continue to' }).click()]);
  const kept = next.me.context.waitForEvent('request', (r) => r.url() === `${at.broker}/auth/report`);
  await next.allow(second);
  assert.equal((await next.outcome()).kind, 'success');
  await kept;
  await next.close();
  await forget();
  const third = await Somebody.at(using, www);
  await third.allow(await third.open());
  assert.equal((await third.outcome()).kind, 'success');
});

/** The origin of a page of somebody else's on the broker's own host. */
async function neighbour(using) {
  const server = createServer((_, w) => w.writeHead(200, { 'content-type': 'text/html' }).end(page)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  using({ close: async () => { server.closeAllConnections(); server.close(); } });
  return `http://127.0.0.1:${server.address().port}`;
}

cell('N28 a script of another page cannot speak for the popup', async (using) => {
  // The worst place: another port of the same host, where cookies come along.
  const who = await Somebody.at(using, await neighbour(using), { answer: false });
  const before = await record();
  const popup = await who.open();
  const tx = await popup.locator('main').getAttribute('data-tx');
  for (const [route, body] of [['begin', { tx, origin: www }], ['claim', { tx }], ['report', { tx, page: 'opener-gone' }]]) {
    for (const [mode, type, credentials] of [['cors', 'application/json', 'include'], ['cors', 'text/plain', 'include'], ['no-cors', 'text/plain', 'include'], ['cors', 'application/json', 'omit']]) {
      const got = await who.page.evaluate(async ([url, m, t, c, text]) => {
        try {
          const answer = await fetch(url, { method: 'POST', mode: m, credentials: c, headers: { 'content-type': t }, body: text });
          return answer.type === 'opaque' ? 'nothing' : await answer.text();
        } catch {
          return 'nothing';
        }
      }, [`${at.broker}/auth/${route}`, mode, type, credentials, JSON.stringify(body)]);
      assert.equal(got, 'nothing', `${route} ${type}`);
    }
  }
  assert.equal((await record()).authorize, before.authorize);
  // The popup is none the worse for it, and tells its opener no.
  await who.page.evaluate(() => popup.postMessage('authorizing:github', '*'));
  await popup.locator('[data-show=help] [data-part=id]').filter({ hasText: 'E-origin' }).waitFor();
  await who.heard();
});

const payloads = [
  "github'-alert(1)-'", '</script><script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '{{alert(1)}}', 'javascript:alert(1)', '__proto__', 'GitHub', 'x'.repeat(5000),
];

cell('N34 what comes in the address of the popup is text', async (using) => {
  const who = await Somebody.at(using, www);
  for (const payload of payloads) {
    for (const [query, id] of [[{ provider: payload, site_id: 'www' }, 'E-params'], [{ provider: 'github', site_id: payload }, payload.length > 255 ? 'E-params' : 'E-unknown-site']]) {
      const [popup] = [await who.open(new URLSearchParams(query).toString())];
      const shown = popup.locator('.help').filter({ visible: true });
      await shown.waitFor();
      assert.equal(await shown.getAttribute('data-help'), id);
      assert.equal(await popup.locator('main script, main img, main [onerror]').count(), 0);
      if (id === 'E-unknown-site') assert.ok((await shown.innerText()).includes(payload), payload);
      assert.deepEqual(await popup.evaluate(() => wrongs), []);
      await popup.close();
    }
  }
  assert.deepEqual(await who.heard(), [], 'no message for what is not well formed');
  assert.deepEqual(who.me.dialogs, [], 'no script ran');
});

for (const description of ['<img src=x onerror=alert(1)>', '</script><script>alert(1)</script>', "'-alert(1)-'", 'a\u2028b\u2029c" \\ \'', 'x'.repeat(3000), '[object Object]']) {
  cell(`N35 what a host says on the way back is text: ${description.slice(0, 40)}`, async (using) => {
    await forget();
    const who = await Somebody.at(using, www);
    const popup = await who.open();
    await popup.getByText('Practice host.').waitFor();
    const asked = new URL(popup.url()).searchParams;
    const before = await record();
    await popup.goto(`${asked.get('redirect_uri')}?${new URLSearchParams({ error: 'access_denied', error_description: description, error_uri: 'javascript:alert(1)', state: asked.get('state') })}`);
    await popup.locator('[data-help="E-cancel"]').filter({ visible: true }).waitFor();
    assert.equal(await popup.locator('a[href^="javascript:"], main script, main img').count(), 0);
    assert.ok(!(await popup.content()).includes('onerror='));
    assert.deepEqual(await popup.evaluate(() => wrongs), []);
    assert.doesNotMatch(popup.url(), /state=|error/);
    await popup.getByRole('button', { name: 'Back to the editor' }).click();
    const { kind, message, error } = await who.outcome();
    assert.equal(kind, 'error');
    assert.equal(message, error);
    assert.ok(message.length <= 300 && !/[\n\r\u2028\u2029<]/.test(message), message);
    assert.deepEqual(who.me.dialogs, []);
    assert.equal((await record()).tokens, before.tokens);
  });
}

for (const fault of ['missing', 'empty', 'number', 'error:bad_verification_code']) {
  cell(`a host that gives no token (${fault}) is no success with an undefined one`, async (using) => {
    await forget();
    const who = await Somebody.at(using, www);
    await at.world.order('github', { faults: { token: [fault] } });
    const popup = await who.open();
    await who.allow(popup);
    await popup.locator('[data-help="E-upstream"]').filter({ visible: true }).waitFor();
    await popup.getByRole('button', { name: 'Back to the editor' }).click();
    const { provider, kind, token, message } = await who.outcome();
    assert.deepEqual([provider, kind, token], ['github', 'error', undefined]);
    assert.ok(message.length > 20);
  });
}

cell('a popup without a provider says nothing, and so not “authorizing:undefined”', async (using) => {
  const who = await Somebody.at(using, www);
  const popup = await who.open('site_id=www');
  await popup.locator('[data-help="E-params"]').waitFor();
  await popup.getByRole('button', { name: 'Back to the editor' }).click();
  assert.deepEqual(await who.heard(), []);
});

for (const provider of ['svn', 'gitlab']) {
  cell(`N33 a provider that the site has not (${provider}) is answered under its own name`, async (using) => {
    const who = await Somebody.at(using, www);
    const before = await record();
    const popup = await who.open(`provider=${provider}&site_id=www`);
    await popup.locator('.help').filter({ visible: true }).locator('[data-part=id]').filter({ hasText: 'E-provider' }).waitFor();
    await popup.getByRole('button', { name: 'Back to the editor' }).click();
    const got = await who.outcome();
    assert.deepEqual([got.provider, got.kind, got.errorCode], [provider, 'error', 'UNSUPPORTED_BACKEND']);
    assert.equal((await record()).authorize, before.authorize);
  });
}

cell('N62 no page of the popup is shown in a frame', async (using) => {
  const who = await Somebody.at(using, await neighbour(using));
  const framed = [];
  who.me.context.on('response', (r) => { if (r.url().startsWith(at.broker)) framed.push(r); });
  for (const path of ['/auth?provider=github&site_id=www', '/oauth/authorize?provider=github&site_id=www', '/auth/result?tx=1', '/callback/github?code=1&state=2', '/s/www/auth?provider=github', '/auth/selftest']) {
    framed.length = 0;
    await who.page.evaluate((src) => new Promise((resolve) => {
      document.querySelector('iframe')?.remove();
      const frame = document.createElement('iframe');
      frame.onload = resolve;
      frame.onerror = resolve;
      frame.src = src;
      document.body.append(frame);
    }), at.broker + path);
    const [answer] = framed;
    if (path !== '/auth/selftest') assert.equal(answer?.status(), 403, path); // that one signs in to nothing
    assert.equal(await answer.headerValue('set-cookie'), null, path);
    assert.equal(await answer.headerValue('x-frame-options'), 'DENY', path);
    const text = await who.page.frames()[1].evaluate(() => document.documentElement.innerText).catch(() => '');
    assert.doesNotMatch(text, /Gatehouse|sign-in|Start again/i, `${path} is shown: ${text}`);
  }
  assert.deepEqual(await who.heard(), []);
  assert.deepEqual(await who.me.context.cookies(at.broker), []);
});

test('N32 the scripts post nothing to anybody but the hello', async () => {
  const start = `${at.broker}/auth?provider=github&site_id=www`;
  const html = await fetch(start, { headers: { 'sec-fetch-dest': 'document' } }).then((r) => r.text());
  const queue = [...html.matchAll(/src="([^"]+\.mjs)"/g)].map((m) => new URL(m[1], at.broker).href);
  const result = queue[0].replace('popup.mjs', 'result.mjs');
  const read = new Map();
  for (const url of [...queue, result]) await follow(url);
  async function follow(url) {
    if (read.has(url)) return;
    const answer = await fetch(url);
    assert.equal(answer.status, 200, url);
    read.set(url, await answer.text());
    for (const [, next] of read.get(url).matchAll(/from '(\.[^']+)'/g)) await follow(new URL(next, url).href);
  }
  assert.ok(read.size >= 7);
  const posts = [...read.values()].flatMap((text) => [...text.matchAll(/^.*postMessage\(.*$/gm)].map(([line]) => line.trim()));
  const toAnybody = posts.filter((line) => /['"`]\*['"`]/.test(line));
  assert.deepEqual(toAnybody.length, 1, posts.join('\n'));
  assert.match(toAnybody[0], /postMessage\(hello, '\*'\)/);
});

test('N30 nothing was ever posted but the three messages', () => {
  assert.ok(said.length > 30, `${said.length}`);
  for (const data of said) {
    assert.equal(typeof data, 'string');
    assert.match(data, /^(authorizing:[a-z][a-z0-9-]*|authorization:[a-z][a-z0-9-]*:(success|error):\{[^\n\r\u2028\u2029]*\})$/);
    if (data.startsWith('authorization:')) assert.doesNotThrow(() => JSON.parse(data.slice(data.indexOf('{'))));
  }
});

test('of all that, nothing can be read in the log or the database', async () => {
  assert.ok(await nothingKept(at, seen) > 30);
});
