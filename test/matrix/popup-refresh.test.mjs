// Tokens that end in the middle of the work, and who renews them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { backup, shot } from '../browser/lib/browser.mjs';
import { Editor } from '../browser/lib/editor.mjs';
import { town } from '../browser/lib/popup.mjs';
import { Repository, binary } from '../browser/lib/server.mjs';
import { cell } from './lib/cell.mjs';
import { Witness, nothingKept } from './lib/witness.mjs';

let at;
const seen = new Set();
const handle = /^[\w-]{43}$/;

before(async () => { at = await town({ kinds: ['github', 'gitlab', 'bitbucket'], args: ['--expiring'] }); });
after(async () => { await at?.stop(); });

const repository = (kind) => new Repository(at.hosts[kind].git);
const top = () => `base_url: ${at.broker}\nsite_id: bitbucket-site\n`;

/** What the doctor says about a CMS page. */
async function doctor(url) {
  const said = await new Promise((resolve) => { execFile(binary, ['doctor', '--url', url, '--config', at.server.config, '--json'], (_, stdout) => resolve(stdout)); });
  return JSON.parse(said);
}

/** A person who is signed in, and what goes by. */
async function inside(using, bundle, kind, options) {
  const visit = using(await at.visit(bundle, kind, options));
  visit.witness = new Witness(visit.me.context);
  visit.editor = new Editor(visit.page, visit.cms.url);
  visit.renewals = [];
  visit.page.on('request', (r) => { if (r.method() === 'POST' && new URL(r.url()).origin !== at.hosts[kind].url) visit.renewals.push(r); });
  await visit.signIn();
  return visit;
}

/** The visit is over: what nobody may have seen was not seen. */
async function leave(visit) {
  await visit.witness.look(visit.page);
  visit.witness.never((await at.world.record(visit.kind)).issued.refresh, 'refresh tokens of the host');
  for (const secret of visit.witness.secrets) seen.add(secret);
}

for (const [bundle, form] of [['netlify-cms', 'query'], ['decap-cms', 'body']]) {
  cell(`${bundle} × bitbucket renews a token twice, with the handle in the ${form}`, async (using) => {
    const visit = await inside(using, bundle, 'bitbucket', { top: top() });
    const tokens = [(await visit.user()).token];
    for (const round of [1, 2]) {
      const before = (await at.world.record('bitbucket')).refreshes;
      const old = (await visit.user()).refresh_token;
      assert.match(old, handle);
      await at.world.order('bitbucket', { expire_all: true });
      await visit.editor.edit('posts', 'mowing');
      await visit.editor.field('title').fill(`Mowing, ${bundle}, round ${round}`);
      await visit.page.getByRole('button', { name: 'Publish' }).first().click();
      await visit.page.getByRole('menuitem', { name: 'Publish now' }).click();
      await visit.editor.told('Entry saved');
      assert.match(repository('bitbucket').read('content/posts/mowing.md'), new RegExp(`title: ['"]?Mowing, ${bundle}, round ${round}`));
      assert.equal((await at.world.record('bitbucket')).refreshes, before + 1);
      const sent = visit.renewals.at(-1);
      assert.equal(visit.renewals.length, round);
      const url = new URL(sent.url());
      assert.equal(`${url.origin}${url.pathname}`, `${at.broker}/auth/refresh`);
      assert.equal(url.searchParams.get('site_id'), 'bitbucket-site');
      assert.equal(form === 'query' ? url.searchParams.get('refresh_token') : new URLSearchParams(sent.postData()).get('refresh_token'), old);
      if (form === 'query') assert.ok(!sent.postData(), 'the body is empty');
      else assert.equal(url.searchParams.get('refresh_token'), null);
      tokens.push((await sent.response().then((r) => r.json())).token);
    }
    assert.equal(new Set(tokens).size, 3);
    assert.deepEqual((await at.world.record('bitbucket')).issued.access.slice(-3), tokens);
    await leave(visit);
  });
}

for (const bundle of ['netlify-cms', 'decap-cms']) {
  cell(`${bundle} × bitbucket without the keys beside backend tells api.netlify.com a handle that opens nothing there`, async (using) => {
    const visit = await inside(using, bundle, 'bitbucket');
    const sent = [];
    await visit.me.context.route('https://api.netlify.com/**', async (route) => {
      const r = route.request();
      sent.push({ url: new URL(r.url()), body: r.postData() ?? '' });
      await route.fulfill({ status: 404, contentType: 'application/json', body: '{"message":"not here"}', headers: { 'access-control-allow-origin': '*' } });
    });
    const { refresh_token: kept } = await visit.user();
    await at.world.order('bitbucket', { expire_all: true });
    const told = visit.page.waitForResponse(/api\.netlify\.com/);
    await visit.editor.go('#/collections/posts/entries/first-snow');
    await told;
    const [{ url, body }] = sent;
    assert.equal(`${url.origin}${url.pathname}`, 'https://api.netlify.com/auth/refresh');
    assert.equal(url.searchParams.get('refresh_token') ?? new URLSearchParams(body).get('refresh_token'), kept);
    assert.match(kept, handle);
    assert.ok(!(await at.world.record('bitbucket')).issued.refresh.includes(kept), 'it is ours');

    // What Netlify, or whoever reads its logs, can do with it.
    const refreshes = (await at.world.record('bitbucket')).refreshes;
    const use = (origin) => fetch(`${at.broker}/auth/refresh?provider=bitbucket`, {
      method: 'POST', headers: { ...(origin && { origin }), 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams({ refresh_token: kept }),
    });
    for (const origin of ['https://api.netlify.com', 'https://app.netlify.com', 'null', undefined]) {
      const answer = await use(origin);
      assert.equal(answer.status, 403, `${origin}`);
      assert.equal(answer.headers.get('access-control-allow-origin'), null);
      assert.doesNotMatch(await answer.text(), /"token"/);
    }
    assert.equal((await at.world.record('bitbucket')).refreshes, refreshes, 'the host was not asked');
    const host = await fetch(`${at.hosts.bitbucket.url}/site/oauth2/access_token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: kept }) });
    assert.ok(host.status >= 400, 'the host knows no such token');

    // The doctor says so, and what it prints is the cure.
    const report = await doctor(visit.cms.url);
    const finding = report.checks.find((c) => c.id === 'bitbucket-base-url');
    assert.equal(finding.severity, 'security', JSON.stringify(report.checks));
    assert.equal(report.ok, false);
    const before = await fetch(`${visit.cms.url}config.yml`).then((r) => r.text());
    await leave(visit);
    await visit.close();
    const cured = await inside(using, bundle, 'bitbucket', { yaml: report.corrected + before.slice(before.indexOf('media_folder')) });
    const bad = (await doctor(cured.cms.url)).checks.filter((c) => ['error', 'security'].includes(c.severity) || (c.group === 'bitbucket' && c.severity !== 'ok'));
    assert.deepEqual(bad, [], report.corrected);
    const first = (await cured.user()).token;
    await at.world.order('bitbucket', { expire_all: true });
    const [renewal] = await Promise.all([cured.page.waitForResponse((r) => r.url().startsWith(`${at.broker}/auth/refresh`)), cured.editor.edit('posts', 'first-snow')]);
    assert.equal(renewal.status(), 200);
    assert.notEqual((await renewal.json()).token, first);
    await leave(cured);
  });
}

/** Lets requests through when so many of them are there. */
async function together(context, match, many) {
  const held = [];
  await context.route(match, (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    held.push(route);
    if (held.length < many) return undefined;
    return Promise.all(held.splice(0).map((r) => r.continue()));
  });
}

for (const [kind, path] of [['gitlab', '/oauth/token'], ['github', '/auth']]) {
  cell(`sveltia-cms × ${kind} renews a token at ${path}, and two tabs that ask at once get the same`, async (using) => {
    const visit = await inside(using, 'sveltia-cms', kind);
    const first = await visit.user();
    assert.match(first.refreshToken, handle);
    const tabs = [visit.page];
    for (const round of [1, 2]) {
      const before = (await at.world.record(kind)).refreshes;
      const old = await visit.user();
      await at.world.order(kind, { expire_all: true });
      const renewed = tabs.map((tab) => tab.waitForResponse((r) => r.request().method() === 'POST' && r.url() === at.broker + path));
      await Promise.all(tabs.map((tab) => (tab.url() === 'about:blank' ? tab.goto(visit.cms.url) : tab.reload())));
      const pairs = [];
      for (const answer of await Promise.all(renewed)) {
        assert.equal(answer.status(), 200);
        const asked = answer.request().postDataJSON();
        assert.deepEqual([asked.grant_type, asked.refresh_token], ['refresh_token', old.refreshToken]);
        const { access_token: access, refresh_token: refresh } = await answer.json();
        pairs.push({ token: access, refreshToken: refresh });
      }
      assert.equal(pairs.length, round);
      assert.equal((await at.world.record(kind)).refreshes, before + 1, 'the host was asked once');
      for (const tab of tabs) await tab.getByText('Posts').first().waitFor();
      const { token, refreshToken } = await visit.user();
      assert.notEqual(refreshToken, old.refreshToken);
      for (const pair of pairs) assert.deepEqual(pair, { token, refreshToken });
      assert.equal((await at.world.record(kind)).issued.access.at(-1), token);
      tabs.push(await visit.me.context.newPage()); // another tab for the second round
      await together(visit.me.context, at.broker + path, 2);
    }
    await leave(visit);
  });
}

// These keep a copy of what is not saved. Of an entry that exists already they
// may read the host's text over it again, but the copy stays until it is saved.
for (const bundle of ['netlify-cms', 'decap-cms']) {
  cell(`${bundle} × gitlab renews nothing: the person signs in again in the same page, and the unsaved entry is there`, async (using) => {
    const visit = await inside(using, bundle, 'gitlab');
    const { editor, page } = visit;
    const title = `Written late with ${bundle}`;
    const publish = async () => {
      await page.getByRole('button', { name: 'Publish' }).first().click();
      await page.getByRole('menuitem', { name: 'Publish now' }).click();
    };
    await editor.create('posts');
    await at.world.order('gitlab', { expire_all: true });
    await editor.field('title').fill(title);
    await editor.write('Two hours are over.');
    await backup(page, 'backup');
    await publish();
    assert.match(await editor.told('Failed to persist entry'), /API_ERROR/); // that is all it says
    await shot(page, `popup-expired-${bundle}`);
    assert.equal(await editor.field('title').inputValue(), title, 'the text stays');
    assert.deepEqual(visit.renewals, []);

    await page.getByLabel('Account options dropdown').or(page.locator('[class*="AvatarDropdownButton"]')).last().click();
    await page.getByRole('menuitem', { name: 'Log Out' }).click();
    await visit.signIn();
    await page.waitForFunction((text) => document.querySelector('[id^="title-field"]')?.value === text, title);
    assert.deepEqual(visit.me.dialogs, ['A local backup was recovered for this entry, would you like to use it?']);
    await publish();
    await editor.told('Entry saved');
    assert.match(repository('gitlab').read(`content/posts/written-late-with-${bundle}.md`).replace('\uFEFF', ''), /Two hours are over\./);
    await leave(visit);
  });
}

test('of all that, nothing can be read in the log or the database', async () => {
  assert.ok(await nothingKept(at, seen) > 30);
});
