// A browser's windows and clock as far as a sign-in needs them, without a browser.

/** Time that passes when a test says so. */
export class Clock {
  time = 0;
  #queue = [];
  #ids = 0;

  setTimeout = (run, ms = 0) => {
    this.#queue.push({ id: ++this.#ids, at: this.time + ms, run });
    return this.#ids;
  };

  clearTimeout = (id) => { this.#queue = this.#queue.filter((x) => x.id !== id); };

  now = () => this.time;

  /** Lets so many milliseconds pass, and everything happen that is due in them. */
  async pass(ms) {
    const end = this.time + ms;
    for (;;) {
      await settle();
      const [next] = this.#queue.filter((x) => x.at <= end).sort((a, b) => a.at - b.at || a.id - b.id);
      if (!next) break;
      this.clearTimeout(next.id);
      this.time = next.at;
      next.run();
    }
    this.time = end;
    await settle();
  }
}

/** Lets what is promised already come to pass. */
export const settle = () => new Promise((done) => { setImmediate(done); });

/** A window of an origin. Messages for another origin are lost, as in a browser. */
export class Window {
  closed = false;
  #listeners = new Set();

  constructor(origin, { clock, opener = null }) {
    this.origin = origin;
    this.opener = opener && opener.seenFrom(this);
    this.setTimeout = clock.setTimeout;
    this.received = [];
  }

  addEventListener(_, listener) { this.#listeners.add(listener); }

  removeEventListener(_, listener) { this.#listeners.delete(listener); }

  get listeners() { return this.#listeners.size; }

  hear(event) {
    this.received.push(event.data);
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** This window as another one has it in its hands: the same object each time. */
  seenFrom(other) {
    this.views ??= new Map();
    if (!this.views.has(other)) {
      const target = this;
      this.views.set(other, {
        get closed() { return target.closed; },
        postMessage(data, to) {
          if (to === '*' || to === target.origin) target.hear({ data, origin: other.origin, source: other.seenFrom(target) });
        },
      });
    }
    return this.views.get(other);
  }
}

/** Channels of one browser. */
export function channels() {
  const all = [];
  return (name) => {
    const channel = {
      name,
      postMessage(data) {
        for (const other of all) if (other !== channel && other.name === name) other.onmessage?.({ data });
      },
    };
    all.push(channel);
    return channel;
  };
}

/** A Storage of its own. */
export function storage() {
  const held = new Map();
  return { getItem: (k) => held.get(k) ?? null, setItem: (k, v) => held.set(k, v), removeItem: (k) => held.delete(k) };
}
