// A repository with a work tree, in which a developer sees the site: what
// editors save shows in its files. The server is killed in the middle of that.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { after, before, test } from 'node:test';
import { posts, simpleConfig } from '../browser/lib/content.mjs';
import { start } from '../browser/lib/server.mjs';
import { Client } from './lib/client.mjs';
import { Direct, Drafting, checkAll, stream } from './lib/writers.mjs';

const people = [{ email: 'ada@example.org', name: 'Ada Writer', operator: true }];
let server, repo, ada;

before(async () => {
  server = await start({ sites: { blog: { files: { 'admin/config.yml': simpleConfig(), ...posts(20) }, worktree: true } }, people });
  repo = server.repositories.blog;
  ada = await Client.signIn(server, 'blog', people[0].email);
});

after(() => server?.stop());

const status = () => execFileSync('git', ['status', '--porcelain'], { cwd: dirname(repo.dir), encoding: 'utf8' });

test('kill -9 during a stream of saves into a work tree', async () => {
  const writers = [new Direct(ada, 'tree-a', true), new Direct(ada, 'tree-b', false), new Drafting(ada, 'tree-c'), new Drafting(ada, 'tree-d')];
  for (let round = 0; round < 8; round++) {
    await stream(writers, () => server.kill(), 20);
    await server.restart();
    await checkAll(repo, writers);
    for (const w of writers) assert.ok(await w.step(), `${w.name} goes on`);
    assert.equal(status(), '', 'the files are what the branch says');
  }
});
