// Gatehouse beside npm's decap-server (git mode) over the same repository, in
// one run, with raw git as the floor. Prints ratios; the milliseconds are only
// there to make the ratios checkable and mean nothing from machine to machine.
//
//   node test/bench/bench.mjs [entries …]     default: 1000 10000
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, path, post } from './repository.mjs';
import { client, freePort, median, peakMemory, repeat, start, time } from './measure.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const binary = join(here, '../../bin/gatehouse');
const password = 'bench-password-of-mine';

async function gatehouse(dir, bare) {
  const port = await freePort();
  const file = join(dir, 'gatehouse.yaml');
  writeFileSync(file, `url: http://127.0.0.1:${port}\nlisten: 127.0.0.1:${port}\ndata: ./data\nsites:\n  - name: bench\n    backend: {name: git-gateway, repo: ${bare}, branch: main}\n`);
  execFileSync(binary, ['users', 'add', 'bench@example.org', '--name', 'Bench', '--operator', '--password-stdin', '--config', file], { input: password, stdio: ['pipe', 'ignore', 'inherit'] });
  const server = await start(binary, ['serve', '--config', file], { port });
  const r = await fetch(`http://127.0.0.1:${port}/.netlify/identity/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'password', username: 'bench@example.org', password }) });
  const { access_token: token } = await r.json();
  return { ...server, api: client(`http://127.0.0.1:${port}/api/v1`, { Authorization: `Bearer ${token}` }) };
}

async function decapServer(tree) {
  const port = await freePort();
  const server = await start('node', [join(here, '../node_modules/decap-server/dist/index.js')], { port, cwd: tree, env: { PORT: String(port), MODE: 'git', GIT_REPO_DIRECTORY: tree, LOG_LEVEL: 'error' } });
  return { ...server, api: client(`http://127.0.0.1:${port}/api/v1`) };
}

const folder = { folder: 'content/posts', extension: 'md', depth: 1 };
const options = { collectionName: 'posts', commitMessage: 'Update Post', status: 'draft', useWorkflow: false };
const file = (i, mark) => ({ slug: `post-${String(i).padStart(5, '0')}`, path: path(i), raw: `${post(i)}\n${mark}\n` });

// story measures one server: milliseconds per step, requests, peak memory.
async function story(server, n) {
  const { api } = server;
  const m = {};
  let list;
  [m['list, cold'], list] = await time(() => api.call('entriesByFolder', folder));
  if (list.length !== n) throw new Error(`listed ${list.length} of ${n}`);
  m['list, unchanged'] = await repeat(5, () => api.call('entriesByFolder', folder));
  m.open = await repeat(50, (i) => api.call('getEntry', { path: path(i * 13 % n) }));
  m.save = await repeat(20, (i) => api.call('persistEntry', { dataFiles: [file(i, 'saved')], assets: [], options }));
  const drafts = [];
  for (let i = 0; i < 10; i++) {
    const f = file(100 + i, 'drafted');
    drafts.push(f.slug);
    await api.call('persistEntry', { dataFiles: [f], assets: [], options: { ...options, useWorkflow: true } });
  }
  [m['board of 10 drafts']] = await time(async () => {
    for (const id of await api.call('unpublishedEntries')) {
      const d = await api.call('unpublishedEntry', { id });
      for (const x of d.diffs) await api.call('unpublishedEntryDataFile', { collection: d.collection, slug: d.slug, path: x.path, id: x.id });
    }
  });
  const published = [];
  for (const slug of drafts) published.push((await time(() => api.call('publishUnpublishedEntry', { collection: 'posts', slug })))[0]);
  m.publish = median(published);
  return { m, requests: api.requests, memory: peakMemory(server.pid) };
}

// floors are the same work by raw git: reading every blob of the folder (and
// encoding it as JSON), and one commit by fast-import with everything synced.
async function floors(bare, n) {
  const read = () => new Promise((resolve) => {
    const ids = execFileSync('git', ['-C', bare, 'ls-tree', 'main', 'content/posts/'], { maxBuffer: 1 << 28 }).toString().trim().split('\n').map((l) => l.split(/\s+/)[2]);
    const cat = spawn('git', ['-C', bare, 'cat-file', '--batch'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const chunks = [];
    cat.stdout.on('data', (c) => chunks.push(c));
    cat.on('close', () => resolve(Buffer.concat(chunks)));
    cat.stdin.end(`${ids.join('\n')}\n`);
  });
  const catFile = await repeat(3, read);
  const entries = Array.from({ length: n }, (_, i) => ({ data: post(i), file: { path: path(i), id: '' } }));
  const json = await repeat(3, async () => JSON.stringify(entries));
  const save = await repeat(20, async (i) => {
    const text = `${post(i)}\nfloor ${i}\n`;
    const head = execFileSync('git', ['-C', bare, 'rev-parse', 'main']).toString().trim();
    execFileSync('git', ['-c', 'core.fsync=all', '-C', bare, 'fast-import', '--quiet'], { input: `commit refs/heads/main\ncommitter Bench <bench@example.org> ${1760000000 + i} +0000\ndata 5\nfloor\nfrom ${head}\nM 100644 inline ${path(i)}\ndata ${Buffer.byteLength(text)}\n${text}\n` });
  });
  return { catFile, json, save };
}

const f1 = (x) => x.toFixed(1).padStart(10);
const times = (x) => `${x.toFixed(2)}×`.padStart(9);

for (const n of process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1000, 10000]) {
  const dir = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  try {
    console.log(`\n${n} entries`);
    const { bare, tree } = await build(dir, n);
    const floor = await floors(bare, n);
    execFileSync('git', ['-C', bare, 'update-ref', 'refs/heads/main', execFileSync('git', ['-C', tree, 'rev-parse', 'HEAD']).toString().trim()]);
    const ours = await gatehouse(dir, bare);
    const a = await story(ours, n).finally(ours.stop);
    const theirs = await decapServer(tree);
    const b = await story(theirs, n).finally(theirs.stop);
    console.log('                       Gatehouse  decap-server   we are faster by');
    for (const k of Object.keys(a.m)) console.log(`  ${k.padEnd(20)}${f1(a.m[k])} ${f1(b.m[k])} ms  ${times(b.m[k] / a.m[k])}`);
    console.log(`  ${'requests'.padEnd(20)}${f1(a.requests)} ${f1(b.requests)}`);
    console.log(`  ${'peak memory'.padEnd(20)}${f1(a.memory)} ${f1(b.memory)} MB ${times(b.memory / a.memory)}`);
    console.log(`  list, cold, against git cat-file --batch plus JSON:   ${times(a.m['list, cold'] / (floor.catFile + floor.json))} of the floor (${floor.catFile.toFixed(0)} + ${floor.json.toFixed(0)} ms)`);
    console.log(`  save, against git fast-import with the same fsync:    ${times(a.m.save / floor.save)} of the floor (${floor.save.toFixed(1)} ms)`);
    execFileSync('git', ['-C', bare, 'fsck', '--strict', '--no-dangling'], { stdio: ['ignore', 'ignore', 'inherit'] });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
