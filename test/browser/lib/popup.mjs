// One person at a CMS page elsewhere, and the popup that it opens.
import assert from 'node:assert/strict';
import { cmsPage, practice, recordMessages } from './elsewhere.mjs';
import { launch, open, shot } from './browser.mjs';
import { freePort, start } from './server.mjs';
import { Trace, read } from './trace.mjs';

const names = { github: 'GitHub', gitlab: 'GitLab', bitbucket: 'Bitbucket', gitea: 'Gitea', forgejo: 'Forgejo' };

/** A config.yml that shows posts of a repository at a practice host. */
export function config({ kind, host, broker, more = '', backend = '', workflow = false, top = '' }) {
  return `${top}backend:
  name: ${kind}
  repo: ${host.repo}
  branch: main
  api_root: ${host.api}
  base_url: ${broker}
${backend}media_folder: static/media
public_folder: /media
${workflow ? 'publish_mode: editorial_workflow\n' : ''}${more}collections:
  - name: posts
    label: Posts
    folder: content/posts
    create: true
    fields:
      - {name: title, label: Title, widget: string}
      - {name: body, label: Body, widget: markdown}
`;
}

/**
 * Everything that a test of the popup needs: a browser, the practice hosts, a
 * Gatehouse with a site "www" per host, and CMS pages.
 *
 * @param {object} [o]
 * @param {string} [o.host] the name of Gatehouse's host
 * @param {(at: {origins: string[], hosts: object}) => {sites?: object, yaml?: string}} [o.more] further sites and settings
 * @param {string[]} [o.callbacks] names of further connectors that the hosts know the callbacks of
 * @param {string[]} [o.args] of the practice hosts
 * @param {string[] | false} [o.browser] options of the browser; false: none is started
 */
export async function town({ host = '127.0.0.1', kinds = ['github', 'gitlab', 'bitbucket', 'gitea'], more = () => ({}), callbacks = [], args = [], browser: flags = [] } = {}) {
  const port = await freePort();
  const broker = `http://${host}:${port}`;
  const cmsPort = await freePort();
  const origin = `http://127.0.0.1:${cmsPort}`;
  const local = `http://localhost:${cmsPort}`;
  const world = await practice([...kinds, ...callbacks].map((kind) => `${broker}/callback/${kind}`), args);
  const { hosts } = world;
  let yaml = 'connectors:\n';
  const sites = {};
  for (const kind of kinds) {
    yaml += `  - {name: ${kind}, kind: ${kind}, url: "${hosts[kind].url}", api: "${hosts[kind].api}", client_id: "${hosts[kind].client_id}", client_secret: "${hosts[kind].client_secret}"}\n`;
    sites[`${kind}-site`] = { backend: `{name: ${kind}, repo: ${hosts[kind].repo}, branch: main}`, more: `    origins: ["${origin}"]\n    dev_origins: ["${local}"]\n    connectors: [${kind}]\n` };
  }
  const extra = more({ origin, local, hosts });
  const server = await start({
    port, host, yaml: yaml + (extra.yaml ?? ''), sites: { ...sites, ...extra.sites },
    people: [{ email: 'ola@example.org', name: 'Ola', operator: true }],
  });
  const browser = flags && await launch(flags);
  const pages = [];
  return {
    browser, broker, origin, local, hosts, world, server,
    /** A CMS page, for a person to visit; yaml: the whole config.yml. */
    async cms(bundle, kind, { base = broker, page: at = {}, yaml: whole, ...rest } = {}) {
      const cms = await cmsPage(bundle, () => whole ?? config({ kind, host: hosts[kind], broker: base, backend: `  site_domain: ${kind}-site\n`, ...rest }), { port: cmsPort, ...at });
      pages.push(cms);
      return cms;
    },
    /** A person at a CMS page: {me, page, heard, cms}. */
    async visit(bundle, kind, options) {
      const cms = await this.cms(bundle, kind, options);
      const me = await open(browser);
      const heard = await recordMessages(me.page);
      const trace = new Trace(me.context, broker);
      try {
        await me.page.goto(cms.url);
      } catch (err) { // the next one needs the port
        await cms.close();
        throw err;
      }
      return new Visit(this, { bundle, kind, cms, me, heard, trace });
    },
    async stop() {
      if (browser) await browser.close();
      for (const page of pages) await page.close().catch(() => {});
      await server.stop();
      await world.stop();
    },
  };
}

/** Waits for a page of help, and pictures it at the size of a small popup. */
export async function help(popup, id, picture = id) {
  const page = popup.locator(`[data-help="${id}"]:visible`);
  await page.waitFor();
  await popup.setViewportSize({ width: 600, height: 800 });
  await shot(popup, `popup-${picture}`);
  return page;
}

export class Visit {
  constructor(at, { bundle, kind, cms, me, heard, trace }) {
    Object.assign(this, { town: at, bundle, kind, cms, me, heard, trace, page: me.page });
  }

  get button() {
    const text = this.bundle === 'sveltia-cms' ? new RegExp(`Sign In with \\W*${names[this.kind]}`) : `Login with ${names[this.kind]}`;
    return this.page.getByRole('button', { name: text });
  }

  /** Clicks the CMS's button; answers the popup. */
  async click(options) {
    const [popup] = await Promise.all([this.me.context.waitForEvent('page'), this.button.click(options)]);
    return popup;
  }

  /** At the practice host: who to be, then yes or no. It does not ask again who has answered before. */
  async decide(popup, { person = 'ada', allow = true } = {}) {
    const gone = new Promise((resolve) => {
      popup.once('close', resolve);
      popup.on('framenavigated', (frame) => { if (frame === popup.mainFrame() && /\/(callback|auth\/result)\b/.test(frame.url())) resolve(); });
    });
    const answer = async () => {
      await popup.getByText('Practice host.').waitFor();
      const face = popup.locator(`button[name=person][value=${person}]`);
      const decision = popup.getByRole('button', { name: allow ? 'Allow' : 'Cancel' });
      await face.or(decision).first().waitFor();
      if (await face.isVisible()) await face.click();
      await decision.click();
    };
    await Promise.race([gone, answer().catch((err) => { if (!popup.isClosed()) throw err; })]);
  }

  /** The whole sign-in. */
  async signIn(who) {
    const popup = await this.click();
    const closed = popup.waitForEvent('close');
    await this.decide(popup, who);
    await closed;
    await this.inside();
  }

  /** Waits until the CMS shows what is in the repository. */
  async inside() {
    await this.page.getByText('Posts').first().waitFor();
    assert.equal(await this.button.count(), 0, 'the login button is gone');
  }

  /** What the CMS keeps of the person who is signed in. */
  user() {
    const key = { 'decap-cms': 'decap-cms-user', 'netlify-cms': 'netlify-cms-user', 'sveltia-cms': 'sveltia-cms.user' }[this.bundle];
    return this.page.evaluate((k) => JSON.parse(localStorage.getItem(k) ?? 'null'), key);
  }

  /** Every message that the popup ever posted to the CMS is one of the three. */
  async onlyTheThree() {
    for (const { data, origin } of await this.heard()) {
      if (origin !== this.town.broker) continue;
      assert.match(String(data), new RegExp(`^(authorizing:${this.kind}|authorization:${this.kind}:(success|error):\\{[^\\n\\r\\u2028\\u2029]*\\})$`));
    }
  }

  /** What Gatehouse told the CMS, hellos apart: the outcomes, in order. Anything else fails. */
  async told() {
    const all = (await this.heard()).map(({ data, origin }) => {
      assert.equal(origin, this.town.broker, 'nobody else posts to the CMS');
      return read(data);
    });
    for (const { provider } of all) assert.equal(provider, this.kind);
    return all.filter(({ kind }) => kind !== 'hello');
  }

  /** What must be true at the end of every sign-in; answers the outcomes. */
  async leave() {
    const told = await this.told();
    await this.trace.clean(this.town);
    await this.close();
    return told;
  }

  async close() {
    await this.me.context.close();
    await this.cms.close();
  }
}
