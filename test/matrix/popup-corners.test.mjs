// The corners of the popup: openers that are written by hand, work on a laptop,
// and what goes wrong on the way.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { freePort } from '../browser/lib/server.mjs';
import { help, town } from '../browser/lib/popup.mjs';
import { sawPages } from '../browser/lib/trace.mjs';
import { cell } from './lib/cell.mjs';

let at, deskPort;

before(async () => {
  deskPort = await freePort();
  at = await town({
    callbacks: ['forge'],
    more: ({ origin, hosts: { gitea, github } }) => ({
      yaml: `  - {name: forge, kind: forgejo, url: "${gitea.url}", api: "${gitea.api}", client_id: "${gitea.client_id}", client_secret: "${gitea.client_secret}"}\n`,
      sites: {
        'forge-site': { backend: `{name: forgejo, repo: ${gitea.repo}, branch: main}`, more: `    origins: ["${origin}"]\n` },
        desk: { backend: `{name: github, repo: ${github.repo}, branch: main}`, more: `    origins: ["https://www.example.com"]\n    dev_origins: ["http://localhost:${deskPort}"]\n    connectors: [github]\n` },
      },
    }),
  });
});
after(async () => {
  await at?.stop();
  sawPages('/auth', '/auth/result');
});

const issued = async (kind) => (await at.world.record(kind)).issued.access.at(-1);

/** The newest token of GitLab is good for nothing any more. */
async function worthless() {
  const answer = await fetch(`${at.hosts.gitlab.api}/user`, { headers: { authorization: `Bearer ${await issued('gitlab')}` } });
  assert.equal(answer.status, 401);
}

/** A person at a page without a CMS, who is a stranger to the host. */
async function arrive(bundle, kind, options) {
  await at.world.order(kind, { forget: true });
  return at.visit(bundle, kind, options);
}

/** Opens the popup as a page would that somebody wrote by hand. How: what it does when it is greeted. */
async function open(visit, query, how = 'answer', path = '/auth') {
  const [popup] = await Promise.all([
    visit.me.context.waitForEvent('page'),
    visit.page.evaluate(({ address, how, hello }) => {
      const popup = globalThis.open(address, 'Sign in', 'width=600,height=800');
      globalThis.say = (data) => popup.postMessage(data, '*');
      let greeted = false;
      addEventListener('message', ({ data, source }) => {
        if (source !== popup) return;
        if (data.startsWith('authorization:')) {
          globalThis.got = data;
          if (how !== 'keep') popup.close();
          return;
        }
        if (data !== hello || (greeted && how !== 'often') || how === 'silent') return;
        greeted = true;
        if (how === 'noise') {
          for (const noise of [{ hello }, null, 7, '', 'authorizing:', `${hello} `, 'authorizing:gitlab', 'authorization:github:success:{"token":"x"}', hello.toUpperCase(), [hello]]) popup.postMessage(noise, '*');
          const frame = document.body.appendChild(document.createElement('iframe'));
          frame.contentWindow.popup = popup;
          frame.contentWindow.eval(`popup.postMessage(${JSON.stringify(hello)}, '*')`); // not from the opener
        } else {
          popup.postMessage(data, '*');
          if (how === 'often') popup.postMessage(data, '*');
        }
      });
    }, { address: `${at.broker}${path}?${query}`, how, hello: `authorizing:${new URLSearchParams(query).get('provider')}` }),
  ]);
  return popup;
}

const query = (kind, more = '') => `provider=${kind}&site_id=${kind}-site&scope=repo${more}`;
const begins = (visit) => visit.trace.addresses.filter((a) => a.endsWith('/auth/begin')).length;

for (const [provider, site] of [['gitea', 'gitea-site'], ['forgejo', 'gitea-site'], ['forgejo', 'forge-site'], ['gitea', 'forge-site']]) {
  cell(`an opener by hand: ${provider} for ${site}`, async (using) => {
    const visit = using(await arrive('', 'gitea'));
    const popup = await open(visit, `provider=${provider}&site_id=${site}&scope=repo`);
    const closed = popup.waitForEvent('close');
    await visit.decide(popup);
    await closed;
    visit.kind = provider;
    const { issued: { access, verifiers } } = await at.world.record('gitea');
    assert.ok(verifiers.length > 0, 'PKCE');
    const [{ kind, content }, ...more] = await visit.leave();
    assert.deepEqual([kind, content.token, content.provider, more], ['success', access.at(-1), provider, []]);
    assert.ok(content.refresh_token && content.expires_in <= 3600);
  });
}

cell('an opener by hand: gitea, cancelled', async (using) => {
  const visit = using(await arrive('', 'gitea'));
  const popup = await open(visit, query('gitea'));
  await visit.decide(popup, { allow: false });
  const page = await help(popup, 'E-cancel');
  const closed = popup.waitForEvent('close');
  await page.getByRole('button', { name: 'Back to the editor' }).click();
  await closed;
  assert.deepEqual((await visit.leave()).map(({ kind, content }) => [kind, content.errorCode]), [['error', 'CANCEL']]);
});

cell('an opener that says everything but the right word is not answered, until it says it', async (using) => {
  const visit = using(await arrive('', 'github'));
  const popup = await open(visit, query('github'), 'noise');
  await help(popup, 'E-no-answer');
  assert.equal(begins(visit), 0);
  const closed = popup.waitForEvent('close');
  await visit.page.evaluate(() => globalThis.say('authorizing:github')); // late
  await visit.decide(popup);
  await closed;
  assert.equal(begins(visit), 1);
  assert.deepEqual((await visit.leave()).map(({ kind }) => kind), ['success']);
});

cell('an opener that answers again and again is heard once', async (using) => {
  const visit = using(await arrive('', 'github'));
  const popup = await open(visit, query('github'), 'often');
  const closed = popup.waitForEvent('close');
  await visit.decide(popup);
  await closed;
  assert.equal(begins(visit), 1);
  assert.deepEqual((await visit.leave()).map(({ kind }) => kind), ['success']);
});

cell('the editor goes to another page meanwhile, which hears nothing', async (using) => {
  const visit = using(await arrive('', 'gitlab'));
  const popup = await open(visit, query('gitlab'));
  await popup.getByText('Practice host.').waitFor();
  await popup.clock.install();
  const elsewhere = using(await at.visit('', 'gitlab', { page: { port: await freePort() } }));
  await visit.page.goto(elsewhere.cms.url); // of another origin
  await visit.decide(popup);
  await popup.getByText('You can close this window.').waitFor();
  const reported = popup.waitForResponse(`${at.broker}/auth/report`);
  await popup.clock.runFor(21_000);
  await reported;
  await help(popup, 'E-opener-gone', 'E-opener-gone-late');
  await worthless();
  assert.deepEqual(await visit.leave(), []);
});

cell('the answer with the token is lost on the way', async (using) => {
  const visit = using(await arrive('', 'gitlab'));
  await visit.me.context.route(`${at.broker}/auth/claim`, async (route) => {
    await route.fetch();
    await route.abort();
  }, { times: 1 });
  const popup = await open(visit, query('gitlab'));
  await visit.decide(popup);
  const page = await help(popup, 'E-upstream', 'E-upstream-ours');
  const reported = popup.waitForResponse(`${at.broker}/auth/report`);
  await page.getByRole('button', { name: 'Try again' }).click();
  await help(popup, 'E-state', 'E-state-used');
  await reported;
  await worthless();
  assert.deepEqual(await visit.leave(), []);
});

cell('two sign-ins at a time in one browser', async (using) => {
  const visit = using(await arrive('', 'gitlab'));
  await at.world.order('bitbucket', { forget: true });
  const first = await open(visit, query('gitlab'));
  await first.getByText('Practice host.').waitFor();
  const page = await visit.me.context.newPage();
  await page.goto(visit.cms.url);
  const other = { ...visit, page, kind: 'bitbucket', me: visit.me };
  const second = await open(other, query('bitbucket'));
  const closed = [first.waitForEvent('close'), second.waitForEvent('close')];
  await visit.decide.call({ town: at, kind: 'bitbucket' }, second, { person: 'ben' });
  await visit.decide(first);
  await Promise.all(closed);
  assert.equal(JSON.parse((await page.evaluate(() => globalThis.got)).split(':success:')[1]).token, await issued('bitbucket'));
  const [{ content }] = await visit.leave();
  assert.equal(content.token, await issued('gitlab'));
});

cell('the host names another one as the issuer', async (using) => {
  await at.world.faults('gitlab', { iss: 'https://gitlab.example.org' });
  try {
    const visit = using(await arrive('', 'gitlab'));
    const popup = await open(visit, query('gitlab'));
    const { tokens } = await at.world.record('gitlab');
    await visit.decide(popup);
    await help(popup, 'E-state');
    assert.equal((await at.world.record('gitlab')).tokens, tokens);
    assert.deepEqual(await visit.leave(), []);
  } finally {
    await at.world.faults('gitlab', {});
  }
});

cell('fewer permissions than the editor needs', async (using) => {
  await at.world.faults('gitlab', { scope: 'read_user' });
  try {
    const visit = using(await arrive('decap-cms', 'gitlab'));
    const popup = await visit.click();
    await visit.decide(popup);
    const page = await help(popup, 'E-scope');
    await at.world.faults('gitlab', {});
    await at.world.order('gitlab', { forget: true });
    const closed = popup.waitForEvent('close');
    await page.getByRole('button', { name: 'Try again' }).click();
    await visit.decide(popup);
    await closed;
    await visit.inside();
    assert.deepEqual((await visit.leave()).map(({ kind }) => kind), ['success']);
  } finally {
    await at.world.faults('gitlab', {});
  }
});

// On a laptop: the CMS says nothing about its site, but a name that is built in.
for (const [bundle, name] of [['decap-cms', 'demo.decapcms.org'], ['netlify-cms', 'cms.netlify.com'], ['sveltia-cms', 'cms.netlify.com']]) {
  cell(`on localhost, ${bundle} says ${name}: the one site that lists the address`, async (using) => {
    const visit = using(await arrive(bundle, 'github', { page: { host: 'localhost', port: deskPort }, backend: '' }));
    await visit.signIn();
    assert.equal(new URL(visit.trace.addresses[0]).searchParams.get('site_id'), name);
    assert.equal((await visit.user()).token, await issued('github'));
    assert.deepEqual((await visit.leave()).map(({ kind }) => kind), ['success']);
  });
}

cell('on localhost, at an address that no site lists', async (using) => {
  const visit = using(await arrive('decap-cms', 'github', { page: { host: 'localhost', port: await freePort() } }));
  const popup = await visit.click();
  const page = await help(popup, 'E-origin', 'E-origin-localhost');
  assert.equal(await page.locator('pre').innerText(), `dev_origins:\n  - ${visit.cms.origin}\n`);
  assert.deepEqual(await visit.leave(), []);
});

cell('on localhost, at an address that several sites list', async (using) => {
  const visit = using(await arrive('decap-cms', 'github', { page: { host: 'localhost' } }));
  const popup = await visit.click();
  const page = await help(popup, 'E-unknown-site', 'E-unknown-site-several');
  await page.getByText('auth_endpoint: s/NAME/auth').waitFor();
  assert.deepEqual(await visit.leave(), []);
});

for (const kind of ['github', 'gitlab']) {
  cell(`on localhost, at that address, with the endpoint of ${kind}-site`, async (using) => {
    const visit = using(await arrive('decap-cms', kind, { page: { host: 'localhost' }, backend: `  auth_endpoint: s/${kind}-site/auth\n` }));
    await visit.signIn();
    assert.equal((await visit.user()).token, await issued(kind));
    assert.deepEqual((await visit.leave()).map(({ kind }) => kind), ['success']);
  });
}

for (const [what, id, address, says] of [
  ['nobody has opened it', 'E-no-opener', () => `/auth?${query('gitlab')}`],
  ['no provider', 'E-params', () => '/auth?site_id=gitlab-site'],
  ['two sites at once', 'E-params', () => `/auth?${query('gitlab')}&site_id=github-site`],
  ['an authorization server is meant', 'E-params', () => '/oauth/authorize?client_id=x&response_type=code'],
  ['a site that is not known', 'E-unknown-site', () => '/auth?provider=gitlab&site_id=www.example.org'],
  ['no site', 'E-unknown-site', () => '/auth?provider=gitlab'],
  ['a return that nobody waits for', 'E-state', () => '/callback/gitlab?code=something&state=somewhere'],
  ['a result of nobody', 'E-state', () => '/auth/result?tx=nothing'],
  ['a path that is none of ours', 'E-path', () => `/s/gitlab-site/authorise?${query('gitlab')}`, 'at /s/gitlab-site/authorise,'],
]) {
  cell(`a page of help: ${what}`, async (using) => {
    const visit = using(await arrive('', 'gitlab'));
    await visit.page.goto(`${at.broker}${address()}`);
    const page = await help(visit.page, id, `${id}-${what.replaceAll(' ', '-')}`);
    if (says) await page.getByText(says).waitFor();
    assert.deepEqual(visit.me.complaints.filter((c) => !/status of 40[04]/.test(c)), []);
  });
}

// The last of its host: after it, that host is opened in a second window.
cell('the editor is closed meanwhile', async (using) => {
  const visit = using(await arrive('decap-cms', 'gitlab'));
  const popup = await visit.click();
  await popup.getByText('Practice host.').waitFor();
  const reported = popup.waitForResponse(`${at.broker}/auth/report`);
  await visit.page.close();
  await visit.decide(popup);
  await help(popup, 'E-opener-gone');
  await reported;
  await worthless();
  await visit.trace.clean(at);
});

cell('a page of help: too many tries', async (using) => {
  const visit = using(await arrive('', 'gitlab'));
  let status = 200;
  for (let left = 200; status !== 429 && left > 0; left--) status = (await fetch(`${at.broker}/auth?${query('gitlab')}`, { headers: { 'x-forwarded-for': '203.0.113.7' } })).status;
  await visit.page.goto(`${at.broker}/auth?${query('gitlab')}`);
  await help(visit.page, 'E-rate');
});
