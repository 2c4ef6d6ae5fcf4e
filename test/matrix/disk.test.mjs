// What reaches the disk, and what happens when the disk takes no more.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { picture, posts, simpleConfig } from '../browser/lib/content.mjs';
import { binary, start } from '../browser/lib/server.mjs';
import { Client, draftOf, entry, postPath, text } from './lib/client.mjs';

const people = [{ email: 'ada@example.org', name: 'Ada Writer', operator: true }];
const sites = { blog: { files: { 'admin/config.yml': simpleConfig(), ...posts(5) } } };
const works = (command, ...args) => { try { execFileSync(command, args, { stdio: 'ignore' }); return true; } catch { return false; } };

const locks = (dir) => readdirSync(dir, { recursive: true }).filter((f) => f.endsWith('.lock'));

const strace = works('strace', '-f', '-o', '/dev/null', 'true');

// A killed process proves nothing about a power cut: the kernel still has what it
// wrote. So the calls are counted. What must be on disk before a save may be
// acknowledged is each new object (blobs, trees, commits: git rev-list counts
// them), and each move of a ref (one for a published save; a draft's branch,
// change request and sequence). Then, so that their names are there too, the
// folders: of objects before the ref moves, of the ref after it.
test('a count of fsyncs', { skip: strace ? false : 'strace is not here, or may not trace: apt-get install strace' }, async (t) => {
  let trace;
  const under = ['strace', '-D', '-f', '-qq', '-y', '-e', 'trace=fsync,fdatasync', '-e', 'signal=none', '-o'];
  const server = await start({ sites, people, under, prepare: (dir) => { trace = join(dir, 'trace'); under.push(trace); } });
  try {
    const repo = server.repositories.blog;
    const before = repo.git('rev-parse', 'main').trim();
    const ada = await Client.signIn(server, 'blog', people[0].email);
    const published = 10;
    const drafts = 5;
    for (let i = 0; i < published; i++) await ada.must('persistEntry', entry(`new-${i}`, text(`New ${i}`), { fresh: true }));
    for (let i = 0; i < drafts; i++) await ada.must('persistEntry', entry(`draft-${i}`, text(`Draft ${i}`), { draft: true, fresh: true }));
    server.signal('SIGTERM');
    assert.equal(await server.ended, 0);
    const objects = repo.git('rev-list', '--objects', '--all', '--not', before).split('\n').filter(Boolean).length;
    const lines = readFileSync(trace, 'utf8').split('\n');
    assert.deepEqual(lines.filter((l) => /= -1/.test(l)), [], 'none fails');
    const synced = lines.map((l) => /f(?:data)?sync\(\d+<([^>]*)>/.exec(l)?.[1]).filter((f) => f?.startsWith(`${repo.dir}/`)).map((f) => f.slice(repo.dir.length + 1));
    const count = (pattern) => synced.filter((f) => pattern.test(f)).length;
    const counts = {
      objects: count(/^objects\/..\/tmp_obj_/), objectFolders: count(/^objects\/..$/),
      main: count(/^refs\/heads\/main\.lock$/), drafts: count(/^refs\/heads\/cms\/posts\/.*\.lock$/),
      requests: count(/^refs\/gatehouse\/requests\/.*\.lock$/), refFolders: count(/^refs\/heads$/),
    };
    t.diagnostic(`${published} published saves and ${drafts} drafts made ${objects} objects; synced: ${JSON.stringify(counts)}`);
    assert.ok(counts.objects >= objects, 'each object');
    assert.ok(counts.objectFolders >= published + drafts, 'the folders that got objects, in each save');
    assert.ok(counts.main >= published, 'each move of the branch');
    assert.ok(counts.drafts >= drafts && counts.requests >= drafts, 'each draft, and its change request');
    assert.ok(counts.refFolders >= published, 'the folder of the branch');
  } finally {
    await server.stop();
  }
});

/** Puts a small disk in a directory's place; the answer fills it, and takes it away. */
function smallDisk(dir, size) {
  renameSync(dir, `${dir}.before`);
  mkdirSync(dir);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'gatehouse-test', dir]);
  cpSync(`${dir}.before`, dir, { recursive: true });
  const filler = join(dir, 'filler');
  return {
    /** Leaves so many pages of 4 kB. */
    fill(pages) {
      rmSync(filler, { force: true });
      const file = openSync(filler, 'w');
      const page = Buffer.alloc(4096);
      let written = 0;
      try {
        for (;;) written += writeSync(file, page);
      } catch (err) {
        assert.equal(err.code, 'ENOSPC');
      }
      closeSync(file);
      truncateSync(filler, Math.max(0, written - pages * 4096));
    },
    free: () => rmSync(filler, { force: true }),
    remove: () => execFileSync('umount', [dir]),
  };
}

const mounts = works('unshare', '-m', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'gatehouse-test', '/mnt');
const needsMount = { skip: mounts ? false : 'a small disk can only be mounted by root' };

test('a full disk under the repository: it is said, nothing is lost, and then it goes on', needsMount, async () => {
  let disk;
  const server = await start({ sites, people, prepare: (dir) => { disk = smallDisk(join(dir, 'blog.git'), '2m'); } });
  try {
    const repo = server.repositories.blog;
    const ada = await Client.signIn(server, 'blog', people[0].email);
    const assets = [{ path: 'static/uploads/a.png', content: picture.toString('base64'), encoding: 'base64' }];
    await ada.must('persistEntry', entry('waiting', text('A draft that waits'), { draft: true, fresh: true }));
    const refs = () => repo.git('for-each-ref');
    const attempts = {
      'a published save': ['persistEntry', (n) => entry('post-01', text(`Published ${n}`))],
      'a draft': ['persistEntry', (n) => entry(`draft-${n}`, text(`Draft ${n}`), { draft: true, fresh: true, assets })],
      'a status': ['updateUnpublishedEntryStatus', (n) => ({ ...draftOf('waiting'), newStatus: n % 2 ? 'pending_publish' : 'pending_review' })],
      publishing: ['publishUnpublishedEntry', () => draftOf('waiting')],
    };
    await ada.open(postPath('post-01'));
    let refused = 0;
    for (const [what, [action, params]] of Object.entries(attempts)) {
      for (let pages = 0, done = false; !done; pages += pages < 6 ? 1 : 6) { // as many times as it takes to get through
        assert.ok(pages < 120, `${what} is never done`);
        disk.fill(pages);
        const before = refs();
        const { status, body } = await ada.ask(action, params(pages));
        if (status === 200) { done = true; continue; }
        refused++;
        assert.equal(status, 503, `${what}, ${pages} pages left: ${status} ${JSON.stringify(body)}`);
        assert.match(body.error, /disk is full/, `${what}, ${pages} pages left`);
        if (what !== 'a draft') assert.equal(refs(), before, `${what}, ${pages} pages left`);
        repo.fsck();
        assert.deepEqual(locks(repo.dir), [], `${what}, ${pages} pages left`);
      }
    }
    disk.free();
    assert.ok(refused >= 8, `${refused} were refused`);
    assert.equal(repo.read(postPath('waiting')), text('A draft that waits'));
    await ada.must('persistEntry', entry('post-01', text('After the disk was full')));
    await ada.must('persistEntry', entry('draft-0', text('Draft 0'), { draft: true, fresh: true, assets }));
    assert.equal(repo.read(postPath('post-01')), text('After the disk was full'));
    for (const id of await ada.drafts()) await ada.must('unpublishedEntry', { id });
    repo.fsck();
  } finally {
    server.signal('SIGTERM');
    await server.ended;
    disk.remove();
    await server.stop();
  }
});

test('a full disk under the database: nothing that was saved is lost, and sessions stay', needsMount, async () => {
  let disk;
  const server = await start({ sites, people, prepare: (dir) => { disk = smallDisk(join(dir, 'data'), '4m'); } });
  try {
    const repo = server.repositories.blog;
    const ada = await Client.signIn(server, 'blog', people[0].email);
    await ada.open(postPath('post-01'));
    disk.fill(0);
    let raw, answer;
    for (let i = 0; answer?.status !== 503; i++) { // the log of the database has some room left at first
      assert.ok(i < 60, 'a full disk is noticed');
      raw = text(`Save ${i} on a full disk`);
      answer = await ada.ask('persistEntry', entry('post-01', raw));
      if (answer.status === 200) assert.equal(repo.read(postPath('post-01')), raw);
    }
    assert.match(answer.body.error, /disk of the database is full/);
    disk.free();
    await ada.must('session');
    await ada.must('persistEntry', entry('post-01', raw)); // the same save once more, as the CMS still holds it
    await ada.must('persistEntry', entry('post-01', text('After the disk was full')));
    assert.equal(repo.read(postPath('post-01')), text('After the disk was full'));
    await server.restart();
    await ada.must('session');
    repo.fsck();
  } finally {
    server.signal('SIGTERM');
    await server.ended;
    disk.remove();
    await server.stop();
  }
});

// Root may write everywhere, so the server is somebody else then.
const root = process.getuid?.() === 0;
const nobody = 65534;
const asNobody = root ? { uid: nobody, gid: nobody } : {};
const runs = !root || works('setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', binary, 'version');

test('a repository that may not be written to', { skip: runs ? false : `the user ${nobody} cannot run ${binary}` }, async () => {
  const server = await start({ sites, people, as: asNobody, prepare: (dir) => { if (root) execFileSync('chown', ['-R', `${nobody}:${nobody}`, dir]); } });
  try {
    const repo = server.repositories.blog;
    const ada = await Client.signIn(server, 'blog', people[0].email);
    await ada.open(postPath('post-01'));
    await ada.must('persistEntry', entry('waiting', text('A draft that waits'), { draft: true, fresh: true }));
    const inside = [repo.dir, ...readdirSync(repo.dir, { recursive: true }).map((f) => join(repo.dir, f))].filter((f) => statSync(f).isDirectory());
    const parts = {
      all: inside,
      objects: inside.filter((d) => d.startsWith(join(repo.dir, 'objects'))),
      'refs of branches': inside.filter((d) => d.startsWith(join(repo.dir, 'refs/heads'))),
      'refs of drafts': inside.filter((d) => d.startsWith(join(repo.dir, 'refs/gatehouse'))),
    };
    let n = 0;
    for (const [what, dirs] of Object.entries(parts)) {
      const refs = repo.git('for-each-ref');
      for (const dir of dirs) chmodSync(dir, 0o555);
      try {
        const answers = {
          save: await ada.ask('persistEntry', entry('post-01', text(`Published ${++n}`))),
          draft: await ada.ask('persistEntry', entry('waiting', text(`Draft ${n}`), { draft: true })),
          publish: await ada.ask('publishUnpublishedEntry', draftOf('waiting')),
        };
        if (what === 'refs of drafts') { delete answers.save; delete answers.draft; }
        for (const [name, { status, body }] of Object.entries(answers)) {
          assert.equal(status, 422, `${name} without ${what}: ${JSON.stringify(body)}`);
          assert.match(body.error, /may not write into its repository.*nothing was saved.*blog\.git writable/, `${name} without ${what}`);
        }
        if (what !== 'refs of drafts') assert.equal(repo.git('for-each-ref'), refs);
        assert.equal((await ada.must('unpublishedEntry', { id: 'posts/waiting' })).slug, 'waiting', 'reading goes on');
      } finally {
        for (const dir of dirs) chmodSync(dir, 0o755);
      }
      repo.fsck();
    }
    await ada.must('persistEntry', entry('post-01', text('Published at last')));
    await ada.must('persistEntry', entry('waiting', text('Draft at last'), { draft: true }));
    await ada.must('publishUnpublishedEntry', draftOf('waiting'));
    assert.equal(repo.read(postPath('post-01')), text('Published at last'));
    assert.equal(repo.read(postPath('waiting')), text('Draft at last'));
    repo.fsck();
  } finally {
    await server.stop();
    assert.ok(!existsSync(server.dir));
  }
});
