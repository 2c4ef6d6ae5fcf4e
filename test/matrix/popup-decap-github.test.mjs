// decap-cms × GitHub: everything that can become of a sign-in by the popup.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { shot } from '../browser/lib/browser.mjs';
import { help, town } from '../browser/lib/popup.mjs';
import { sawPages } from '../browser/lib/trace.mjs';
import { cell } from './lib/cell.mjs';

const bundle = 'decap-cms';
let at, named;

const connector = (host, name) => `  - {name: ${name}, kind: github, url: "${host.url}", api: "${host.api}", client_id: "${host.client_id}", client_secret: "${host.client_secret}"}\n`;
const site = (host, origin, more) => ({ backend: `{name: github, repo: ${host.repo}, branch: main}`, more: `    origins: ["${origin}"]\n${more}` });
const through = ['coop', 'coop-popups', 'hop'];

before(async () => {
  at = await town({
    kinds: ['github'],
    callbacks: through,
    more: ({ origin, hosts: { github } }) => ({
      yaml: through.map((name) => connector(github, name)).join(''),
      sites: Object.fromEntries(through.map((name) => [name, site(github, origin, `    connectors: [${name}]\n`)])),
    }),
  });
  named = await town({ kinds: ['github'], host: 'localhost' });
});
after(async () => {
  await named?.stop();
  await at?.stop();
  sawPages('/auth', '/auth/result');
});

/** A person at the CMS whom the host does not know. */
async function arrive(kind, options) {
  await at.world.order('github', { forget: true });
  return at.visit(bundle, kind, options);
}

const to = (name) => ({ backend: `  site_domain: ${name}\n` });
const issued = async (town = at) => (await town.world.record('github')).issued.access;
const back = (popup) => popup.getByRole('button', { name: 'Back to the editor' });

/** The person is in, with the newest token of the host, and nothing else was told. */
async function signedIn(visit, town = at) {
  await visit.inside();
  assert.equal((await visit.user()).token, (await issued(town)).at(-1));
  const told = await visit.leave();
  assert.deepEqual(told.map(({ kind }) => kind), ['success']);
  assert.equal(told[0].content.token, (await issued(town)).at(-1));
}

/** The person goes back to the editor, which shows what the page of help said. */
async function shownInEditor(visit, popup, page) {
  const sentence = await page.locator('[data-part=sentence]').innerText();
  const closed = popup.waitForEvent('close');
  await back(popup).click();
  await closed;
  await visit.page.getByText(sentence).waitFor();
  const outcomes = await visit.told();
  const { kind, content } = outcomes.at(-1);
  assert.equal(kind, 'error');
  assert.ok(content.message.startsWith(sentence));
  await visit.page.getByText(content.message).waitFor();
  assert.equal(await visit.user(), null);
  return content;
}

cell('success', async (using) => {
  const visit = using(await arrive('github'));
  await visit.signIn();
  visit.me.clean();
  await signedIn(visit);
});

cell('success without a question, when the host knows the person', async (using) => {
  const visit = using(await at.visit(bundle, 'github'));
  await visit.signIn();
  await visit.page.evaluate(() => localStorage.clear());
  await visit.page.reload();
  const { authorize } = await at.world.record('github');
  const popup = await visit.click();
  await popup.waitForEvent('close');
  assert.equal((await at.world.record('github')).authorize, authorize + 1);
  await signedIn(visit);
});

cell('provider error: the host does not take the code', async (using) => {
  await at.world.faults('github', { token: ['error:bad_verification_code'] });
  const visit = using(await arrive('github'));
  const popup = await visit.click();
  await visit.decide(popup);
  const page = await help(popup, 'E-upstream');
  const { errorCode } = await shownInEditor(visit, popup, page);
  assert.equal(errorCode, 'UPSTREAM');
  assert.equal((await visit.leave()).length, 1);
});

cell('provider error: the host comes back with an error', async (using) => {
  const visit = using(await arrive('github'));
  await visit.me.context.route(`${at.hosts.github.url}/login/oauth/authorize*`, (route) => {
    const q = new URL(route.request().url()).searchParams;
    const query = new URLSearchParams({ error: 'application_suspended', error_description: 'Your application has been suspended.', state: q.get('state') });
    return route.fulfill({ status: 302, headers: { location: `${q.get('redirect_uri')}?${query}` } });
  });
  const popup = await visit.click();
  const page = await help(popup, 'E-client');
  assert.equal(await page.locator('pre').innerText(), `${at.broker}/callback/github`);
  const { errorCode } = await shownInEditor(visit, popup, page);
  assert.equal(errorCode, 'CLIENT');
  assert.equal((await visit.leave()).length, 1);
});

cell('broker error: the site has no connector for the backend', async (using) => {
  const visit = using(await arrive('gitlab', { yaml: `backend:\n  name: gitlab\n  repo: meadow/site\n  branch: main\n  base_url: ${at.broker}\n  site_domain: github-site\nmedia_folder: m\ncollections: [{name: posts, label: Posts, folder: p, fields: [{name: title}]}]\n` }));
  const popup = await visit.click();
  const page = await help(popup, 'E-provider');
  await page.getByText('name: github').waitFor();
  const { errorCode } = await shownInEditor(visit, popup, page);
  assert.equal(errorCode, 'UNSUPPORTED_BACKEND');
  assert.equal((await visit.leave()).length, 1);
});

cell('cancelled', async (using) => {
  const visit = using(await arrive('github'));
  const popup = await visit.click();
  await visit.decide(popup, { allow: false });
  const page = await help(popup, 'E-cancel');
  const { errorCode } = await shownInEditor(visit, popup, page);
  assert.equal(errorCode, 'CANCEL');
  assert.equal((await visit.leave()).length, 1);
});

cell('retry after cancel, in the popup', async (using) => {
  const visit = using(await arrive('github'));
  const popup = await visit.click();
  await visit.decide(popup, { allow: false });
  await (await help(popup, 'E-cancel')).getByRole('button', { name: 'Try again' }).click();
  const closed = popup.waitForEvent('close');
  await visit.decide(popup);
  await closed;
  await signedIn(visit);
});

cell('retry after cancel, from the editor', async (using) => {
  const visit = using(await arrive('github'));
  const first = await visit.click();
  await visit.decide(first, { allow: false });
  await shownInEditor(visit, first, await help(first, 'E-cancel'));
  const second = await visit.click();
  const closed = second.waitForEvent('close');
  await visit.decide(second);
  await closed;
  await visit.inside();
  assert.equal((await visit.user()).token, (await issued()).at(-1));
  assert.deepEqual((await visit.leave()).map(({ kind }) => kind), ['error', 'success']);
});

cell('double click', async (using) => {
  const visit = using(await arrive('github'));
  const popup = await visit.click({ clickCount: 2 });
  const closed = popup.waitForEvent('close');
  await visit.decide(popup);
  await closed;
  assert.equal(visit.me.context.pages().length, 1);
  await signedIn(visit);
});

cell('reload of the popup', async (using) => {
  const visit = using(await arrive('github'));
  let held;
  const holding = new Promise((resolve) => { held = resolve; });
  await visit.me.context.route(`${at.broker}/auth/begin`, held, { times: 1 }); // and is never answered
  const popup = await visit.click();
  await holding;
  await popup.reload();
  const closed = popup.waitForEvent('close');
  await visit.decide(popup);
  await closed;
  await signedIn(visit);
});

cell('reload of the page that has the outcome', async (using) => {
  const visit = using(await arrive('github'));
  let held;
  const holding = new Promise((resolve) => { held = resolve; });
  await visit.me.context.route(`${at.broker}/auth/claim`, held, { times: 1 });
  const popup = await visit.click();
  await visit.decide(popup);
  await holding;
  const closed = popup.waitForEvent('close');
  await popup.reload({ waitUntil: 'commit' });
  await closed;
  await signedIn(visit);
});

cell('reload of the page that says why not', async (using) => {
  const visit = using(await arrive('github'));
  const popup = await visit.click();
  await visit.decide(popup, { allow: false });
  await help(popup, 'E-cancel');
  await popup.reload();
  await shownInEditor(visit, popup, await help(popup, 'E-cancel'));
  assert.equal((await visit.leave()).length, 1);
});

for (const [how, base, endpoint] of [
  ['whose path leads to a popup by chance', () => `${at.broker}/s/github-site`, ''],
  ['whose path and endpoint are those of another client', () => `${at.broker}/oauth`, '  auth_endpoint: authorize\n'],
]) {
  cell(`base_url with a path ${how}`, async (using) => {
    const visit = using(await arrive('github', { base: base(), backend: `  site_domain: github-site\n${endpoint}` }));
    const popup = await visit.click();
    const page = await help(popup, 'E-no-answer');
    assert.match(await page.locator('pre').innerText(), new RegExp(`^  base_url: ${at.broker}$`, 'm'));
    assert.deepEqual(await visit.leave(), []);
  });
}

cell('base_url with a path that is nothing of ours', async (using) => {
  const visit = using(await arrive('github', { base: `${at.broker}/broker` }));
  const popup = await visit.click();
  const page = await help(popup, 'E-path');
  assert.match(await page.locator('pre').innerText(), new RegExp(`^  base_url: ${at.broker}$`, 'm'));
  assert.deepEqual(await visit.leave(), []);
});

cell('base_url in capital letters', async (using) => {
  const visit = using(await named.visit(bundle, 'github', { base: named.broker.replace('localhost', 'LOCALHOST') }));
  const popup = await visit.click();
  const page = await help(popup, 'E-no-answer');
  assert.match(await page.locator('pre').innerText(), new RegExp(`^  base_url: ${named.broker}$`, 'm'));
  assert.deepEqual(await visit.leave(), []);
});

cell('base_url as Gatehouse has it, by name', async (using) => {
  const visit = using(await named.visit(bundle, 'github'));
  await visit.signIn();
  await signedIn(visit, named);
});

cell('base_url is another name of this machine', async (using) => {
  const visit = using(await arrive('github', { base: at.broker.replace('127.0.0.1', 'localhost') }));
  const popup = await visit.click();
  const page = await help(popup, 'E-host');
  assert.match(await page.locator('pre').innerText(), new RegExp(`^  base_url: ${at.broker}$`, 'm'));
  assert.deepEqual(await visit.told(), []);
});

cell('the CMS page is sent with COOP same-origin-allow-popups', async (using) => {
  const visit = using(await arrive('github', { page: { headers: { 'cross-origin-opener-policy': 'same-origin-allow-popups' } } }));
  await visit.signIn();
  await signedIn(visit);
});

cell('the CMS page is sent with COOP same-origin', async (using) => {
  const visit = using(await arrive('github', { page: { headers: { 'cross-origin-opener-policy': 'same-origin' } } }));
  const popup = await visit.click();
  const page = await help(popup, 'E-no-opener');
  await page.getByText('same-origin-allow-popups').first().waitFor();
  assert.deepEqual(await visit.leave(), []);
});

for (const [name, what, faults] of [
  ['coop', 'same-origin', { coop: 'same-origin' }],
  ['coop-popups', 'same-origin-allow-popups', { coop: 'same-origin-allow-popups' }],
  ['hop', 'same-origin on a redirect alone', { coop_hop: true }],
]) {
  cell(`the host is sent with COOP ${what}`, async (using) => {
    await at.world.faults('github', faults);
    try {
      const visit = using(await arrive('github', to(name)));
      const first = await visit.click();
      const reported = first.waitForResponse(`${at.broker}/auth/report`);
      await visit.decide(first);
      await help(first, 'E-opener-gone');
      assert.deepEqual(await visit.told(), []);
      const lost = (await issued()).at(-1);
      await reported;
      const use = await fetch(`${at.hosts.github.api}/user`, { headers: { authorization: `token ${lost}` } });
      assert.equal(use.status, 401, 'the token that nobody got is worthless');
      await first.close();

      const messenger = await visit.click();
      const go = messenger.getByRole('button', { name: 'Continue to' });
      await go.waitFor();
      await messenger.setViewportSize({ width: 600, height: 800 });
      await shot(messenger, 'popup-launcher');
      const inSecond = async () => (await Promise.all([visit.me.context.waitForEvent('page'), go.click()]))[0];
      const second = await inSecond();
      const closed = [messenger.waitForEvent('close'), second.waitForEvent('close')];
      await visit.decide(second);
      await Promise.all(closed);
      await signedIn(visit);
      assert.notEqual((await issued()).at(-1), lost);
    } finally {
      await at.world.faults('github', {});
    }
  });
}

cell('a no in the second window, another try there, a no again, and back', async (using) => {
  await at.world.faults('github', { coop: 'same-origin' });
  try {
    const visit = using(await arrive('github', to('coop'))); // which has lost an editor before
    const messenger = await visit.click();
    const second = async () => (await Promise.all([visit.me.context.waitForEvent('page'), messenger.getByRole('button', { name: 'Continue to' }).click()]))[0];
    const first = await second();
    await visit.decide(first, { allow: false });
    const page = await help(first, 'E-cancel');
    await messenger.getByText('The other window says what went wrong').waitFor();
    await shot(messenger, 'popup-launcher-held');
    const gone = first.waitForEvent('close');
    await page.getByRole('button', { name: 'Try again' }).click();
    await gone;
    const again = await second();
    await visit.decide(again, { allow: false });
    await help(again, 'E-cancel');
    const closed = [messenger.waitForEvent('close'), again.waitForEvent('close')];
    await back(again).click();
    await Promise.all(closed);
    await visit.page.getByText('The sign-in was cancelled').waitFor();
    assert.deepEqual((await visit.leave()).map(({ kind }) => kind), ['error']);
  } finally {
    await at.world.faults('github', {});
  }
});
