// The server dies at every step of a sign-in, and comes back.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Editor } from '../browser/lib/editor.mjs';
import { town } from '../browser/lib/popup.mjs';
import { cell } from './lib/cell.mjs';
import { Witness, nothingKept } from './lib/witness.mjs';

let at;
const seen = new Set();

before(async () => { at = await town({ kinds: ['github', 'bitbucket'] }); });
after(async () => { await at?.stop(); });

/** The power goes, and comes back. */
async function crash() {
  assert.equal(await at.server.kill(), 'SIGKILL');
  await at.server.restart();
}

async function arrive(using, kind = 'github', options = {}) {
  await at.world.order(kind, { forget: true });
  const visit = using(await at.visit('decap-cms', kind, options));
  visit.witness = new Witness(visit.me.context);
  return visit;
}

async function leave(visit) {
  await visit.onlyTheThree();
  await visit.witness.look(visit.page);
  visit.witness.never([...(await at.world.record(visit.kind)).issued.refresh, 'never seen'], 'refresh tokens of the host');
  for (const secret of visit.witness.secrets) seen.add(secret);
}

/** Signs in to the end from the host's page on. */
async function finish(visit, popup) {
  const closed = popup.waitForEvent('close');
  await visit.decide(popup);
  await closed;
  await visit.inside();
  const { issued } = await at.world.record(visit.kind);
  assert.equal((await visit.user()).token, issued.access.at(-1));
}

/** Holds the popup's requests to a route, until they are let through. */
async function hold(visit, route) {
  let arrived, release;
  const there = new Promise((resolve) => { arrived = resolve; });
  const go = new Promise((resolve) => { release = resolve; });
  await visit.me.context.route(`${at.broker}${route}`, async (r) => {
    arrived();
    await go;
    await r.continue().catch(() => {}); // the window may be closed
  });
  return { there, release };
}

cell('between the popup and the handshake', async (using) => {
  const visit = await arrive(using);
  const begin = await hold(visit, '/auth/begin');
  const popup = await visit.click();
  await begin.there;
  await crash();
  begin.release();
  await finish(visit, popup);
  await leave(visit);
});

cell('while the server is away, the popup says so, and goes on when it is back', async (using) => {
  const visit = await arrive(using);
  const begin = await hold(visit, '/auth/begin');
  const popup = await visit.click();
  await begin.there;
  await at.server.kill();
  begin.release();
  await popup.locator('[data-help="E-upstream"]').filter({ visible: true }).waitFor();
  await at.server.restart();
  await popup.getByRole('button', { name: 'Try again' }).click();
  await finish(visit, popup);
  await leave(visit);
});

cell('at the host, before the person has said yes', async (using) => {
  const visit = await arrive(using);
  const popup = await visit.click();
  await popup.getByText('Practice host.').waitFor();
  await crash();
  await finish(visit, popup);
  await leave(visit);
});

cell('between the callback and the result', async (using) => {
  const visit = await arrive(using);
  await visit.me.context.route(`${at.broker}/callback/**`, async (route) => {
    const response = await route.fetch({ maxRedirects: 0 });
    await crash();
    await route.fulfill({ response });
  });
  const popup = await visit.click();
  const closed = popup.waitForEvent('close');
  const decided = visit.decide(popup);
  await Promise.all([decided, closed]);
  await visit.inside();
  assert.equal((await visit.user()).token, (await at.world.record('github')).issued.access.at(-1));
  await leave(visit);
});

cell('between the result and the claim', async (using) => {
  const visit = await arrive(using);
  const claim = await hold(visit, '/auth/claim');
  const popup = await visit.click();
  const closed = popup.waitForEvent('close');
  const decided = visit.decide(popup);
  await claim.there;
  await crash();
  claim.release();
  await Promise.all([decided, closed]);
  await visit.inside();
  await leave(visit);
});

cell('while the server is away, the result offers another try', async (using) => {
  const visit = await arrive(using);
  const claim = await hold(visit, '/auth/claim');
  const popup = await visit.click();
  const closed = popup.waitForEvent('close');
  const decided = visit.decide(popup);
  await claim.there;
  await at.server.kill();
  claim.release();
  await popup.locator('[data-help="E-upstream"]').filter({ visible: true }).waitFor();
  await at.server.restart();
  await popup.getByRole('button', { name: 'Try again' }).click();
  await Promise.all([decided, closed]);
  await visit.inside();
  await leave(visit);
});

cell('while the code is redeemed: the person starts again', async (using) => {
  const visit = await arrive(using);
  await at.world.order('github', { faults: { token: ['hang'] } });
  const { tokens } = await at.world.record('github');
  const popup = await visit.click();
  const back = visit.me.context.waitForEvent('request', (r) => r.url().startsWith(`${at.broker}/callback/`));
  const decided = visit.decide(popup);
  await back;
  for (let left = 500; (await at.world.record('github')).tokens === tokens; left--) assert.ok(left > 0, 'the code is on its way');
  await at.server.kill();
  await at.server.restart();
  await at.world.order('github', { faults: {} });
  await decided;
  await popup.close();
  await visit.signIn();
  await leave(visit);
});

cell('the callback once more after a restart is a clean page', async (using) => {
  const visit = await arrive(using);
  let back;
  visit.me.context.on('request', (r) => { if (r.url().startsWith(`${at.broker}/callback/`)) back = r.url(); });
  const popup = await visit.click();
  await finish(visit, popup);
  await crash();
  const late = await visit.me.context.newPage();
  const answer = await late.goto(back);
  assert.ok([400, 410].includes(answer.status()), `${answer.status()}`);
  await late.locator('[data-help="E-state"]').waitFor();
  await leave(visit);
});

cell('before a token is renewed', async (using) => {
  const visit = await arrive(using, 'bitbucket', { top: `base_url: ${at.broker}\nsite_id: bitbucket-site\n` });
  await visit.signIn();
  await visit.page.getByText('Mowing').waitFor(); // a renewal that finds no server is waited for by the CMS for ever
  for (let round = 0; round < 2; round++) {
    await at.world.order('bitbucket', { expire_all: true });
    await crash();
    const renewal = visit.page.waitForResponse((r) => r.url().startsWith(`${at.broker}/auth/refresh`));
    await new Editor(visit.page, visit.cms.url).edit('posts', ['mowing', 'first-snow'][round]);
    assert.equal((await renewal).status(), 200);
  }
  // The handle of before is good for a minute, also across a restart.
  const { refreshes } = await at.world.record('bitbucket');
  const { refresh_token: now } = await visit.user();
  const use = () => fetch(`${at.broker}/auth/refresh`, { method: 'POST', headers: { origin: at.origin }, body: new URLSearchParams({ refresh_token: now }) }).then((r) => r.json());
  const first = await use();
  await crash();
  assert.deepEqual((await use()).token, first.token);
  assert.equal((await at.world.record('bitbucket')).refreshes, refreshes + 1);
  seen.add(first.refresh_token);
  await leave(visit);
});

cell('N79 an origin that is taken off the site in the middle gets nothing', async (using) => {
  const visit = await arrive(using);
  const claim = await hold(visit, '/auth/claim');
  const popup = await visit.click();
  const decided = visit.decide(popup);
  await claim.there;
  const { revocations } = await at.world.record('github');
  const yaml = readFileSync(at.server.config, 'utf8');
  const mark = at.server.log().length;
  try {
    writeFileSync(at.server.config, yaml.replaceAll(`origins: ["${at.origin}"]`, 'origins: ["https://elsewhere.example"]'));
    at.server.signal('SIGHUP');
    await logged(mark, /reload/i);
    claim.release();
    await decided;
    await popup.locator('[data-show=help] [data-part=id]').filter({ hasText: 'E-origin' }).waitFor();
    assert.equal(await visit.user(), null);
    assert.deepEqual((await visit.heard()).filter((m) => /authorization/.test(m.data)), []);
    for (let left = 300; (await at.world.record('github')).revocations === revocations; left--) assert.ok(left > 0, 'the token is revoked');
    await leave(visit);
  } finally {
    const again = at.server.log().length;
    writeFileSync(at.server.config, yaml);
    at.server.signal('SIGHUP');
    await logged(again, /reload/i);
  }
});

/** Waits for a line of the log. */
async function logged(from, pattern) {
  for (let left = 600; !pattern.test(at.server.log().slice(from)); left--) {
    assert.ok(left > 0, `the log never says ${pattern}`);
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
}

test('of all that, nothing can be read in the log or the database', async () => {
  assert.ok(await nothingKept(at, seen) > 30);
});
