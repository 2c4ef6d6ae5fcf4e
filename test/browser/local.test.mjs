// The door on a laptop: an unmodified CMS whose config.yml says
// "local_backend: true", against `gatehouse serve --local` and against npm's
// decap-server. The same person does the same things; then the two directories
// are compared.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { after, test } from 'node:test';
import { launch, open } from './lib/browser.mjs';
import { picture, posts, simpleConfig } from './lib/content.mjs';
import { Editor } from './lib/editor.mjs';
import { binary, freePort } from './lib/server.mjs';

const bundles = join(dirname(fileURLToPath(import.meta.url)), '../../web/cms');
const decapServer = createRequire(import.meta.url).resolve('decap-server/dist/index.js');
const git = (dir, ...args) => execFileSync('git', ['-C', dir, ...args], { encoding: 'utf8', env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' }, stdio: ['ignore', 'pipe', 'ignore'] });

/** A developer's site, with the CMS beside the content. */
function site(mode, { repository = true } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'gatehouse-laptop-'));
  const config = `${simpleConfig(mode)}`.replace('backend:', 'local_backend: true\nbackend:');
  for (const [path, data] of Object.entries({ 'admin/config.yml': config, '.gitignore': 'build/\n', 'build/out.html': 'x', 'static/uploads/old.png': picture, ...posts(3) })) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), data);
  }
  if (!repository) return dir;
  git(dir, 'init', '-q', '-b', 'main');
  git(dir, 'config', 'user.name', 'Dev Eloper');
  git(dir, 'config', 'user.email', 'dev@example.org');
  git(dir, 'add', '-A');
  git(dir, 'commit', '-q', '-m', 'Begin');
  return dir;
}

/** Every file that git does not hide, with its content. */
function files(dir) {
  const out = {};
  for (const e of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const path = relative(dir, join(e.parentPath ?? e.path, e.name));
    if (e.isFile() && !/^\.git\//.test(path)) out[path] = readFileSync(join(dir, path), 'latin1');
  }
  return out;
}

/** What a static site generator's development server does: serves the admin page. */
async function devServer(dir) {
  const page = '<!doctype html><meta charset="utf-8"><title>CMS</title><link rel="icon" href="data:,"><body><script src="decap-cms.js"></script>';
  const name = readdirSync(bundles).find((d) => d.startsWith('decap-cms'));
  const server = createServer((req, res) => {
    const path = new URL(req.url, 'http://localhost').pathname;
    if (path === '/admin/') return res.setHeader('Content-Type', 'text/html').end(page);
    if (path === '/admin/config.yml') return res.setHeader('Content-Type', 'text/yaml').end(readFileSync(join(dir, 'admin/config.yml')));
    if (path === '/admin/decap-cms.js') return res.setHeader('Content-Type', 'text/javascript').end(gunzipSync(readFileSync(join(bundles, name, 'decap-cms.js.gz'))));
    return res.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://localhost:${server.address().port}/admin/`, stop: () => { server.closeAllConnections(); server.close(); } };
}

const servers = {
  gatehouse: (dir, port) => spawn(binary, ['serve', '--local', dir, '--port', String(port)], { stdio: 'ignore' }),
  'decap-server': (dir, port, mode) => spawn('node', [decapServer], { cwd: dir, stdio: 'ignore', env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', PORT: String(port), MODE: mode, GIT_REPO_DIRECTORY: dir, BIND_HOST: '127.0.0.1', LOG_LEVEL: 'error' } }),
};

/** Runs a story against one of the servers, in a browser in which its port is 8081. */
async function on(name, dir, mode, story) {
  const port = await freePort();
  const child = servers[name](dir, port, mode);
  const ended = once(child, 'exit');
  const dev = await devServer(dir);
  const browser = await launch([`--host-resolver-rules=MAP localhost:8081 127.0.0.1:${port}`]);
  try {
    for (let left = 200; !await fetch(`http://127.0.0.1:${port}/api/v1`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"action":"info"}' }).then((r) => r.ok, () => false);) {
      if (!left-- || child.exitCode !== null) throw new Error(`${name} does not answer`);
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
    const me = await open(browser);
    await me.page.goto(dev.url);
    await me.page.getByRole('button', { name: 'Login' }).click();
    const editor = new Editor(me.page, dev.url);
    await editor.rows('posts').nth(2).waitFor();
    await story(editor, me, port);
  } finally {
    await browser.close();
    dev.stop();
    child.kill('SIGTERM');
    await ended;
  }
}

/** Without a workflow: a new post with a picture, a changed one, a deleted one. */
async function simple(editor, me) {
  await editor.create('posts');
  await editor.field('title').fill('Written at home');
  await editor.write('Some words.');
  await editor.upload('Kitchen Table.png', picture);
  await editor.publish();
  await editor.edit('posts', 'post-02');
  await editor.field('title').fill('A better title');
  await editor.publish();
  await editor.edit('posts', 'post-03');
  await me.page.getByRole('button', { name: 'Delete entry' }).click();
  await me.page.waitForURL(/#\/collections\/posts$/);
}

const dirs = [];
const made = (dir) => { dirs.push(dir); return dir; };

after(() => dirs.forEach((d) => rmSync(d, { recursive: true, force: true })));

test('without a workflow, the directory is left as decap-server leaves it', async () => {
  const [ours, theirs] = [made(site('simple')), made(site('simple'))];
  await on('gatehouse', ours, 'fs', simple);
  await on('decap-server', theirs, 'fs', simple);
  const status = git(ours, 'status', '--porcelain', '-uall');
  assert.equal(status, git(theirs, 'status', '--porcelain', '-uall'));
  assert.equal(status, ' M content/posts/post-02.md\n D content/posts/post-03.md\n?? content/posts/written-at-home.md\n?? static/uploads/kitchen-table.png\n');
  assert.deepEqual(files(ours), files(theirs));
  assert.equal(git(ours, 'log', '--format=%s'), 'Begin\n', 'nothing is committed');
});

test('without Git, the directory is left as decap-server leaves it', async () => {
  const [ours, theirs] = [made(site('simple', { repository: false })), made(site('simple', { repository: false }))];
  await on('gatehouse', ours, 'fs', simple);
  await on('decap-server', theirs, 'fs', simple);
  assert.deepEqual(files(ours), files(theirs));
});

test('with a workflow, drafts are branches and publishing writes the files', async () => {
  const branch = 'cms/posts/slowly-written';
  const drafting = (dir) => async (editor, me) => {
    await editor.create('posts');
    await editor.field('title').fill('Slowly written');
    await editor.write('A first version.');
    await editor.upload('Kitchen Table.png', picture);
    await editor.save();
    assert.equal(git(dir, 'status', '--porcelain'), '', 'a draft leaves the work tree alone');
    assert.equal(git(dir, 'symbolic-ref', '--short', 'HEAD'), 'main\n');
    assert.match(git(dir, 'show', `${branch}:content/posts/slowly-written.md`), /A first version/);
    await editor.go('#/workflow');
    await me.page.locator('[draggable="true"]').filter({ hasText: 'Slowly written' }).waitFor();
    await editor.edit('posts', 'slowly-written');
    await editor.status('Draft', 'Ready');
    await editor.publish();
  };
  const [ours, theirs] = [made(site('editorial_workflow')), made(site('editorial_workflow'))];
  await on('gatehouse', ours, 'git', drafting(ours));
  await on('decap-server', theirs, 'git', drafting(theirs));
  assert.deepEqual(files(ours), files(theirs));
  assert.equal(git(ours, 'status', '--porcelain', '-uall'), '?? content/posts/slowly-written.md\n?? static/uploads/kitchen-table.png\n', 'published files wait for the developer to commit them');
  for (const dir of [ours, theirs]) assert.equal(git(dir, 'for-each-ref', 'refs/heads/cms'), '');
  git(ours, 'fsck', '--strict');
});

test('a page from elsewhere cannot write to the disk', async () => {
  const dir = made(site('simple'));
  await on('gatehouse', dir, 'fs', async (_, __, port) => {
    const ask = (headers) => new Promise((resolve, reject) => {
      const body = JSON.stringify({ action: 'deleteFiles', params: { branch: 'main', paths: ['content/posts/post-01.md'], options: { commitMessage: 'm' } } });
      import('node:http').then(({ request }) => {
        const r = request({ host: '127.0.0.1', port, path: '/api/v1', method: 'POST', headers: { 'Content-Type': 'application/json', ...headers } }, (res) => { res.resume(); resolve(res.statusCode); });
        r.on('error', reject);
        r.end(body);
      });
    });
    assert.equal(await ask({ Host: 'evil.example' }), 403, 'a name that was rebound to this machine');
    assert.equal(await ask({ Origin: 'https://evil.example' }), 403);
    assert.equal(await ask({ Origin: 'null' }), 403);
    assert.equal(git(dir, 'status', '--porcelain'), '');
  });
});
