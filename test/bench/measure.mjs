// Small tools of the benchmark: medians, peak memory, processes, one client for
// the proxy protocol that both servers speak.
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';

export const median = (xs) => [...xs].sort((a, b) => a - b)[Math.floor(xs.length / 2)];

export async function time(f) {
  const t = performance.now();
  const value = await f();
  return [performance.now() - t, value];
}

export async function repeat(n, f) {
  const times = [];
  for (let i = 0; i < n; i++) times.push((await time(() => f(i)))[0]);
  return median(times);
}

export function freePort() {
  return new Promise((resolve) => {
    const s = createServer().listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

// peakMemory is the sum of the high-water marks of a process and its children,
// in MB. Linux only; elsewhere NaN.
export function peakMemory(pid) {
  const one = (p) => {
    try {
      return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${p}/status`, 'utf8'))[1]) / 1024;
    } catch {
      return NaN;
    }
  };
  let sum = one(pid);
  try {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      const children = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(/\s+/).filter(Boolean);
      for (const c of children) sum += one(c);
    }
  } catch { /* not Linux */ }
  return sum;
}

// start runs a server and waits until its port answers.
export async function start(command, args, { port, env = {}, cwd } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stdout.on('data', (d) => { log += d; });
  child.stderr.on('data', (d) => { log += d; });
  const deadline = Date.now() + 30_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${command} ended:\n${log}`);
    try {
      await fetch(`http://127.0.0.1:${port}/`);
      break;
    } catch {
      if (Date.now() > deadline) throw new Error(`${command} does not answer:\n${log}`);
      await new Promise((r) => setTimeout(r, 20));
    }
  }
  return {
    pid: child.pid,
    stop: () => new Promise((resolve) => {
      child.on('close', resolve);
      child.kill('SIGTERM');
    }),
  };
}

// client calls one server's endpoint and counts its requests.
export function client(url, headers = {}) {
  const c = {
    requests: 0,
    async call(action, params = {}) {
      c.requests++;
      const r = await fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers },
        body: JSON.stringify({ branch: 'main', action, params: { branch: 'main', ...params } }),
      });
      const answer = await r.json();
      if (!r.ok) throw new Error(`${action}: ${r.status} ${JSON.stringify(answer)}`);
      return answer;
    },
  };
  return c;
}
