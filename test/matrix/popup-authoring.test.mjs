// People who may not write to a repository work in forks of their own.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { shot } from '../browser/lib/browser.mjs';
import { Editor } from '../browser/lib/editor.mjs';
import { town } from '../browser/lib/popup.mjs';
import { Repository } from '../browser/lib/server.mjs';
import { cell } from './lib/cell.mjs';
import { Witness, nothingKept } from './lib/witness.mjs';

let at;
const seen = new Set();
const open = { workflow: true, backend: '  site_domain: open\n  open_authoring: true\n' };

before(async () => {
  at = await town({
    kinds: ['github'],
    more: ({ origin, hosts }) => ({
      sites: { open: { backend: `{name: github, repo: ${hosts.github.repo}, branch: main, open_authoring: true}`, more: `    origins: ["${origin}"]\n` } },
    }),
  });
});
after(async () => { await at?.stop(); });

async function arrive(using, options) {
  const visit = using(await at.visit('decap-cms', 'github', options));
  visit.witness = new Witness(visit.me.context);
  visit.editor = new Editor(visit.page, visit.cms.url);
  return visit;
}

const api = (path, token) => fetch(`${at.hosts.github.api}${path}`, { headers: { authorization: `token ${token}` } }).then((r) => r.json());

cell('cleo, who may not write, forks, drafts and proposes; ada publishes', async (using) => {
  const site = new Repository(at.hosts.github.git);
  const before = site.tips();
  const cleo = await arrive(using, open);
  const [popup] = await Promise.all([cleo.me.context.waitForEvent('page'), cleo.button.click()]);
  await popup.getByText('Practice host.').waitFor();
  assert.equal(new URL(popup.url()).searchParams.get('scope'), 'public_repo');
  const closed = popup.waitForEvent('close');
  await cleo.decide(popup, { person: 'cleo' });
  await closed;
  await cleo.page.getByText(/fork/i).first().waitFor();
  await shot(cleo.page, 'popup-fork');
  await cleo.page.getByRole('button', { name: 'Fork the repo', exact: true }).click();
  await cleo.inside();
  const { token } = await cleo.user();
  assert.equal((await api('/repos/cleo/site', token)).parent.full_name, at.hosts.github.repo);
  const fork = new Repository(join(dirname(dirname(at.hosts.github.git)), 'cleo/site.git'));
  assert.deepEqual(fork.tips(), before, 'the fork is as the site');

  // A draft is a branch of the fork, and nothing that the site sees.
  await cleo.editor.create('posts');
  await cleo.editor.field('title').fill('From outside');
  await cleo.editor.write('By somebody who may not write here.');
  await cleo.editor.save();
  const branch = 'cms/cleo/site/posts/from-outside';
  const path = 'content/posts/from-outside.md';
  assert.deepEqual(fork.drafts(), [branch]);
  assert.match(fork.read(path, branch), /By somebody who may not write here\./);
  assert.deepEqual(fork.last(branch).paths, [path]);
  assert.deepEqual(site.tips(), before, 'the site has not changed');
  assert.deepEqual(await api(`/repos/${at.hosts.github.repo}/pulls?state=all`, token), []);

  // In review it is a pull request.
  await cleo.editor.status('Draft', 'In review');
  const [pull] = await api(`/repos/${at.hosts.github.repo}/pulls?state=open`, token);
  assert.deepEqual([pull.user.login, pull.head.label, pull.base.ref], ['cleo', `cleo:${branch}`, 'main']);
  assert.equal(pull.head.sha, fork.git('rev-parse', branch).trim());
  assert.equal(site.git('rev-parse', 'main').trim(), before[0], 'the site has not changed');
  site.fsck();
  fork.fsck();
  await cleo.onlyTheThree();
  await cleo.witness.look(cleo.page);
  for (const secret of cleo.witness.secrets) seen.add(secret);
  await cleo.close();

  // A maintainer works in the repository itself. Proposals from forks are not on
  // the board of this CMS: she reads and merges them at the host.
  const ada = await arrive(using, open);
  await ada.signIn();
  const hers = (await ada.user()).token;
  assert.equal((await api('/user', hers)).login, 'ada');
  await ada.editor.go('#/workflow');
  await ada.page.getByText('0 entries waiting for review').waitFor();
  const pulls = `/repos/${at.hosts.github.repo}/pulls`;
  assert.deepEqual((await api(`${pulls}?state=open`, hers)).map((p) => p.number), [pull.number]);
  const merged = await fetch(`${at.hosts.github.api}${pulls}/${pull.number}/merge`, { method: 'PUT', headers: { authorization: `token ${hers}`, 'content-type': 'application/json' }, body: '{}' });
  assert.equal(merged.status, 200, await merged.text());
  assert.match(site.read(path), /By somebody who may not write here\./);
  assert.equal(site.git('rev-parse', 'main^1').trim(), before[0]);
  site.fsck();
  await ada.page.reload();
  await ada.editor.list('posts');
  await ada.page.getByText('From outside').waitFor();
  await ada.close();

  // To cleo it is published, and her branch is tidied away.
  const again = await arrive(using, open);
  await again.signIn({ person: 'cleo' });
  const tidied = again.page.waitForResponse((r) => r.request().method() === 'DELETE');
  await again.editor.go('#/workflow');
  assert.equal((await tidied).status(), 204);
  assert.deepEqual(fork.drafts(), []);
  await again.editor.list('posts');
});

cell('without open_authoring in gatehouse.yaml, cleo is told that she may not write', async (using) => {
  const before = (await at.world.record('github')).revocations;
  const cleo = await arrive(using, { ...open, backend: '  site_domain: github-site\n  open_authoring: true\n' });
  const popup = await cleo.click();
  await cleo.decide(popup, { person: 'cleo' });
  await popup.getByText('E-no-write').waitFor();
  assert.match(await popup.getByRole('alert').innerText(), /signed in as cleo, and this account may not change the site's repository/);
  assert.equal((await at.world.record('github')).revocations, before + 1, 'the token is revoked');
  await popup.getByRole('button', { name: 'Back to the editor' }).click();
  await cleo.page.getByText(/may not change the site's repository/).first().waitFor();
  assert.equal(await cleo.user(), null);
  await cleo.onlyTheThree();
  await cleo.witness.look(cleo.page);
  for (const secret of cleo.witness.secrets) seen.add(secret);
});

test('of all that, nothing can be read in the log or the database', async () => {
  assert.ok(await nothingKept(at, seen) > 10);
});
