// What the popup remembers of a sign-in, so that a reload of it and another try
// work with a CMS that says only once where it is. It cannot leak anything: the
// outcome is still posted to that one origin and nowhere else.

const key = 'gatehouse-popup';
const life = 10 * 60 * 1000;

export class Memory {
  /**
   * @param {Storage | undefined} storage of the window's session
   * @param {() => number} now
   */
  constructor(storage, now = Date.now) {
    this.storage = storage;
    this.now = now;
  }

  /** The storage of a window, where the browser allows one. */
  static of(window) {
    try {
      return new Memory(window.sessionStorage);
    } catch {
      return new Memory(undefined);
    }
  }

  /**
   * @param {{place: string, origin: string, again?: 'retry' | 'switch'}} note place is path and
   * query of the popup, origin that of its opener, again what the person has asked for
   */
  write(note) {
    try {
      this.storage?.setItem(key, JSON.stringify({ ...note, at: this.now() }));
    } catch {
      // A full or forbidden storage costs a reload's comfort, no more.
    }
  }

  /** The note that was left less than a sign-in's life ago. */
  read() {
    try {
      const note = JSON.parse(this.storage?.getItem(key) ?? 'null');
      return note && this.now() - note.at < life ? note : undefined;
    } catch {
      return undefined;
    }
  }

  forget() {
    try {
      this.storage?.removeItem(key);
    } catch {
      // As above.
    }
  }
}

/**
 * Goes to the host once more, from the start.
 *
 * @param {'retry' | 'switch'} how switch asks for another account
 */
export function again(window, memory, how) {
  const note = memory.read();
  if (!note) return;
  memory.write({ ...note, again: how });
  window.location.replace(note.place);
}
