// A witness of sign-ins: what a browser sends, gets and keeps, and whether what
// must not be seen anywhere was seen.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export class Witness {
  constructor(context) {
    this.context = context;
    this.seen = []; // {where, text}: all that went through the browser
    this.secrets = new Set(); // states, cookies and refresh handles that went by
    this.pending = new Set();
    context.on('request', (r) => this.note(`request ${r.method()} ${r.url()}`, r.postData() ?? ''));
    context.on('response', (r) => {
      const read = this.read(r).catch(() => {}).finally(() => this.pending.delete(read)); // a window that is closed takes its answers along
      this.pending.add(read);
    });
  }

  note(where, text) {
    const all = `${where}\n${text}`;
    this.seen.push(all);
    for (const [, value] of all.matchAll(/[?&](?:state|code|refresh_token)=([^&\s]{20,})/g)) this.secrets.add(decodeURIComponent(value));
    for (const [, value] of all.matchAll(/refresh_?[tT]oken\\*"\s*:\s*\\*"([^"\\]+)/g)) this.secrets.add(value);
  }

  async read(response) {
    const url = response.url();
    for (const { name, value } of await response.headersArray()) {
      this.note(`header of ${url}`, `${name}: ${value}`);
      const cookie = /^set-cookie$/i.test(name) && /^(?:__Host-)?gatehouse[^=]*=([^;]{20,})/.exec(value);
      if (cookie) this.secrets.add(cookie[1]);
    }
    if (response.status() < 300 || response.status() >= 400) this.note(`answer of ${url}`, await response.text());
  }

  /** Adds what a page keeps: its storages and databases. */
  async look(page) {
    const kept = await page.evaluate(async () => {
      const all = [JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage })];
      for (const { name } of await indexedDB.databases()) {
        const db = await new Promise((resolve) => { const r = indexedDB.open(name); r.onsuccess = () => resolve(r.result); });
        for (const store of db.objectStoreNames) {
          const got = await new Promise((resolve) => { const r = db.transaction(store).objectStore(store).getAll(); r.onsuccess = () => resolve(r.result); });
          all.push(JSON.stringify(got));
        }
        db.close();
      }
      return all;
    });
    for (const text of kept) this.note(`kept by ${page.url()}`, text);
    while (this.pending.size > 0) await Promise.all(this.pending);
  }

  /** Fails when one of the values ever went through the browser. */
  never(values, what) {
    assert.ok(values.length > 0, `there are ${what} to look for`);
    for (const value of values) {
      const found = this.seen.find((text) => text.includes(value));
      assert.equal(found?.replaceAll(value, '…'), undefined, `${what} in the browser`);
    }
  }
}

/**
 * Fails when a secret can be read in the server's log or in a file of its data
 * directory.
 *
 * @param {object} town
 * @param {Iterable<string>} more values that went by, beside those that the hosts know
 */
export async function nothingKept({ server, world, hosts }, more = []) {
  const secrets = new Set(more);
  for (const [kind, host] of Object.entries(hosts)) {
    secrets.add(host.client_secret);
    for (const values of Object.values((await world.record(kind)).issued)) for (const value of values) secrets.add(value);
  }
  assert.ok(secrets.size > 3, 'there are secrets to look for');
  const places = [['the log', Buffer.from(server.log())]];
  const data = join(server.dir, 'data');
  for (const file of readdirSync(data, { recursive: true })) {
    if (statSync(join(data, file)).isFile()) places.push([file, readFileSync(join(data, file))]);
  }
  for (const secret of secrets) {
    for (const [name, bytes] of places) assert.ok(!bytes.includes(secret), `${name} holds a secret that begins with ${secret.slice(0, 6)}`);
  }
  return secrets.size;
}
