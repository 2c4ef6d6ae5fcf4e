// Fetches the CMS bundles that bundles.txt locks and writes them, compressed,
// to web/cms/<name>-<version>/, from where the Go build embeds them.
//
//   node web/bundles.mjs            fetch what is missing or out of date
//   node web/bundles.mjs --force    write everything anew
//
// Only compressed files are written (.br and .gz): the originals would triple
// the binary, and every browser reads one of the two. Tarballs and compressed
// files are kept by hash in $XDG_CACHE_HOME/gatehouse/bundles, so that another
// clone, or a second run, needs neither the network nor the minute that
// brotli's best quality takes.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, 'cms');
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'gatehouse', 'bundles');
const run = promisify(execFile);

// What is taken from each tarball. Source maps, the same code under its old
// name (cms.js) and the sources stay behind; licence texts come along.
const wanted = {
  'decap-cms': /^dist\/((\d+\.)?decap-cms\.js|decap-cms\.js\.LICENSE\.txt|[0-9a-f]+\.wasm)$|^LICENSE/,
  'netlify-cms': /^dist\/netlify-cms\.js$|^LICENSE/,
};

// Raised by one when the layout of web/cms/ changes, so that old stamps count as stale.
const layout = 1;

const encoders = {
  br: (data) => promisify(brotliCompress)(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: data.length } }),
  gz: (data) => promisify(gzip)(data, { level: 9 }),
};

/** The lines of bundles.txt as [{name, version, hash}]. */
async function lock() {
  const lines = (await readFile(join(here, 'bundles.txt'), 'utf8')).split('\n').map((l) => l.trim()).filter((l) => l && !l.startsWith('#'));
  return lines.map((line) => {
    const [name, version, hash, ...rest] = line.split(/\s+/);
    if (!wanted[name] || !version || !/^sha512-/.test(hash ?? '') || rest.length) throw new Error(`bundles.txt: cannot read "${line}"`);
    return { name, version, hash };
  });
}

const digest = (algorithm, data, encoding) => createHash(algorithm).update(data).digest(encoding);
const present = (file) => readFile(file).catch(() => null);

/** Writes a file so that a reader, or a run beside this one, never sees half of it. */
async function place(file, data) {
  await mkdir(dirname(file), { recursive: true });
  const half = `${file}.${process.pid}.tmp`;
  await writeFile(half, data);
  await rename(half, file);
}

/** The tarball of a bundle: from the cache, else from npm; with the locked hash or not at all. */
async function tarball({ name, version, hash }) {
  const kept = join(cache, `${name}-${version}.tgz`);
  const matches = (data) => data && `sha512-${digest('sha512', data, 'base64')}` === hash;
  let data = await present(kept);
  if (matches(data)) return data;
  console.log(`${name} ${version}: fetching`);
  const dir = await mkdtemp(join(tmpdir(), 'gatehouse-bundle-'));
  try {
    await run('npm', ['pack', '--silent', '--pack-destination', dir, `${name}@${version}`], { cwd: dir }).catch((err) => {
      if (err.code === 'ENOENT') throw new Error('npm is missing: install Node.js 20 or later (apt-get install nodejs npm, or brew install node)');
      throw new Error(`npm pack ${name}@${version} failed: ${err.stderr || err.message}`);
    });
    const [file] = await readdir(dir);
    data = await readFile(join(dir, file));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  if (!matches(data)) throw new Error(`${name} ${version}: the tarball's hash is not the one in bundles.txt; nothing was written`);
  await place(kept, data);
  return data;
}

/** The wanted files of a tarball as [[name, data]]; npm's leading "package/" and "dist/" are taken off. */
async function unpack(name, data) {
  const dir = await mkdtemp(join(tmpdir(), 'gatehouse-unpack-'));
  try {
    await writeFile(join(dir, 'bundle.tgz'), data);
    await run('tar', ['-xzf', 'bundle.tgz', '--exclude=*.map'], { cwd: dir });
    const root = join(dir, 'package');
    const all = await readdir(root, { recursive: true, withFileTypes: true });
    const names = all.filter((e) => e.isFile()).map((e) => relative(root, join(e.parentPath ?? e.path, e.name))).filter((n) => wanted[name].test(n)).sort();
    return Promise.all(names.map(async (n) => [n.replace(/^dist\//, ''), await readFile(join(root, n))]));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** One file in one encoding, from the cache when these bytes were compressed before. */
async function compressed(data, encoding) {
  const kept = join(cache, `${digest('sha256', data, 'hex')}.${encoding}`);
  const found = await present(kept);
  if (found) return found;
  const made = await encoders[encoding](data);
  await place(kept, made);
  return made;
}

/** Brings web/cms/<name>-<version>/ up to date. */
async function install(bundle, force) {
  const dir = join(target, `${bundle.name}-${bundle.version}`);
  const stamp = `${bundle.hash} layout ${layout}\n`;
  if (!force && String(await present(join(dir, '.stamp'))) === stamp) return console.log(`${bundle.name} ${bundle.version}: up to date`);
  const files = await unpack(bundle.name, await tarball(bundle));
  console.log(`${bundle.name} ${bundle.version}: compressing ${files.length} files`);
  const half = `${dir}.${process.pid}.tmp`;
  await rm(half, { recursive: true, force: true });
  let total = 0;
  await Promise.all(files.flatMap(([name, data]) => Object.keys(encoders).map(async (encoding) => {
    const made = await compressed(data, encoding);
    if (encoding === 'br') total += made.length;
    await place(join(half, `${name}.${encoding}`), made);
  })));
  await writeFile(join(half, '.stamp'), stamp);
  await rm(dir, { recursive: true, force: true });
  await rename(half, dir);
  console.log(`${bundle.name} ${bundle.version}: ready, ${(total / 1e6).toFixed(1)} MB in brotli`);
}

/** Removes what bundles.txt no longer names, so that it is not embedded. */
async function sweep(bundles) {
  const keep = new Set(['.gitkeep', ...bundles.map((b) => `${b.name}-${b.version}`)]);
  for (const name of await readdir(target)) if (!keep.has(name)) await rm(join(target, name), { recursive: true });
}

try {
  const bundles = await lock();
  await mkdir(target, { recursive: true });
  await sweep(bundles);
  for (const bundle of bundles) await install(bundle, process.argv.includes('--force'));
} catch (err) {
  console.error(`bundles: ${err.message}`);
  process.exitCode = 1;
}
