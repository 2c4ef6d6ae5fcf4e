// The CMS's backend, as it expects one: a class whose methods it calls with its
// own shapes. Each method here is a translation into one action of the content
// API. It runs on the unmodified bundles of decap-cms 3 and netlify-cms 2.10.
//
// The CMS constructs its backend twice (once to ask isGitBackend), so nothing is
// set up in the constructor; what has state is made once, in boot.mjs.

import { ApiError } from './client.mjs';
import { conflictDialog } from './dialog.mjs';
import { asAsset, asDraftMedia, asMedia } from './media.mjs';
import { position, target } from './cursor.mjs';
import { asUser, forget } from './session.mjs';

/** A file that is not there yet opens as an empty one; JSON has no empty text. */
function orBlank(entry) {
  return { ...entry, data: entry.data ?? (entry.file.path.endsWith('.json') ? '{}' : '') };
}

export class Backend {
  /**
   * @param {object} config the site's config.yml
   * @param {object} options the CMS's: {useWorkflow, initialWorkflowStatus}
   * @param {object} parts {client, bases, workflow, cursors, page, door, greet}: see boot.mjs
   */
  constructor(config, options, parts) {
    Object.assign(this, { config, options }, parts);
  }

  // Who is there.

  isGitBackend() {
    return true; // entries have an author and a date to sort by
  }

  authComponent() {
    return this.door;
  }

  /** @param {object} user what the door found out, so that it need not be asked again */
  async authenticate(user) {
    const known = user?.name ? user : asUser(await this.client.call('session', {}, { quiet: true }));
    this.greet(known);
    return known;
  }

  async restoreUser(user) {
    // Any rejection makes the CMS forget its user: a network that is down must not.
    return this.authenticate().catch((error) => {
      if (error.status === 401) throw error;
      return user;
    });
  }

  async getToken() {
    return 'cookie'; // the real one cannot be read by any script
  }

  /** The CMS asks every five minutes. An ended session is no alarm: the next save asks to sign in. */
  async status() {
    const reachable = await this.client.call('session', {}, { quiet: true }).then(() => true, (error) => error.status > 0 && error.status < 500);
    return { auth: { status: true }, api: { status: reachable, statusPage: '' } };
  }

  async logout() {
    const { page } = this;
    page.leaving = true; // the CMS shows the door again meanwhile
    await forget(page.scope).catch(() => {}); // private windows may refuse; there is nothing kept there either
    await fetch(page.logout, { method: 'POST', credentials: 'same-origin' }).catch(() => {});
    location.assign(page.login);
  }

  // Reading.

  async listing(query, number) {
    const answer = await this.client.call('entriesPage', { ...query, page: number });
    const kit = await this.cursors;
    return { entries: answer.entries, kit, cursor: kit?.create(position(answer, query)) };
  }

  async entriesByFolder(folder, extension, depth) {
    // Without a Cursor class to borrow there are no pages, so everything comes at once.
    if (!(await this.cursors)) return this.allEntriesByFolder(folder, extension, depth);
    const { entries, kit, cursor } = await this.listing({ folder, extension, depth }, 1);
    entries[kit.symbol] = cursor;
    return entries;
  }

  async traverseCursor(cursor, action) {
    const { page, pages, ...query } = cursor.data.toObject();
    const { entries, cursor: next } = await this.listing(query, target(action, { page, pages }));
    return { entries, cursor: next };
  }

  async allEntriesByFolder(folder, extension, depth, pathRegex) {
    const entries = await this.client.call('entriesByFolder', { folder, extension, depth, meta: true });
    return pathRegex ? entries.filter((entry) => pathRegex.test(entry.file.path)) : entries;
  }

  async entriesByFiles(files) {
    const list = files.map(({ path, label }) => ({ path, label }));
    const entries = list.length ? await this.client.call('entriesByFiles', { files: list }) : [];
    return entries.map(orBlank);
  }

  async getEntry(path) {
    const entry = await this.client.call('getEntry', { path });
    await this.bases.opened(path, entry.base);
    return orBlank(entry);
  }

  // Media.

  async getMedia(folder = this.config.media_folder) {
    const files = await this.client.call('mediaList', { folder });
    return files.map((file) => asMedia(file, this.page.root));
  }

  async getMediaFile(path) {
    return asMedia(await this.client.call('getMediaFile', { path, inline: false }), this.page.root);
  }

  async getMediaDisplayURL(displayURL) {
    return typeof displayURL === 'string' ? displayURL : displayURL.url;
  }

  async persistMedia(asset, { commitMessage }) {
    const file = await this.client.call('persistMedia', { asset: await asAsset(asset), options: { commitMessage }, inline: false });
    return asMedia(file, this.page.root);
  }

  async deleteFiles(paths, commitMessage) {
    await this.client.call('deleteFiles', { paths: [].concat(paths), options: { commitMessage } });
    for (const path of [].concat(paths)) this.bases.set(path, ''); // unpublishing writes it again, as a draft
  }

  deleteFile(path, commitMessage) {
    return this.deleteFiles([path], commitMessage); // the name in older 2.10
  }

  // Writing.

  async persistEntry({ dataFiles, assets }, options) {
    const files = dataFiles.map((file) => ({ ...file, base: this.bases.get(file.path) }));
    const params = {
      dataFiles: files,
      assets: await Promise.all((assets ?? []).map(asAsset)),
      options: { ...options, status: options.status || this.options.initialWorkflowStatus || 'draft' },
    };
    this.workflow.changed();
    const answer = await this.client.call('persistEntry', params).catch((error) => this.refused(error, dataFiles, options));
    for (const { path, newPath } of dataFiles) if (newPath) this.bases.set(path, '');
    for (const [path, base] of Object.entries(answer.bases ?? {})) this.bases.set(path, base);
  }

  /** A save that was refused: a conflict is explained, then the CMS gets its error and keeps the text. */
  async refused(error, dataFiles, { collectionName }) {
    if (error.status !== 409) throw error;
    const paths = error.body.paths ?? [];
    const mine = dataFiles.filter((file) => paths.includes(file.path));
    const newer = new URL('?newer', this.page.address);
    newer.hash = `#/collections/${collectionName}/entries/${dataFiles[0].slug}`;
    const text = (mine.length ? mine : dataFiles).map((file) => file.raw).join('\n');
    await conflictDialog({ message: error.message, text, newer: newer.href });
    throw new ApiError(409, 'Not saved, because somebody else changed this entry. Your text is still here.', error.body);
  }

  // Drafts.

  async unpublishedEntries() {
    return this.workflow.ids();
  }

  async unpublishedEntry(name) {
    return this.workflow.draft(name);
  }

  async unpublishedEntryDataFile(collection, slug, path, id) {
    return this.workflow.text(collection, slug, path, id);
  }

  async unpublishedEntryMediaFile(collection, slug, path, id) {
    return asDraftMedia(id, path, await this.workflow.file(collection, slug, path, id));
  }

  async updateUnpublishedEntryStatus(collection, slug, newStatus) {
    await this.change('updateUnpublishedEntryStatus', { collection, slug, newStatus });
  }

  async publishUnpublishedEntry(collection, slug) {
    await this.change('publishUnpublishedEntry', { collection, slug });
  }

  async deleteUnpublishedEntry(collection, slug) {
    await this.change('deleteUnpublishedEntry', { collection, slug });
  }

  /** Asked again and again while an entry is open, so it must not open the sign-in dialog. */
  async getDeployPreview(collection, slug) {
    return this.client.call('getDeployPreview', { collection, slug }, { quiet: true }).catch(() => null);
  }

  async change(action, params) {
    this.workflow.changed();
    await this.client.call(action, params);
  }
}
