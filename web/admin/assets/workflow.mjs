// Drafts. The board asks for the list of drafts, then for each draft, then for
// each file of each draft; one call brings all of it, and the rest is answered
// from here. A text is kept under its blob id, so that it cannot be out of date:
// who asks names the version.

import { asFile } from './media.mjs';

export class Workflow {
  /**
   * @param {import('./client.mjs').Client} client
   * @param {import('./bases.mjs').Bases} bases
   * @param {() => Promise<never>} notInWorkflow rejects with the CMS's own error
   */
  constructor(client, bases, notInWorkflow) {
    Object.assign(this, { client, bases, notInWorkflow });
    this.changed();
  }

  /** What is known of drafts may be wrong from now on. */
  changed() {
    this.board = new Map(); // drafts by "collection/slug"
    this.texts = new Map(); // texts by blob id
    this.opened ??= new Set(); // drafts that an editor, not the board, asked for
    this.binaries ??= new Set(); // blob ids, which never change their meaning
  }

  async ids() {
    const { drafts } = await this.client.call('drafts');
    this.changed();
    for (const draft of drafts) {
      this.board.set(`${draft.collection}/${draft.slug}`, this.translated(draft));
      for (const { base, data } of draft.diffs) if (data !== undefined) this.texts.set(base, data);
    }
    return [...this.board.keys()];
  }

  /** @param {{id?: string, collection?: string, slug?: string}} name id: for the board; else for an editor, and fresh */
  async draft({ id, collection, slug }) {
    const key = id ?? `${collection}/${slug}`;
    if (id) this.opened.delete(key);
    if (id && this.board.has(id)) return this.board.get(id);
    // Most entries have no draft: a 404 would be an error in the browser's
    // console, and nothing is wrong.
    const draft = await this.client.call('unpublishedEntry', { ...(id ? { id } : { collection, slug }), optional: true });
    if (!draft) return this.notInWorkflow();
    if (!id) this.opened.add(key);
    return this.translated(draft);
  }

  /** The text of one file; id is the version that the draft named, "" for a translation that the draft leaves alone. */
  async text(collection, slug, path, id) {
    let [data, base] = [this.texts.get(id), id];
    if (data === undefined) ({ data, base } = await this.client.call('unpublishedEntryDataFile', { collection, slug, path }));
    if (this.opened.has(`${collection}/${slug}`)) await this.bases.opened(path, base);
    return data;
  }

  /** A file of a draft that is not an entry's text. Pictures may be kept by the browser. */
  async file(collection, slug, path, id) {
    if (this.binaries.has(id)) return this.client.file(id, path);
    return asFile(await this.client.call('unpublishedEntryMediaFile', { collection, slug, path }));
  }

  /** The server names a diff's version "base"; the CMS calls it the id and hands it back. */
  translated(draft) {
    for (const { base, binary } of draft.diffs) if (binary) this.binaries.add(base);
    return { ...draft, diffs: draft.diffs.map(({ base, path, newFile }) => ({ id: base, path, newFile })) };
  }
}
