// The popup in Firefox, with the same clients: that what holds in one engine
// holds in another one.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { out } from '../browser/lib/browser.mjs';
import { town } from '../browser/lib/popup.mjs';
import { read } from '../browser/lib/trace.mjs';
import { cell } from './lib/cell.mjs';

let at, browser;

before(async () => {
  at = await town({ kinds: ['github'], browser: false });
  browser = await puppeteer.launch({ browser: 'firefox', executablePath: process.env.FIREFOX || '/usr/bin/firefox-esr', headless: true });
});
after(async () => {
  await browser?.close();
  await at?.stop();
});

const button = { 'decap-cms': 'Login with GitHub', 'netlify-cms': 'Login with GitHub', 'sveltia-cms': 'Sign In with' };
const key = { 'decap-cms': 'decap-cms-user', 'netlify-cms': 'netlify-cms-user', 'sveltia-cms': 'sveltia-cms.user' };

const issued = async () => (await at.world.record('github')).issued.access;
const shows = (page, text) => page.waitForSelector(`::-p-text(${text})`, { visible: true });

/** Waits for something to happen, and fails when it does not. */
function happens(thing, name) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(reject, 30_000, new Error(`no ${name} after half a minute`));
    thing.once(name, (what) => {
      clearTimeout(late);
      resolve(what);
    });
  });
}

/** A person at the CMS whom the host does not know. */
class Person {
  static async arrive(bundle, options) {
    await at.world.order('github', { forget: true });
    const cms = await at.cms(bundle, 'github', options);
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    await page.evaluateOnNewDocument(() => {
      globalThis.heard = [];
      addEventListener('message', (e) => { if (e.source !== globalThis) globalThis.heard.push({ data: e.data, origin: e.origin }); }, true);
    });
    await page.goto(cms.url);
    return Object.assign(new Person(), { bundle, cms, context, page });
  }

  /** Presses the CMS's button; answers the popup. */
  async click() {
    const [popup] = await Promise.all([happens(this.page, 'popup'), this.page.locator(`::-p-text(${button[this.bundle]})`).click()]);
    return popup;
  }

  /**
   * The window at an address that begins so. Where a page cuts itself off from
   * its opener, Firefox puts a new window in the place of the old one.
   */
  async window(start) {
    const target = await this.context.waitForTarget((t) => t.type() === 'page' && t.url().startsWith(start));
    return target.page();
  }

  /** Waits until the CMS page is the only one. */
  async alone() {
    const pages = () => this.context.targets().filter((t) => t.type() === 'page').length;
    while (pages() > 1) await happens(browser, 'targetdestroyed');
  }

  /** At the host: ada, and yes or no. */
  async decide(popup, word = 'Allow') {
    await popup.locator('button[name=person][value=ada]').click();
    await popup.locator(`button::-p-text(${word})`).click();
  }

  /** The outcomes that the CMS was told; anything else but hellos fails. */
  async told() {
    const heard = await this.page.evaluate(() => globalThis.heard);
    for (const { origin } of heard) assert.equal(origin, at.broker);
    return heard.map(({ data }) => read(data)).filter(({ kind }) => kind !== 'hello');
  }

  /** Is in, with the newest token of the host. */
  async inside() {
    await shows(this.page, 'Mowing');
    const newest = (await issued()).at(-1);
    const user = await this.page.evaluate((k) => JSON.parse(localStorage.getItem(k)), key[this.bundle]);
    assert.equal(user.token, newest);
    assert.deepEqual((await this.told()).map(({ content }) => content.token), [newest]);
    assert.ok(!at.server.log().includes(newest));
  }

  async close() {
    await this.context.close();
    await this.cms.close();
  }
}

for (const bundle of ['decap-cms', 'netlify-cms', 'sveltia-cms']) {
  cell(`Firefox, ${bundle} × github: success`, async (using) => {
    const person = using(await Person.arrive(bundle));
    const popup = await person.click();
    const gone = happens(popup, 'close');
    await person.decide(popup);
    await gone;
    await person.inside();
    await person.page.screenshot({ path: join(out, `firefox-inside-${bundle}.png`) });
  });
}

cell('Firefox, decap-cms × github: cancelled', async (using) => {
  const person = using(await Person.arrive('decap-cms'));
  const popup = await person.click();
  await person.decide(popup, 'Cancel');
  await popup.waitForSelector('[data-help="E-cancel"]', { visible: true });
  await popup.screenshot({ path: join(out, 'firefox-E-cancel.png') });
  const gone = happens(popup, 'close');
  await popup.locator('button::-p-text(Back to the editor)').click();
  await gone;
  const [{ kind, content }, ...more] = await person.told();
  assert.deepEqual([kind, content.errorCode, more], ['error', 'CANCEL', []]);
  await shows(person.page, 'The sign-in was cancelled at');
});

cell('Firefox, decap-cms × github: base_url with a path, so that nobody answers', async (using) => {
  const person = using(await Person.arrive('decap-cms', { base: `${at.broker}/s/github-site` }));
  const popup = await person.click();
  await popup.waitForSelector('[data-show="E-no-answer"]:not([hidden])', { visible: true });
  await popup.screenshot({ path: join(out, 'firefox-E-no-answer.png') });
  assert.deepEqual(await person.told(), []);
});

cell('Firefox, decap-cms × github: the host is sent with COOP', async (using) => {
  await at.world.faults('github', { coop: 'same-origin' });
  try {
    const person = using(await Person.arrive('decap-cms'));
    const atHost = () => person.window(at.hosts.github.url);
    await person.click();
    await person.decide(await atHost());
    const back = await person.window(`${at.broker}/auth/result`);
    await back.waitForSelector('[data-show="E-opener-gone"]:not([hidden])', { visible: true });
    assert.deepEqual(await person.told(), []);
    await back.close();

    const messenger = await person.click();
    await messenger.waitForSelector('[data-do=launch]', { visible: true });
    await messenger.screenshot({ path: join(out, 'firefox-launcher.png') });
    await at.world.order('github', { forget: true }); // or it asks nothing this time
    await messenger.locator('[data-do=launch]').click();
    await person.decide(await atHost());
    await person.alone();
    await person.inside();
  } finally {
    await at.world.faults('github', {});
  }
});
