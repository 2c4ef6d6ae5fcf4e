// What the server does when it is told to end, or to read its configuration anew.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { posts, simpleConfig } from '../browser/lib/content.mjs';
import { start } from '../browser/lib/server.mjs';
import { Client, entry, postPath, text } from './lib/client.mjs';
import { Direct, Drafting, checkAll } from './lib/writers.mjs';

const people = [{ email: 'ada@example.org', name: 'Ada Writer', operator: true }];
let server, repo, ada;

before(async () => {
  server = await start({ sites: { blog: { files: { 'admin/config.yml': simpleConfig(), ...posts(5) } } }, people });
  repo = server.repositories.blog;
  ada = await Client.signIn(server, 'blog', people[0].email);
});

after(() => server?.stop());

/** Waits until the log says something more often than before. */
async function logged(pattern, before = 0) {
  for (let left = 200; left > 0; left--) {
    if ((server.log().match(pattern) ?? []).length > before) return;
    await new Promise((resolve) => { setTimeout(resolve, 25); });
  }
  assert.fail(`the log does not say ${pattern}:\n${server.log()}`);
}

/** A save whose text is sent only when release is called; the server has begun with it before. */
async function slowSave(slug, raw) {
  const body = JSON.stringify({ branch: 'main', action: 'persistEntry', params: entry(slug, raw) });
  const req = http.request(`${ada.root}/api/v1`, {
    method: 'POST', agent: false,
    headers: { Authorization: `Bearer ${ada.token}`, Expect: '100-continue', 'Content-Length': Buffer.byteLength(body) },
  });
  const answered = once(req, 'response').then(async ([res]) => {
    let answer = '';
    for await (const part of res) answer += part;
    return { status: res.statusCode, answer };
  });
  req.flushHeaders();
  await once(req, 'continue'); // the server reads the body now: it knows who is asking
  return { release: () => { req.end(body); return answered; } };
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal} during a save: it is answered, and it is there`, async () => {
    await ada.open(postPath('post-01'));
    const raw = text(`Saved while the server got ${signal}`);
    const save = await slowSave('post-01', raw);
    const before = (server.log().match(/msg=stopping/g) ?? []).length;
    server.signal(signal);
    await logged(/msg=stopping/g, before);
    const late = await ada.ask('session');
    assert.equal(late.status, 0, 'nobody else is let in');
    const { status, answer } = await save.release();
    assert.equal(status, 200, answer);
    assert.equal(await server.ended, 0, 'the server ends in order');
    assert.equal(repo.read(postPath('post-01')), raw);
    repo.fsck();
    await server.restart();
    assert.equal((await ada.open(postPath('post-01'))).data, raw);
  });
}

test('SIGTERM during a stream of saves: all that was acknowledged is there', async () => {
  const writers = [new Direct(ada, 'term-a', true), new Direct(ada, 'term-b', false), new Drafting(ada, 'term-c'), new Drafting(ada, 'term-d')];
  for (let round = 0; round < 3; round++) {
    let until = 10 + Math.floor(Math.random() * 15);
    await Promise.all(writers.map((w) => w.untilSilence(() => { if (--until === 0) server.signal('SIGTERM'); })));
    assert.equal(await server.ended, 0);
    await server.restart();
    await checkAll(repo, writers);
  }
});

test('SIGHUP with a broken file keeps the former configuration', async () => {
  const good = readFileSync(server.config, 'utf8');
  const broken = {
    'no YAML': ['sites: [', /not reloaded/],
    'an empty file': ['', /not reloaded/],
    'an unknown key': [good.replace('sites:', 'sits: yes\nsites:'), /sits/],
    'a repository that is not there': [good.replaceAll('blog.git', 'gone.git'), /gone\.git/],
    'another address': [good.replace(/^listen: .*$/m, 'listen: 127.0.0.1:1'), /listen/],
  };
  for (const [name, [yaml, says]] of Object.entries(broken)) {
    const from = server.log().length;
    const before = (server.log().match(/not reloaded/g) ?? []).length;
    writeFileSync(server.config, yaml);
    server.signal('SIGHUP');
    await logged(/not reloaded/g, before);
    assert.match(server.log().slice(from), says, `${name} is explained`);
    const raw = text(`Saved after ${name}`);
    await ada.must('persistEntry', entry('post-02', raw));
    assert.equal(repo.read(postPath('post-02')), raw);
  }
  writeFileSync(server.config, good.replace('title: The blog', 'title: Another title'));
  server.signal('SIGHUP');
  await logged(/msg="reloaded the configuration"/g);
  assert.equal((await ada.must('session')).site.title, 'Another title');
});

test('SIGHUP during a stream of saves disturbs none', async () => {
  const writers = [new Direct(ada, 'hup-a', true), new Direct(ada, 'hup-b', false), new Drafting(ada, 'hup-c'), new Drafting(ada, 'hup-d')];
  await Promise.all(writers.map(async (w, n) => {
    for (let i = 0; i < 16; i++) {
      assert.ok(await w.step(), `${w.name} is answered`);
      if (n === 0 && i % 4 === 2) server.signal('SIGHUP');
    }
  }));
  await checkAll(repo, writers);
});
