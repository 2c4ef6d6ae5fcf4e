// A CMS page that is not ours: an unmodified bundle and a config.yml on an origin
// of its own, as a static site would serve them, and the practice hosts.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const embedded = join(here, '../../../web/cms');
const sveltia = join(here, '../../node_modules/@sveltia/cms/dist');

/** The three bundles that people use. */
export const bundles = ['decap-cms', 'netlify-cms', 'sveltia-cms'];

function script(bundle, file) {
  if (bundle === 'sveltia-cms') {
    const path = join(sveltia, file);
    return existsSync(path) ? readFileSync(path) : undefined;
  }
  const dir = readdirSync(embedded).find((d) => d.startsWith(bundle));
  const path = join(embedded, dir, `${file}.gz`);
  return existsSync(path) ? gunzipSync(readFileSync(path)) : undefined;
}

const html = (bundle) => `<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>CMS</title><link rel="icon" href="data:,">
<body>${bundle && `<script src="${bundle}.js"></script>`}`;

/**
 * Serves a CMS page at {origin}/admin/ on a free port.
 *
 * @param {string} bundle one of bundles; empty: a page without one
 * @param {(origin: string) => string} config makes config.yml
 * @param {object} [o]
 * @param {string} [o.address] the loopback address, part of the origin
 * @param {string} [o.host] another name for it in the origin, such as localhost
 * @param {{[name: string]: string}} [o.headers] more headers of the page
 */
export async function cmsPage(bundle, config, { address = '127.0.0.1', host = address, headers = {}, port = 0 } = {}) {
  const files = new Map();
  const server = createServer((request, response) => {
    const path = new URL(request.url, 'http://x').pathname;
    const file = path.startsWith('/admin/') ? path.slice('/admin/'.length) : undefined;
    if (file === '') return response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', ...headers }).end(html(bundle));
    if (file === 'config.yml') return response.writeHead(200, { 'content-type': 'text/yaml', 'cache-control': 'no-store' }).end(config(origin));
    if (file && !files.has(file)) files.set(file, /^[\w.@/-]+\.m?js$/.test(file) && !file.includes('..') ? script(bundle, file) : undefined);
    if (!files.get(file)) return response.writeHead(404, { 'content-type': 'text/html' }).end('<!doctype html><title>Not here</title>Not here.');
    return response.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8' }).end(files.get(file));
  });
  await listen(server, port, address);
  const origin = `http://${host}:${server.address().port}`;
  return {
    origin,
    url: `${origin}/admin/`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Listens at a port, which somebody's outgoing connection may have for a moment. */
async function listen(server, port, address) {
  for (let left = 100; ; left--) {
    try {
      await once(server.listen(port, address), 'listening');
      return;
    } catch (err) {
      if (err.code !== 'EADDRINUSE' || left === 0) throw err;
      await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
  }
}

/** Notes every message that the page gets, with who sent it. Call before the page is opened. */
export async function recordMessages(page) {
  await page.addInitScript(() => {
    globalThis.heard = [];
    globalThis.addEventListener('message', (e) => {
      if (e.source !== globalThis) globalThis.heard.push({ data: e.data, origin: e.origin });
    }, true);
  });
  return () => page.evaluate(() => globalThis.heard);
}

let built = process.env.GATEHOUSE_PRACTICE;

function practiceBinary() {
  if (!built) {
    built = join(mkdtempSync(join(tmpdir(), 'gatehouse-practice-')), 'practice');
    execFileSync('go', ['build', '-o', built, './test/fakes/serve'], { cwd: join(here, '../../..'), stdio: ['ignore', 'inherit', 'inherit'] });
    process.on('exit', () => rmSync(dirname(built), { recursive: true, force: true }));
  }
  return built;
}

/** Starts the practice hosts; answers what they print, with control and stop. */
export async function practice(redirects, args = []) {
  const dir = mkdtempSync(join(tmpdir(), 'gatehouse-hosts-'));
  const child = spawn(practiceBinary(), ['--control', '--dir', dir, ...redirects.flatMap((r) => ['--redirect', r]), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, 'line').then(([line]) => line), ended.then(() => { throw new Error('the practice hosts did not start'); })]);
  const hosts = JSON.parse(first);
  return {
    hosts, dir,
    /** Sets what a host does wrong on purpose. */
    async faults(kind, faults) {
      const r = await fetch(`${hosts[kind].url}/-/control`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ faults }) });
      if (!r.ok) throw new Error(`faults of ${kind}: ${r.status} ${await r.text()}`);
    },
    /** Tells a host to do something: {expire_all: true}, {forget: true}, … */
    async order(kind, what) {
      const r = await fetch(`${hosts[kind].url}/-/control`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(what) });
      if (!r.ok) throw new Error(`an order to ${kind}: ${r.status} ${await r.text()}`);
      return r.json();
    },
    /** What happened at a host. */
    record: (kind) => fetch(`${hosts[kind].url}/-/control`).then((r) => r.json()),
    async stop() {
      child.stdin.end();
      child.kill('SIGTERM');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
