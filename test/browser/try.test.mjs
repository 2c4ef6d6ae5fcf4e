// The trial of the demo: the editor without an account, on test-repo. What is
// written stays in the page; the server never hears of it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { launch, open, shot } from './lib/browser.mjs';
import { Editor } from './lib/editor.mjs';

const binary = process.env.GATEHOUSE_BIN ?? join(dirname(fileURLToPath(import.meta.url)), '../../bin/gatehouse');
let dir, demo, url, browser;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'gatehouse-try-'));
  demo = spawn(binary, ['demo', '--json', '--addr', '127.0.0.1:0', '--dir', dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: demo.stdout }), 'line');
  ({ url } = JSON.parse(line));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  if (demo?.exitCode === null) {
    demo.kill('SIGTERM');
    await once(demo, 'exit');
  }
  rmSync(dir, { recursive: true, force: true });
});

test('write and publish in the trial; after a reload it is gone, and the server heard nothing', async () => {
  const me = await open(browser);
  const writes = [];
  me.page.on('request', (r) => { if (r.method() !== 'GET') writes.push(`${r.method()} ${r.url()}`); });
  try {
    await me.page.goto(new URL('try/', `${url}/`).href);
    await me.page.getByRole('button', { name: 'Login' }).click();
    const editor = new Editor(me.page, me.page.url());
    await editor.rows('posts').first().waitFor();
    await shot(me.page, 'try-list');
    const slug = (await editor.rows('posts').first().getAttribute('href')).split('/').pop();
    await editor.edit('posts', decodeURIComponent(slug));
    const before = await editor.field('title').inputValue();
    await editor.field('title').fill('Only in this page');
    await editor.save();
    await editor.status('Draft', 'Ready');
    await editor.publish();
    await editor.list('posts');
    await me.page.getByText('Only in this page').first().waitFor();
    await me.page.reload();
    await me.page.getByRole('button', { name: 'Login' }).click().catch(() => {});
    await me.page.getByText(before).first().waitFor();
    assert.equal(await me.page.getByText('Only in this page').count(), 0);
    assert.deepEqual(writes, []);
    me.clean();
  } catch (err) {
    await shot(me.page, 'failed-try').catch(() => {});
    throw err;
  } finally {
    await me.context.close();
  }
});
