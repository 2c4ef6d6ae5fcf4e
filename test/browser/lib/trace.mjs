// What a sign-in leaves behind: in the messages to the CMS page, in the addresses
// and the HTML of our windows, and in the log. Secrets have no business there.
import assert from 'node:assert/strict';

const keys = {
  success: ['token', 'provider', 'refresh_token', 'refreshToken', 'expires_in', 'token_type'],
  error: ['provider', 'message', 'error', 'errorCode'],
};

/** What a message says: {kind: 'hello' | 'success' | 'error', provider, content}. Fails for anything but the three. */
export function read(data) {
  assert.equal(typeof data, 'string', `a message is text, not ${JSON.stringify(data)}`);
  const hello = /^authorizing:([a-z][a-z0-9-]*)$/.exec(data);
  if (hello) return { kind: 'hello', provider: hello[1] };
  const told = /^authorization:([a-z][a-z0-9-]*):(success|error):(\{[^\p{Cc}\u2028\u2029]*\})$/u.exec(data);
  assert.ok(told, `none of the three messages: ${JSON.stringify(data).slice(0, 300)}`);
  const [, provider, kind, json] = told;
  const content = JSON.parse(json);
  assert.deepEqual(Object.keys(content), keys[kind].filter((k) => k in content), json);
  for (const [key, value] of Object.entries(content)) assert.equal(typeof value, key === 'expires_in' ? 'number' : 'string', key);
  assert.equal(content.provider, provider);
  if (kind === 'success') {
    assert.match(content.token, /^[\x21-\x7e]{10,}$/);
    assert.equal(content.token_type, 'bearer');
    assert.equal(content.refreshToken, content.refresh_token);
    if ('refresh_token' in content) assert.match(content.refresh_token, /^[\w-]{43}$/);
  } else {
    assert.equal(content.error, content.message);
    assert.match(content.message, /^\p{Lu}[^<>]{20,} \(E-[a-z-]+, [\w-]{8}\)$/u);
    assert.ok(content.message.length <= 300);
    assert.match(content.errorCode, /^[A-Z_]+$/);
  }
  return { kind, provider, content };
}

/** Which pages were looked into, of all traces: path → how often. */
const looked = new Map();

/**
 * Fails unless the pages at some paths were looked into. One may be missed, when
 * its window is gone before it can be read; all of them may not.
 */
export function sawPages(...paths) {
  for (const path of paths) assert.ok(looked.get(path) > 0, `${path} was never looked into, but ${[...looked.keys()]}`);
}

/** Everything that a browser asks of a Gatehouse, and the pages that it gets. */
export class Trace {
  /**
   * @param {import('playwright-core').BrowserContext} context before anything is opened in it
   * @param {string} origin of Gatehouse
   */
  constructor(context, origin) {
    this.addresses = [];
    this.pages = [];
    this.secrets = new Map(); // value → what it is
    this.reading = new Set();
    const ours = (url) => new URL(url).origin === origin;
    context.on('request', (r) => {
      this.learn(r.url());
      if (ours(r.url())) this.addresses.push(r.url());
    });
    context.on('response', (r) => {
      if (!ours(r.url())) return;
      const reading = this.read(r).catch(() => {}).finally(() => this.reading.delete(reading)); // a window that is closed takes its pages along
      this.reading.add(reading);
    });
  }

  learn(url) {
    const q = new URL(url).searchParams;
    for (const name of ['state', 'code']) if (q.get(name)?.length > 15) this.secrets.set(q.get(name), name);
  }

  async read(response) {
    for (const { name, value } of await response.headersArray()) {
      const cookie = /^set-cookie$/i.test(name) && /^[^=]+=([^;]{16,})/.exec(value);
      if (cookie) this.secrets.set(cookie[1], 'a cookie');
    }
    const type = await response.headerValue('content-type');
    if (!type?.startsWith('text/html') || response.status() === 303) return;
    const [url, text] = [response.url(), await response.text()];
    this.pages.push({ url, text });
    const { pathname } = new URL(url);
    looked.set(pathname, (looked.get(pathname) ?? 0) + 1);
  }

  /** The secrets so far, those with a host among them. */
  async known({ world, hosts }) {
    const all = new Map(this.secrets);
    for (const [kind, host] of Object.entries(hosts)) {
      all.set(host.client_secret, `the secret of the app at ${kind}`);
      const { issued } = await world.record(kind);
      for (const [what, values] of Object.entries(issued)) for (const value of values) all.set(value, `${what} of ${kind}`);
    }
    return all;
  }

  /** Fails when a secret is in an address of ours, in HTML of ours or in the log. */
  async clean(town) {
    while (this.reading.size > 0) await Promise.all(this.reading);
    const log = town.server.log();
    assert.ok(this.addresses.length > 0 && log, 'there is something to look at');
    for (const [value, what] of await this.known(town)) {
      for (const address of this.addresses) {
        const url = new URL(address);
        if (['/callback', '/auth/done', '/oauth/redirect'].some((p) => url.pathname === p || url.pathname.startsWith(`${p}/`))) {
          url.searchParams.delete('state'); // the host puts these two here, and nowhere else
          url.searchParams.delete('code');
        }
        assert.ok(!decodeURIComponent(url.href).includes(value), `${what} is in ${url.href.replaceAll(value, '…')}`);
      }
      for (const { url, text } of this.pages) assert.ok(!text.includes(value), `${what} is in the page ${url.split('?')[0]}`);
      assert.ok(!log.includes(value), `${what} is in the log`);
    }
  }
}
