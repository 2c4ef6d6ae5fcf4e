// Which version of each file the editor holds. The server refuses a save whose
// base is no longer the newest version (or merges the two), so nobody's work is
// overwritten unseen. Only what an editor was opened with counts: a listing may
// be newer than the text that is being edited.

/**
 * The paths of the texts that the CMS has backed up in this browser. It offers
 * them again when the entry is opened.
 */
export async function backedUp(databases = indexedDB, scope = document.documentElement.dataset.scope) {
  const known = await databases.databases?.();
  if (known && !known.some((d) => d.name === `${scope}localforage`)) return new Set();
  return new Promise((resolve) => {
    const request = databases.open('localforage');
    request.onupgradeneeded = () => request.transaction.abort(); // there was none: leave none
    request.onerror = () => resolve(new Set());
    request.onsuccess = () => {
      const db = request.result;
      if (!db.objectStoreNames.contains('keyvaluepairs')) return resolve(new Set());
      const values = db.transaction('keyvaluepairs').objectStore('keyvaluepairs').getAll();
      values.onerror = () => resolve(new Set());
      values.onsuccess = () => {
        db.close();
        resolve(new Set(values.result.map((v) => v?.path).filter(Boolean)));
      };
    };
  });
}

const remembered = 200;

export class Bases {
  /**
   * @param {object} o
   * @param {Storage} [o.storage] where bases outlive the page, for the sake of backups
   * @param {string} [o.key]
   * @param {() => Promise<Set<string>>} [o.backups]
   */
  constructor({ storage = localStorage, key = `${document.documentElement.dataset.scope}bases`, backups = backedUp } = {}) {
    Object.assign(this, { storage, key, backups, now: new Map() });
  }

  /**
   * The editor was given version id ("" when there is no file). When an older
   * text waits in a backup the person may go on with that one, so the base is
   * still the version which that text was based on; should they not take it, the
   * older base does no harm, for the server then finds one side unchanged.
   */
  async opened(path, id) {
    const before = this.kept()[path];
    const older = before !== undefined && before !== id && (await this.backups()).has(path);
    this.set(path, older ? before : id);
  }

  /** The editor's text of path is now version id on the server. */
  set(path, id) {
    this.now.set(path, id);
    const kept = this.kept();
    delete kept[path]; // so that it becomes the youngest
    kept[path] = id;
    const pairs = Object.entries(kept).slice(-remembered);
    try {
      this.storage.setItem(this.key, JSON.stringify(Object.fromEntries(pairs)));
    } catch {
      // A full or forbidden store: bases last as long as the page.
    }
  }

  /** The base of path; undefined when no editor was opened on it. */
  get(path) {
    return this.now.get(path);
  }

  kept() {
    try {
      return JSON.parse(this.storage.getItem(this.key)) ?? {};
    } catch {
      return {};
    }
  }
}
