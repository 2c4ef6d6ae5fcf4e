// Tokens that end in the middle of the work, and who renews them.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
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
