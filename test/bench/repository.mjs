// Sample repositories for the benchmark: N posts, a config.yml, one commit per
// hundred posts, made by one git fast-import.
import { spawn, execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const words = 'meadow river bridge lantern harvest orchard window kettle morning gravel thistle heron willow copper market bell garden letter ferry stone'.split(' ');

// sentence is plain prose of about n words, the same for the same seed.
function sentence(seed, n) {
  let x = seed * 2654435761 % 4294967296;
  const out = [];
  for (let i = 0; i < n; i++) {
    x = (x * 1664525 + 1013904223) % 4294967296;
    out.push(words[x % words.length]);
  }
  return out.join(' ');
}

// post is the text of post number i: about 2 KB.
export function post(i) {
  return `---\ntitle: Post number ${i}\ndate: 2026-0${1 + i % 9}-1${i % 10}T08:00:00Z\ntags: [${words[i % 20]}, ${words[(i + 7) % 20]}]\n---\n\n`
    + Array.from({ length: 6 }, (_, k) => sentence(i * 7 + k + 1, 48) + '.\n').join('\n');
}

export const path = (i) => `content/posts/post-${String(i).padStart(5, '0')}.md`;

const config = `backend:\n  name: git-gateway\n  branch: main\npublish_mode: editorial_workflow\nmedia_folder: static/uploads\npublic_folder: /uploads\ncollections:\n  - name: posts\n    label: Posts\n    label_singular: Post\n    folder: content/posts\n    create: true\n    fields:\n      - {name: title, label: Title, widget: string}\n      - {name: date, label: Date, widget: datetime}\n      - {name: tags, label: Tags, widget: list}\n      - {name: body, label: Body, widget: markdown}\n`;

// build makes a bare repository with n posts and a work tree cloned from it.
export async function build(dir, n) {
  mkdirSync(dir, { recursive: true });
  const bare = join(dir, 'site.git');
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', bare]);
  const importer = spawn('git', ['-C', bare, 'fast-import', '--quiet'], { stdio: ['pipe', 'inherit', 'inherit'] });
  const put = (s) => importer.stdin.write(s);
  const data = (s) => `data ${Buffer.byteLength(s)}\n${s}\n`;
  const who = (k) => `Writer ${k % 5} <writer${k % 5}@example.org> ${1750000000 + k * 3600} +0000`;
  for (let k = 0; k * 100 < n || k === 0; k++) {
    put(`commit refs/heads/main\nauthor ${who(k)}\ncommitter ${who(k)}\n${data(`Add posts, part ${k}`)}`);
    if (k === 0) put(`M 100644 inline static/admin/config.yml\n${data(config)}`);
    for (let i = k * 100; i < Math.min(n, k * 100 + 100); i++) put(`M 100644 inline ${path(i)}\n${data(post(i))}`);
  }
  importer.stdin.end();
  await new Promise((resolve, reject) => importer.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`fast-import: ${code}`)))));
  const tree = join(dir, 'tree');
  execFileSync('git', ['clone', '-q', bare, tree]);
  for (const [k, v] of [['user.name', 'Bench'], ['user.email', 'bench@example.org'], ['gc.auto', '0']]) execFileSync('git', ['-C', tree, 'config', k, v]);
  return { bare, tree };
}
