// Each option of config.yml that concerns signing in: what it does, what the CMS
// does without it, and what a person sees when it is wrong.
//
// One mistake cannot be tried on one machine: http in base_url where the broker
// has https. Only loopback addresses may have http at all, and those have no
// certificates.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessibility, shot } from '../browser/lib/browser.mjs';
import { config, help, town } from '../browser/lib/popup.mjs';
import { cell } from './lib/cell.mjs';
import { nothingKept } from './lib/witness.mjs';

let at;

before(async () => {
  at = await town({
    host: 'localhost', kinds: ['github', 'gitlab', 'bitbucket'],
    more: ({ origin }) => {
      const site = (repo, more = '') => ({ backend: `{name: github, repo: ${repo}, branch: main}`, more: `    origins: ["${origin}"]\n${more}` });
      return { sites: { none: site('meadow/nowhere'), hidden: site('meadow/notes'), old: site('meadow/site', '    auth_endpoint: /api/broker\n    domains: [www.meadow.example]\n') } };
    },
  });
});
after(async () => { await at?.stop(); });

/** A config.yml with lines taken out, put in and changed. */
function yaml(kind, change = (text) => text) {
  return change(config({ kind, host: at.hosts[kind], broker: at.broker, backend: `  site_domain: ${kind}-site\n` }));
}

const without = (...keys) => (text) => keys.reduce((all, key) => all.replace(new RegExp(`^  ${key}:.*\\n`, 'm'), ''), text);
const changed = (key, value) => (text) => text.replace(new RegExp(`^  ${key}:.*$`, 'm'), `  ${key}: ${value}`);
const added = (key, value) => (text) => text.replace('backend:\n', `backend:\n  ${key}: ${value}\n`);

/** Opens the popup of a page, and says where it went. Foreign servers are not asked. */
async function opened(using, bundle, kind, change, page) {
  await at.world.order(kind, { forget: true });
  const visit = using(await at.visit(bundle, kind, { yaml: yaml(kind, change), ...(page && { page }) }));
  await visit.me.context.route(/^https:\/\//, (route) => route.fulfill({ status: 404, contentType: 'text/html', body: '<!doctype html>Not Found' }));
  const popup = await visit.click();
  return { visit, popup };
}

/** A page of ours at the two sizes that matter. */
async function look(popup, id, picture) {
  const page = await help(popup, id, `option-${picture}`);
  const text = await page.innerText();
  await popup.setViewportSize({ width: 390, height: 700 });
  await shot(popup, `popup-option-${picture}-phone`);
  assert.ok(await popup.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing sticks out on a phone');
  assert.deepEqual(await accessibility(popup), []);
  return text;
}

// What each client does when nothing is said: the tokens of editors would go by
// other people's servers.
for (const [bundle, kind, address] of [
  ['decap-cms', 'github', 'https://api.netlify.com/auth?provider=github&site_id=127.0.0.1&scope=repo'],
  ['decap-cms', 'gitlab', 'https://api.netlify.com/auth?provider=gitlab&site_id=127.0.0.1&scope=api'],
  ['decap-cms', 'bitbucket', 'https://api.netlify.com/auth?provider=bitbucket&site_id=127.0.0.1&scope=repo'],
  ['netlify-cms', 'github', 'https://api.netlify.com/auth?provider=github&site_id=127.0.0.1&scope=repo'],
  ['netlify-cms', 'gitlab', 'https://api.netlify.com/auth?provider=gitlab&site_id=127.0.0.1&scope=api'],
  ['netlify-cms', 'bitbucket', 'https://api.netlify.com/auth?provider=bitbucket&site_id=127.0.0.1&scope=repo'],
  ['sveltia-cms', 'github', 'https://api.netlify.com/auth?provider=github&site_id=127.0.0.1&scope=repo%2Cuser'],
  ['sveltia-cms', 'gitlab', 'https://gitlab.com/oauth/authorize?provider=gitlab&site_id=127.0.0.1&scope=api'],
]) {
  cell(`defaults of ${bundle} × ${kind}: ${address}`, async (using) => {
    const { popup } = await opened(using, bundle, kind, without('base_url', 'site_domain'));
    await popup.waitForURL(address);
  });
}

cell('base_url: the popup is ours, also with a slash at the end', async (using) => {
  for (const bundle of ['decap-cms', 'netlify-cms', 'sveltia-cms']) {
    const { visit, popup } = await opened(using, bundle, 'github', changed('base_url', `${at.broker}/`));
    await popup.getByText('Practice host.').waitFor();
    const closed = popup.waitForEvent('close');
    await visit.decide(popup);
    await closed;
    await visit.inside();
    await visit.close();
  }
});

for (const [what, value, id, words] of [
  ['a path', (b) => `${b}/broker`, 'E-path', /opened the sign-in at \/broker\/auth/],
  ['a path that ends as ours do', (b) => `${b}/auth`, 'E-path', /opened the sign-in at \/auth\/auth/],
  ['capital letters', (b) => b.replace('localhost', 'LocalHost'), 'E-no-answer', /no capital letters/],
  ['another host name', (b) => b.replace('localhost', '127.0.0.1'), 'E-host', /the sign-in was opened at another address/],
]) {
  cell(`base_url with ${what}: the page names the right one`, async (using) => {
    const before = (await at.world.record('github')).authorize;
    const { popup } = await opened(using, 'decap-cms', 'github', changed('base_url', value(at.broker)));
    const text = await look(popup, id, `base-url-${what.replaceAll(' ', '-')}`);
    assert.match(text, words);
    assert.ok(text.includes(`base_url: ${at.broker}\n`) || text.includes(`base_url: "${at.broker}"`), text);
    assert.equal((await at.world.record('github')).authorize, before, 'the host was not asked');
  });
}

cell('base_url in capital letters is no mistake to Sveltia CMS', async (using) => {
  const { visit, popup } = await opened(using, 'sveltia-cms', 'github', changed('base_url', at.broker.replace('localhost', 'LocalHost')));
  const closed = popup.waitForEvent('close');
  await visit.decide(popup);
  await closed;
  await visit.inside();
});

cell('base_url without a scheme ends on a page of the site itself', async (using) => {
  const { visit, popup } = await opened(using, 'decap-cms', 'github', changed('base_url', 'auth.example.com'));
  await popup.waitForURL(`${visit.cms.origin}/admin/auth.example.com/auth?provider=github&site_id=github-site&scope=repo`);
  await popup.getByText('Not here.').waitFor(); // no page of ours can help there: the doctor does
});

cell('base_url beside backend, where GitHub is not looked for, goes to api.netlify.com', async (using) => {
  const { popup } = await opened(using, 'decap-cms', 'github', (text) => `base_url: ${at.broker}\n${without('base_url')(text)}`);
  await popup.waitForURL('https://api.netlify.com/auth?provider=github&site_id=github-site&scope=repo');
});

cell('auth_endpoint: slashes around it do not matter, and a site may have its own', async (using) => {
  for (const [endpoint, domain] of [['/auth/', 'old'], ['oauth/authorize', 'old'], ['api/broker', 'old'], ['s/old/auth', 'of-no-importance']]) {
    const { visit, popup } = await opened(using, 'decap-cms', 'github', (text) => added('auth_endpoint', endpoint)(changed('site_domain', domain)(text)));
    await popup.getByText('Practice host.').waitFor();
    const closed = popup.waitForEvent('close');
    await visit.decide(popup);
    await closed;
    await visit.inside();
    await visit.close();
  }
});

for (const [bundle, endpoint] of [['decap-cms', 'signin'], ['sveltia-cms', 'login/oauth'], ['netlify-cms', 's/nobody/auth']]) {
  cell(`auth_endpoint ${endpoint}, which is none (${bundle}): the page names the right one`, async (using) => {
    const { popup } = await opened(using, bundle, 'github', added('auth_endpoint', endpoint));
    const text = await look(popup, 'E-path', `auth-endpoint-${bundle}`);
    assert.ok(text.includes(`/${endpoint}`), text);
    assert.match(text, /auth_endpoint: auth/);
  });
}

cell('site_domain: a name of the site, its domain, or an address in full', async (using) => {
  for (const domain of ['old', 'www.meadow.example', 'WWW.Meadow.Example', 'https://www.meadow.example/']) {
    const { popup, visit } = await opened(using, 'decap-cms', 'github', changed('site_domain', domain));
    await popup.getByText('Practice host.').waitFor();
    await visit.close();
  }
});

for (const [bundle, name] of [['decap-cms', 'demo.decapcms.org'], ['netlify-cms', 'cms.netlify.com'], ['sveltia-cms', 'cms.netlify.com']]) {
  cell(`site_domain on localhost is ${name} to ${bundle}, when it is not set`, async (using) => {
    const { popup } = await opened(using, bundle, 'github', without('base_url', 'site_domain'), { host: 'localhost' });
    await popup.waitForURL(new RegExp(`^https://api\\.netlify\\.com/auth\\?provider=github&site_id=${name.replaceAll('.', '\\.')}&scope=`));
  });
}

cell('site_domain that nobody has: the page names it, and no other', async (using) => {
  const { popup } = await opened(using, 'decap-cms', 'github', changed('site_domain', 'www.nobody.example'));
  const text = await look(popup, 'E-unknown-site', 'site-domain');
  assert.match(text, /“www\.nobody\.example”/);
  assert.doesNotMatch(text, /meadow|github-site|hidden/);
});

for (const [what, site] of [['that does not exist', 'none'], ['that the account cannot see', 'hidden']]) {
  cell(`repo ${what}: the page says that it is out of sight, and no more`, async (using) => {
    const { visit, popup } = await opened(using, 'decap-cms', 'github', changed('site_domain', site));
    await visit.decide(popup, { person: 'cleo' });
    const text = await look(popup, 'E-org-approval', `repo-${site}`);
    assert.match(text, /signed in as cleo, and the site's repository is not shown to this account/);
    assert.doesNotMatch(text, /meadow/);
    const { issued } = await at.world.record('github');
    const user = await fetch(`${at.hosts.github.api}/user`, { headers: { authorization: `token ${issued.access.at(-1)}` } });
    assert.equal(user.status, 401, 'the token is revoked');
  });
}

cell('repo in config.yml alone that does not exist: Gatehouse signs in, and the CMS says so', async (using) => {
  const { visit, popup } = await opened(using, 'decap-cms', 'github', changed('repo', 'meadow/elsewhere'));
  const closed = popup.waitForEvent('close');
  await visit.decide(popup);
  await closed;
  await visit.page.getByText(/meadow\/elsewhere/).first().waitFor();
  await shot(visit.page, 'popup-option-repo-of-the-cms');
});

cell('repo that is empty: Gatehouse signs in to its own, and the CMS lets nobody in', async (using) => {
  const { visit, popup } = await opened(using, 'decap-cms', 'github', changed('repo', "''"));
  const closed = popup.waitForEvent('close');
  await visit.decide(popup);
  await closed;
  await visit.page.getByText(/repo/i).first().waitFor();
  await shot(visit.page, 'popup-option-repo-empty');
  assert.equal(await visit.user(), null);
});

cell('branch: without one the CMS takes the default of the host', async (using) => {
  const { visit, popup } = await opened(using, 'decap-cms', 'github', without('branch'));
  const closed = popup.waitForEvent('close');
  await visit.decide(popup);
  await closed;
  await visit.inside();
});

cell('api_root: without it the CMS takes the token to api.github.com, and cannot go on', async (using) => {
  const { visit, popup } = await opened(using, 'decap-cms', 'github', without('api_root'));
  const asked = visit.page.waitForRequest(/^https:\/\/api\.github\.com\/user/);
  await visit.decide(popup);
  await asked;
});

test('of all that, nothing can be read in the log or the database', async () => {
  assert.ok(await nothingKept(at) > 30);
});
