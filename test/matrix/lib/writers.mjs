// Editors who save one thing after the other until no answer comes any more.
// Each knows what was acknowledged, and what may or may not have happened.
import assert from 'node:assert/strict';
import { picture } from '../../browser/lib/content.mjs';
import { assertWritten, blobId, draftOf, entry, postPath, text, written } from './client.mjs';

/** Where everything is at one moment: by git, and by the list of drafts. */
class State {
  constructor(repository, drafts) {
    this.drafts = new Set(drafts);
    this.branches = new Map();
    for (const branch of ['main', ...repository.drafts()]) {
      this.branches.set(branch, new Map(repository.git('ls-tree', '-r', '-z', branch).split('\0').filter(Boolean).map((line) => {
        const [head, path] = line.split('\t');
        return [path, head.split(' ')[2]];
      })));
    }
  }

  /** The blob id of a post. */
  post(slug, branch = 'main') { return this.branches.get(branch)?.get(postPath(slug)); }
}

class Writer {
  /** @param name tells this writer's posts from all others */
  constructor(client, name) {
    Object.assign(this, { client, name, count: 0, acknowledged: [], pending: undefined });
  }

  /**
   * One request. While its outcome is unknown it stays pending, and is sent
   * again by the next call: as a person would press the button again.
   *
   * @returns {Promise<boolean>} whether there was an answer
   */
  async step(signal) {
    const again = this.pending !== undefined;
    this.pending ??= this.next();
    const { action, params, raw, slug } = this.pending;
    const { status, body } = await this.client.ask(action, params, signal);
    if (status === 0) return false;
    // What was published by the request without an answer is published, or about to be.
    const published = again && action === 'publishUnpublishedEntry' && (status === 404 || (status === 409 && /merged already/.test(body.error)));
    assert.ok(status === 200 || published, `${this.name}: ${action}${again ? ', again' : ''}: ${status} ${JSON.stringify(body)}`);
    if (raw) this.acknowledged.push({ slug, raw });
    const was = this.pending;
    this.pending = undefined;
    this.answered(was, body);
    return true;
  }

  async untilSilence(heard) {
    while (await this.step()) heard();
  }

  /** All that was acknowledged is in history, by whom it was, and nothing is half done. */
  check(found, state) {
    for (const { slug, raw } of this.acknowledged) assertWritten(found, this.client, slug, raw);
    this.checkState(state);
  }

  /** What a post may be now: the last that was acknowledged, or what is pending. */
  assertNewest(got, slug) {
    const may = [this.acknowledged.findLast((a) => a.slug === slug)?.raw];
    if (this.pending?.slug === slug) may.push(this.pending.raw);
    assert.ok(may.some((raw) => got === (raw && blobId(raw))), `${this.name}: ${slug} is ${got} and should be\n${may.join('\nor\n')}`);
  }
}

/** Saves one published post again and again. */
export class Direct extends Writer {
  /** @param bases whether the client names the version that it had */
  constructor(client, name, bases) {
    super(client, name);
    this.slug = name;
    this.bases = bases;
    this.base = '';
  }

  next() {
    const raw = text(`${this.name}, save ${this.count++}`);
    return { action: 'persistEntry', params: entry(this.slug, raw, { base: this.bases ? this.base : undefined, fresh: this.count === 1 }), raw, slug: this.slug };
  }

  answered(_, { bases }) {
    this.base = bases[postPath(this.slug)];
  }

  checkState(state) {
    this.assertNewest(state.post(this.slug), this.slug);
  }
}

const steps = ['begin', 'change', 'ready', 'publish'];

/** Begins a draft with a picture, changes it, takes it to Ready, publishes it, and begins another. */
export class Drafting extends Writer {
  constructor(client, name) {
    super(client, name);
    this.at = 0;
    this.published = [];
  }

  get slug() { return `${this.name}-${this.count}`; }

  next() {
    const { slug } = this;
    switch (steps[this.at]) {
      case 'begin': {
        const raw = text(`${slug}, begun`);
        this.assets = [{ path: `static/uploads/${slug}.png`, content: Buffer.concat([picture, Buffer.from(slug)]).toString('base64'), encoding: 'base64' }];
        return { action: 'persistEntry', params: entry(slug, raw, { draft: true, fresh: true, assets: this.assets }), raw, slug };
      }
      case 'change': {
        const raw = text(`${slug}, changed`);
        return { action: 'persistEntry', params: entry(slug, raw, { draft: true, assets: this.assets }), raw, slug };
      }
      case 'ready': return { action: 'updateUnpublishedEntryStatus', params: { ...draftOf(slug), newStatus: 'pending_publish' } };
      default: return { action: 'publishUnpublishedEntry', params: draftOf(slug) };
    }
  }

  answered() {
    this.at = (this.at + 1) % steps.length;
    if (this.at !== 0) return;
    this.published.push(this.slug);
    this.count++;
  }

  checkState(state) {
    for (const slug of this.published) this.checkPublished(state, slug);
    const { slug, at } = this;
    if (at === 0) return; // not even its beginning was acknowledged
    if (steps[at] === 'publish' && this.pending && state.post(slug)) {
      this.checkPublished(state, slug);
      return;
    }
    this.assertNewest(state.post(slug, `cms/posts/${slug}`), slug);
    assert.ok(state.drafts.has(`posts/${slug}`), `${slug} is a draft`);
    assert.equal(state.post(slug), undefined, `${slug} is not published`);
  }

  /** All of it happened: the text and the picture are on the site, and the draft is gone. */
  checkPublished(state, slug) {
    assert.equal(state.post(slug), blobId(text(`${slug}, changed`)));
    assert.ok(state.branches.get('main').has(`static/uploads/${slug}.png`));
    assert.ok(!state.drafts.has(`posts/${slug}`), `${slug} is no draft any more`);
    assert.ok(!state.branches.has(`cms/posts/${slug}`));
  }
}

/** What git and the CMS say of the work of all writers. */
export async function checkAll(repository, writers) {
  repository.fsck();
  const [{ client }] = writers;
  const drafts = await client.drafts();
  const found = written(repository, '--branches');
  const state = new State(repository, drafts);
  for (const w of writers) w.check(found, state);
  for (const id of drafts) await client.must('unpublishedEntry', { id });
}

/** Lets everybody save until the server ends, at a random point after a few answers. */
export async function stream(writers, end, answers) {
  let until = 5 + Math.floor(Math.random() * answers);
  let ending;
  await Promise.all(writers.map((w) => w.untilSilence(() => {
    if (--until === 0) ending = new Promise((resolve) => { setTimeout(resolve, Math.random() * 25); }).then(end);
  })));
  await ending;
}
