// A real gatehouse for one test file: its own directory, repositories, people
// and port. Everything is gone after stop().
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const binary = process.env.GATEHOUSE_BIN ?? join(dirname(fileURLToPath(import.meta.url)), '../../../bin/gatehouse');
export const password = 'a long enough password 1';

const seeder = { GIT_AUTHOR_NAME: 'Sam Seeder', GIT_AUTHOR_EMAIL: 'sam@example.org', GIT_COMMITTER_NAME: 'Sam Seeder', GIT_COMMITTER_EMAIL: 'sam@example.org', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A bare repository, looked at with git itself. */
export class Repository {
  constructor(dir) {
    this.dir = dir;
  }

  git(...args) {
    return execFileSync('git', ['--git-dir', this.dir, ...args], { encoding: 'utf8', env: { ...process.env, ...seeder }, stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 });
  }

  /** Makes the repository with one commit of files ({path: text or Buffer}). */
  static create(dir, files) {
    execFileSync('git', ['init', '-q', '--bare', '-b', 'main', dir]);
    const repository = new Repository(dir);
    repository.commit(files, 'Begin', '2024-01-01T00:00:00Z');
    return repository;
  }

  /** A commit as somebody with git would push it. Null removes a path. */
  commit(files, message, date = new Date().toISOString()) {
    const tree = mkdtempSync(join(tmpdir(), 'gatehouse-tree-'));
    try {
      const env = { ...process.env, ...seeder, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
      const git = (...args) => execFileSync('git', args, { cwd: tree, env, stdio: ['ignore', 'pipe', 'pipe'] });
      execFileSync('git', ['clone', '-q', this.dir, '.'], { cwd: tree, env, stdio: ['ignore', 'ignore', 'ignore'] });
      for (const [path, data] of Object.entries(files)) {
        if (data === null) { git('rm', '-q', path); continue; }
        mkdirSync(dirname(join(tree, path)), { recursive: true });
        writeFileSync(join(tree, path), data);
      }
      git('add', '-A');
      git('commit', '-q', '-m', message);
      git('push', '-q', 'origin', 'HEAD:main');
    } finally {
      rmSync(tree, { recursive: true, force: true });
    }
  }

  /** The text of a file; undefined when there is none. */
  read(path, rev = 'main') {
    try {
      return this.git('cat-file', 'blob', `${rev}:${path}`);
    } catch {
      return undefined;
    }
  }

  files(rev = 'main') {
    return this.git('ls-tree', '-r', '--name-only', '-z', rev).split('\0').filter(Boolean);
  }

  /** The newest commit of a branch: {author, email, subject, paths}. */
  last(rev = 'main') {
    const [author, email, subject] = this.git('log', '-1', '--format=%an%n%ae%n%s', rev).split('\n');
    const paths = this.git('diff-tree', '-r', '-m', '--first-parent', '--root', '--no-commit-id', '--name-only', rev).split('\n').filter(Boolean);
    return { author, email, subject, paths };
  }

  drafts() {
    return this.git('for-each-ref', '--format=%(refname:short)', 'refs/heads/cms/').split('\n').filter(Boolean);
  }

  /** The commits that the branches are at. */
  tips() {
    return this.git('for-each-ref', '--format=%(objectname)', 'refs/heads/').split('\n').filter(Boolean);
  }

  /** The e-mail addresses of who wrote what the branches gained since they were at tips. */
  authors(tips) {
    return [...new Set(this.git('log', '--branches', '--format=%ae', '--not', ...tips).split('\n').filter(Boolean))].sort();
  }

  /** Git's own opinion of the whole repository; throws when anything is wrong. */
  fsck() {
    this.git('fsck', '--full', '--strict');
  }
}

/**
 * Starts gatehouse.
 *
 * @param {object} o
 * @param {{[name: string]: {files?: object, bundle?: string, worktree?: boolean, backend?: string, more?: string}}} o.sites
 *   worktree: the repository has one, which is brought along; more: further YAML lines of the site;
 *   backend: instead of files, YAML of a backend at a host
 * @param {string} [o.yaml] further YAML lines of the file
 * @param {string} [o.host] the name of the server's host, of this machine
 * @param {number} [o.port] the port, where something has to know it before
 * @param {{email: string, name: string, site?: string, role?: string, operator?: boolean}[]} o.people
 * @param {string[]} [o.under] a command that runs the server, such as strace with its options
 * @param {object} [o.as] options for spawn: {uid, gid, env}
 * @param {(dir: string) => void} [o.prepare] is called when all is there but no server
 */
export async function start({ sites, people = [], yaml: top = '', host = '127.0.0.1', port, under = [], as = {}, prepare }) {
  const dir = mkdtempSync(join(tmpdir(), 'gatehouse-browser-'));
  port ??= await freePort();
  const url = `http://${host}:${port}`;
  const repositories = {};
  let yaml = `url: ${url}\nlisten: 127.0.0.1:${port}\ndata: ./data\n${top}sites:\n`;
  for (const [name, { files, bundle, worktree, backend, more = '' }] of Object.entries(sites)) {
    if (backend) {
      yaml += `  - name: ${name}\n    title: The ${name}\n    backend: ${backend}\n${more}`;
      continue;
    }
    const bare = join(dir, `${name}.git`);
    const tree = join(dir, name);
    repositories[name] = Repository.create(bare, files);
    if (worktree) {
      execFileSync('git', ['clone', '-q', bare, tree]);
      repositories[name] = new Repository(join(tree, '.git'));
    }
    yaml += `  - name: ${name}\n    title: The ${name}\n    backend: {name: git-gateway, repo: ${worktree ? tree : bare}, branch: main}\n`;
    if (worktree) yaml += '    worktree: update\n';
    if (bundle) yaml += `    admin: {bundle: ${bundle}}\n`;
    yaml += more;
  }
  const config = join(dir, 'gatehouse.yaml');
  writeFileSync(config, yaml);

  const run = (args, input) => execFileSync(binary, [...args, '--config', config], { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
  for (const { email, name, site, role, operator } of people) {
    const rights = operator ? ['--operator'] : ['--site', site, '--role', role];
    run(['users', 'add', email, '--name', name, ...rights, '--password-stdin'], password);
  }

  prepare?.(dir);
  let log = '';
  let child, ended;
  const launch = async () => {
    const [command, ...args] = [...under, binary, 'serve', '--config', config];
    child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...as });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { log += data; });
    ended = once(child, 'close').then(([code, signal]) => code ?? signal);
    await ready(`${url}/readyz`, child, () => log);
  };
  const end = async (signal) => {
    child.kill(signal);
    return ended;
  };
  await launch();

  return {
    url, dir, config, repositories, run, log: () => log,
    /** The process that was spawned; with under, the command around the server. */
    get pid() { return child.pid; },
    /** How the server ended: its exit code, or the signal that ended it. */
    get ended() { return ended; },
    signal(name) { child.kill(name); },
    /** Ends the server without a chance to tidy up. */
    kill: () => end('SIGKILL'),
    /** Starts the server again on what it left, at the same address. It is ended first if it runs. */
    async restart() {
      if (child.exitCode === null && child.signalCode === null) await end('SIGTERM');
      await launch();
    },
    async stop() {
      await end('SIGTERM');
      if (process.env.GATEHOUSE_KEEP) console.log(`kept ${dir}\n${log}`);
      else rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Waits until the server answers; there is nothing to wait on but the answer itself. */
async function ready(url, child, log) {
  for (let left = 300; left > 0; left--) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`gatehouse ended before it was ready:\n${log()}`);
    if (await fetch(url).then((r) => r.ok, () => false)) return;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  child.kill('SIGKILL');
  throw new Error(`gatehouse is not ready after 15 s:\n${log()}`);
}
