// The processes of the machine, as Linux lists them.
import { readFileSync, readdirSync } from 'node:fs';

const read = (file) => { try { return readFileSync(file, 'utf8'); } catch { return ''; } };

export const linux = process.platform === 'linux';

function all() {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
}

/** The process and everything that it started, and so on. */
export function family(pid) {
  const parents = new Map(all().map((p) => [p, Number(/^PPid:\s+(\d+)$/m.exec(read(`/proc/${p}/status`))?.[1])]));
  const found = [pid];
  for (const parent of found) for (const [p, of] of parents) if (of === parent) found.push(p);
  return found;
}

/** Ends a process and everything that it started at one moment, as when a container is killed. */
export function killFamily(pid) {
  const stop = (signal) => family(pid).forEach((p) => { try { process.kill(p, signal); } catch { /* it has ended */ } });
  stop('SIGSTOP');
  stop('SIGKILL');
}

/** The processes whose command line or environment names a directory. */
export function using(dir) {
  return all().filter((p) => p !== process.pid && (read(`/proc/${p}/environ`) + read(`/proc/${p}/cmdline`)).includes(dir));
}
