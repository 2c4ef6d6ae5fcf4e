// People who call the content API with an identity token, as scripts and other
// pages do, and what git says of what they did.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { password } from '../../browser/lib/server.mjs';

/** The path of a post by its slug. */
export const postPath = (slug) => `content/posts/${slug}.md`;

/** A whole post. Its title tells it from every other. */
export const text = (title, body = 'Words.') => `---\ntitle: ${title}\ndate: 2026-01-01T10:00:00.000Z\n---\n${body}\n`;

/** The id that git gives to a file's content. */
export const blobId = (data) => createHash('sha1').update(`blob ${Buffer.byteLength(data)}\0`).update(data).digest('hex');

/** One session of one person at one site. */
export class Client {
  constructor(root, email, token) {
    Object.assign(this, { root, email, token });
  }

  /** Signs in. A session outlives the server, and so does the client. */
  static async signIn(server, site, email) {
    const root = `${server.url}/s/${site}`;
    const res = await fetch(`${root}/.netlify/identity/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'password', username: email, password }) });
    assert.equal(res.status, 200, `${email} signs in: ${res.status}`);
    return new Client(root, email, (await res.json()).access_token);
  }

  /**
   * Asks for an action.
   *
   * @returns {Promise<{status: number, body: any}>} status 0: no answer came, so that nobody knows what happened
   */
  async ask(action, params = {}, signal) {
    try {
      const res = await fetch(`${this.root}/api/v1`, {
        method: 'POST', signal, body: JSON.stringify({ branch: 'main', action, params }),
        headers: { Authorization: `Bearer ${this.token}`, 'Content-Type': 'application/json' },
      });
      return { status: res.status, body: await res.json() };
    } catch {
      return { status: 0, body: {} };
    }
  }

  /** Asks for an action that must succeed, and gives its answer. */
  async must(action, params) {
    const { status, body } = await this.ask(action, params);
    assert.equal(status, 200, `${action} ${JSON.stringify(params ?? {}).slice(0, 120)}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  async open(path) {
    return this.must('getEntry', { path });
  }

  async drafts() {
    return this.must('unpublishedEntries');
  }
}

/** The parameters of persistEntry for one post. */
export function entry(slug, raw, { draft = false, base, fresh = false, assets = [] } = {}) {
  return {
    dataFiles: [{ path: postPath(slug), slug, raw, ...(base === undefined ? {} : { base }) }],
    assets,
    options: { collectionName: 'posts', commitMessage: `Save ${slug}`, useWorkflow: draft, status: 'draft', newEntry: fresh },
  };
}

export const draftOf = (slug) => ({ collection: 'posts', slug });

/** Who wrote which content on any of the revisions: a Set of "email blob path". */
export function written(repository, ...revs) {
  const found = new Set();
  let author = '';
  for (const line of repository.git('log', '--raw', '--no-abbrev', '--no-renames', '--format=%ae', ...revs).split('\n')) {
    if (line.startsWith(':')) {
      const [, , , blob, rest] = line.split(' ');
      found.add(`${author} ${blob} ${rest.slice(rest.indexOf('\t') + 1)}`);
    } else if (line) author = line;
  }
  return found;
}

/** Makes sure that a content is in history, and who wrote it there. */
export function assertWritten(found, client, slug, raw) {
  assert.ok(found.has(`${client.email} ${blobId(raw)} ${postPath(slug)}`), `lost: ${client.email} saved ${slug} and was told so:\n${raw}`);
}
