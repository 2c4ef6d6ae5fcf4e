// Chromium, driven by playwright-core: one browser per test file, one context
// (cookies, storage) per person.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { password } from './server.mjs';

export const out = join(dirname(fileURLToPath(import.meta.url)), '../../out');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function launch(more = []) {
  mkdirSync(out, { recursive: true });
  return chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), ...more],
  });
}

// What the bundles say in a healthy session.
const usual = [
  /^(decap-cms|netlify-cms)(-app|-core)? \d/, // version lines, one per package
  /Looking for Netlify CMS Proxy Server|Using config file path/,
  /Cannot read properties of (undefined|null) \(reading '(get|size|slice)'\).*preview/, // a restored backup of a new entry
];

/** A person at a browser: a page, and everything it complained of. */
export async function open(browser, { width = 1280, height = 900 } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale: 'en-GB', timezoneId: 'UTC', permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await context.newPage();
  page.setDefaultTimeout(Number(process.env.GATEHOUSE_PATIENCE ?? 20) * 1000);
  const complaints = [];
  const outside = [];
  const watch = (one) => {
    one.on('console', (m) => {
      if (['error', 'warning'].includes(m.type()) && !usual.some((u) => u.test(m.text()))) complaints.push(`${m.type()}: ${m.text()} (${m.location().url})`);
    });
    one.on('pageerror', (e) => complaints.push(`uncaught: ${e.message}`));
    one.on('dialog', (d) => { dialogs.push(d.message()); (accept ? d.accept() : d.dismiss()).catch(() => {}); });
    one.on('request', (r) => { if (/^https?:/.test(r.url()) && new URL(r.url()).hostname !== '127.0.0.1') outside.push(r.url()); });
  };
  const dialogs = [];
  let accept = true;
  watch(page);
  context.on('page', watch);
  return {
    context, page, complaints, outside, dialogs,
    answer(yes) { accept = yes; },
    /** Fails when the page complained, or asked anything outside of this machine. */
    clean() {
      assert.deepEqual(complaints, [], 'the console is clean');
      assert.deepEqual(outside, [], 'nothing is fetched from elsewhere');
    },
    /** Takes note of complaints that belong to what the test just did. */
    excuse(pattern) {
      const found = complaints.filter((c) => pattern.test(c)).length;
      complaints.splice(0, complaints.length, ...complaints.filter((c) => !pattern.test(c)));
      return found;
    },
  };
}

export async function signIn(page, url, email) {
  await page.goto(url);
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

export async function shot(page, name) {
  await page.screenshot({ path: join(out, `${name}.png`) });
}

/** The WCAG A and AA rules that the page breaks, as ["rule: selector"]. */
export async function accessibility(page) {
  await page.evaluate(axe); // not a script tag, which the pages' policy forbids
  return page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] });
    return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')}`));
  });
}

/** The keys under which the CMS keeps unsaved texts in this browser. */
export function backups(page) {
  return page.evaluate(async () => {
    const db = await new Promise((resolve) => { const r = indexedDB.open('localforage'); r.onsuccess = () => resolve(r.result); });
    try {
      if (!db.objectStoreNames.contains('keyvaluepairs')) return [];
      const store = db.transaction('keyvaluepairs').objectStore('keyvaluepairs');
      return await new Promise((resolve) => { const r = store.getAllKeys(); r.onsuccess = () => resolve(r.result); });
    } finally {
      db.close();
    }
  });
}

/** Waits until the CMS, two seconds after the last change, has written a backup. */
export async function backup(page, key) {
  for (let left = 100; left > 0; left--) {
    if ((await backups(page)).includes(key)) return;
    await page.evaluate(() => new Promise((resolve) => { setTimeout(resolve, 100); }));
  }
  assert.fail(`the CMS wrote no ${key}`);
}
