// GoTrue's own clients against the identity service: both generations of
// gotrue-js as in a browser, and @netlify/identity as in a function of a server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { password, start } from './lib/server.mjs';
import { startSMTP } from './lib/smtp.mjs';

const require = createRequire(import.meta.url);
const files = { 'content/posts/a.md': '---\ntitle: A\n---\n', 'static/admin/config.yml': 'backend: {name: git-gateway, branch: main}\nmedia_folder: static\ncollections:\n  - {name: posts, label: Posts, folder: content/posts, fields: [{name: title, label: Title, widget: string}]}\n' };
const chosen = 'copper bicycle moon nine';

let server, smtp, url;

before(async () => {
  smtp = await startSMTP();
  server = await start({
    sites: { blog: { files } },
    yaml: `mail: {from: "Blog <cms@example.org>", smtp: "${smtp.url}"}\n`,
    people: [
      { email: 'ann@example.org', name: 'Ann Lee', site: 'blog', role: 'editor' },
      { email: 'adam@example.org', name: 'Adam', site: 'blog', role: 'admin' },
    ],
  });
  server.run(['users', 'policy', 'blog', '--sign-up', 'open', '--role', 'contributor']);
  url = `${server.url}/.netlify/identity`;
});

after(async () => {
  await server?.stop();
  smtp?.stop();
});

/** A browser tab: a client loaded anew, with the storage that tabs share. */
function tab(module, storage = new Map()) {
  globalThis.window = globalThis;
  globalThis.addEventListener ??= () => {};
  globalThis.localStorage = {
    getItem: (k) => storage.get(k) ?? null,
    setItem: (k, v) => storage.set(k, String(v)),
    removeItem: (k) => storage.delete(k),
  };
  for (const path of Object.keys(require.cache)) if (/gotrue-js/.test(path)) delete require.cache[path];
  const loaded = require(module);
  const GoTrue = loaded.default ?? loaded;
  const warn = console.warn;
  console.warn = () => {}; // plain http, on this machine
  try {
    return new GoTrue({ APIUrl: url, setCookie: true });
  } finally {
    console.warn = warn;
  }
}

for (const [name, module] of [['gotrue-js 0.9.29', 'gotrue-js-0.9'], ['gotrue-js 1.0.1', 'gotrue-js']]) {
  const at = module === 'gotrue-js' ? 'one' : 'zero';
  const mine = (who) => `${who}-${at}@example.org`;

  test(`${name}: settings`, async () => {
    const settings = await tab(module).settings();
    assert.equal(settings.disable_signup, false);
    assert.equal(settings.external.email, true);
  });

  test(`${name}: sign up, confirm, sign in, change, sign out`, async () => {
    const client = tab(module);
    const answer = await client.signup(mine('zoe'), chosen, { full_name: 'Zoe' });
    assert.equal(answer.email, mine('zoe'));
    assert.ok(answer.confirmation_sent_at && !answer.confirmed_at);
    await assert.rejects(client.login(mine('zoe'), chosen), /No user found with that email, or password invalid/);
    const token = await smtp.take(mine('zoe'), 'confirm');
    const user = await client.confirm(token, true);
    assert.deepEqual(user.app_metadata.roles, ['contributor']);
    assert.equal(user.user_metadata.full_name, 'Zoe');
    await assert.rejects(client.confirm(token), /User not found/);
    await user.update({ data: { full_name: 'Zoe Z.', colour: 'blue' } });
    assert.equal(user.user_metadata.full_name, 'Zoe Z.');
    assert.equal(client.currentUser().user_metadata.colour, 'blue');
    await assert.rejects(user.update({ app_metadata: { roles: ['admin'] } }), /requires admin privileges/);
    await assert.rejects(user.admin.listUsers(), /User not allowed/);
    const access = await user.jwt();
    await user.logout();
    assert.equal(client.currentUser(), null);
    const late = await fetch(`${url}/user`, { headers: { Authorization: `Bearer ${access}` } });
    assert.equal(late.status, 401);
    const again = await client.login(mine('zoe'), chosen, true);
    assert.equal(again.email, mine('zoe'));
  });

  test(`${name}: two tabs renew at once, and one sleeps`, async () => {
    const storage = new Map();
    const one = await tab(module, storage).login('ann@example.org', password, true);
    const two = tab(module, storage).currentUser();
    assert.notEqual(one, two);
    const first = two.token.refresh_token;
    const both = await Promise.all([one.jwt(true), two.jwt(true)]);
    assert.equal(one.token.refresh_token, two.token.refresh_token);
    assert.ok(both[0] && both[1]);
    assert.notEqual(one.token.refresh_token, first);
    for (let i = 0; i < 3; i++) await one.jwt(true);
    await two.jwt(true); // three generations behind
    assert.equal(one.token.refresh_token, two.token.refresh_token);
    await one.jwt(true);
    assert.equal((await two.getUserData()).email, 'ann@example.org');
  });

  test(`${name}: recovery`, async () => {
    server.run(['users', 'add', mine('rob'), '--site', 'blog', '--role', 'editor', '--password-stdin'], password);
    const client = tab(module);
    await client.requestPasswordRecovery(mine('rob'));
    await client.requestPasswordRecovery(mine('nobody'));
    const user = await client.recover(await smtp.take(mine('rob'), 'recover'), true);
    await user.update({ password: chosen });
    assert.equal((await user.getUserData()).email, mine('rob'));
    await assert.rejects(client.login(mine('rob'), password), /password invalid/);
    await client.login(mine('rob'), chosen);
  });

  test(`${name}: a change of address`, async () => {
    server.run(['users', 'add', mine('eve'), '--site', 'blog', '--role', 'editor', '--password-stdin'], password);
    const client = tab(module);
    const user = await client.login(mine('eve'), password, true);
    await user.update({ email: mine('eva') });
    assert.equal(user.new_email, mine('eva'));
    assert.equal(user.email, mine('eve'));
    await assert.rejects(user.update({ email_change_token: 'x' }), /didn't match token on file/);
    await user.update({ email_change_token: await smtp.take(mine('eva'), 'email') });
    assert.equal(user.email, mine('eva'));
    await client.login(mine('eva'), password);
  });

  test(`${name}: invite, and administer`, async () => {
    const client = tab(module);
    const adam = await client.login('adam@example.org', password, true);
    const invited = await fetch(`${url}/invite`, {
      method: 'POST', headers: { Authorization: `Bearer ${await adam.jwt()}` },
      body: JSON.stringify({ email: mine('ida'), app_metadata: { roles: ['editor'] } }),
    }).then((r) => r.json());
    assert.ok(invited.invited_at && !invited.invite_link);
    const token = await smtp.take(mine('ida'), 'invite');
    await assert.rejects(client.acceptInvite(token, ''), /Invited users must specify a password/);
    const ida = await tab(module).acceptInvite(token, chosen);
    assert.deepEqual(ida.app_metadata.roles, ['editor']);

    // 0.9 makes pages of whatever has a Link.
    const list = await adam.admin.listUsers();
    const users = (list.items ?? list).users;
    assert.ok(users.some((u) => u.email === mine('ida')));
    if (list.pagination) assert.equal(list.pagination.last, 1);
    const made = await adam.admin.createUser(mine('max'), chosen, { confirm: true, app_metadata: { roles: ['reader'] }, role: 'admin' });
    assert.deepEqual(made.app_metadata.roles, ['reader']);
    assert.equal((await adam.admin.getUser(made)).email, mine('max'));
    const changed = await adam.admin.updateUser(made, { app_metadata: { roles: ['publisher'] }, user_metadata: { full_name: 'Max' } });
    assert.deepEqual(changed.app_metadata.roles, ['publisher']);
    assert.equal(changed.user_metadata.full_name, 'Max');
    await adam.admin.deleteUser(made);
    await assert.rejects(adam.admin.getUser(made), /User not found/);
  });
}

// It takes Netlify's surroundings from globals, and reads them once: a process of its own.
test('@netlify/identity 2.0.0: sign in, renew, administer, sign out', async () => {
  const script = `
    const jar = new Map();
    const cookies = { get: (n) => jar.get(n), set: (c) => jar.set(c.name, c.value), delete: (n) => jar.delete(n) };
    globalThis.Netlify = { context: { cookies } };
    globalThis.netlifyIdentityContext = { url: process.argv[1] };
    const id = await import('@netlify/identity');
    const settings = await id.getSettings();
    const pending = await id.signup('nora@example.org', process.argv[3], { full_name: 'Nora' });
    await id.requestPasswordRecovery('adam@example.org');
    const adam = await id.login('adam@example.org', process.argv[2]);
    const me = await id.getUser();
    const payload = JSON.parse(Buffer.from(jar.get('nf_jwt').split('.')[1], 'base64url'));
    const stale = ['x', Buffer.from(JSON.stringify({ ...payload, exp: 1 })).toString('base64url'), 'x'].join('.');
    jar.set('nf_jwt', stale);
    const fresh = await id.refreshSession();
    globalThis.netlifyIdentityContext.token = fresh;
    const made = await id.admin.createUser({ email: 'nils@example.org', password: process.argv[3], data: { app_metadata: { roles: ['reader'] } } });
    const listed = await id.admin.listUsers({ page: 1, perPage: 100 });
    const changed = await id.admin.updateUser(made.id, { app_metadata: { roles: ['editor'] } });
    const got = await id.admin.getUser(made.id);
    await id.admin.deleteUser(made.id);
    const gone = await id.admin.getUser(made.id).catch((e) => e.status + ' ' + e.message);
    const wrong = await id.login('adam@example.org', 'wrong').catch((e) => e.status + ' ' + e.message);
    await id.logout();
    const after = await fetch(process.argv[1] + '/user', { headers: { Authorization: 'Bearer ' + fresh } });
    console.log(JSON.stringify({ settings, pending, adam, me, listed: listed.map((u) => u.email), changed, got, gone, wrong, after: after.status, cookies: [...jar.keys()] }));
  `;
  const out = JSON.parse(await run(script, [url, password, chosen]));
  assert.equal(out.settings.disableSignup, false);
  assert.equal(out.pending.name, 'Nora');
  assert.ok(!out.pending.confirmedAt);
  assert.equal(out.adam.email, 'adam@example.org');
  assert.deepEqual(out.me.roles, ['admin']);
  assert.ok(out.listed.includes('nils@example.org'));
  assert.deepEqual(out.changed.roles, ['editor']);
  assert.deepEqual(out.got.roles, ['editor']);
  assert.equal(out.gone, '404 User not found');
  assert.match(out.wrong, /^400 No user found with that email, or password invalid/);
  assert.equal(out.after, 401);
  assert.deepEqual(out.cookies, []);
  await smtp.take('nora@example.org', 'confirm');
});

function run(script, args) {
  return new Promise((resolve, reject) => {
    try {
      const env = { ...process.env, NODE_NO_WARNINGS: '1' };
      delete env.URL;
      resolve(execFileSync(process.execPath, ['--input-type=module', '-e', script, ...args], { cwd: new URL('.', import.meta.url), encoding: 'utf8', env, timeout: 60_000 }).trim().split('\n').at(-1));
    } catch (e) {
      reject(e);
    }
  });
}
