// Two windows of one sign-in: the first has the editor, the second goes to the
// host, whose pages may cut it off from every other window. The second tells the
// first how it went; where it cannot, the first asks the server until it knows.
//
//   second ── returned ──► first claims, and posts ── got ──► second closes
//          ── failed ────► first waits until the person has read why
//          ── back ──────► first claims, and posts ── got ──► second closes
//          ── retry | switch ──► first starts again ── got ──► second closes

const said = ['returned', 'failed', 'back', 'retry', 'switch'];

/** The channel of a transaction. Undefined where the browser has none. */
export function channelOf(tx, make = (name) => new BroadcastChannel(name)) {
  try {
    return make(`gatehouse-${tx}`);
  } catch {
    return undefined;
  }
}

/** How long to wait between two questions: more and more, up to ten seconds. */
export const pause = (n) => Math.min(2000 * 1.3 ** n, 10_000);

const enough = 11 * 60 * 1000; // a sign-in is over before

/** The first window while it waits for the second. */
export class Waiting {
  /**
   * @param {object} o
   * @param {() => Promise<{status: number, body: object}>} o.claim
   * @param {BroadcastChannel | undefined} o.channel
   * @param {(answer: {status: number, body: object}) => void} o.finished with the outcome or a page of help
   * @param {(how: 'retry' | 'switch') => void} o.again
   * @param {() => void} o.held the second window is showing what went wrong
   * @param {{setTimeout: Function, clearTimeout: Function}} o.timers
   */
  constructor({ claim, channel, finished, again, held, timers = globalThis, now = Date.now }) {
    Object.assign(this, { claim, channel, finished, again, held, timers, now });
    this.asked = 0;
    this.busy = false;
    this.over = false;
    this.until = now() + enough;
    if (channel) channel.onmessage = ({ data }) => this.hear(data);
    this.plan();
  }

  hear(word) {
    if (this.over || !said.includes(word)) return;
    this.channel.postMessage('got');
    switch (word) {
      case 'failed':
        this.timers.clearTimeout(this.timer);
        this.waitsForPerson = true;
        this.held();
        break;
      case 'retry':
      case 'switch':
        this.end();
        this.again(word);
        break;
      default:
        this.look();
    }
  }

  plan() {
    if (this.over || this.waitsForPerson) return;
    this.timer = this.timers.setTimeout(() => this.look(), pause(this.asked++));
  }

  /** Asks for the outcome now. */
  async look() {
    if (this.over || this.busy) return;
    this.timers.clearTimeout(this.timer);
    this.busy = true;
    const answer = await this.claim();
    this.busy = false;
    if (this.over) return;
    const passing = answer.body.pending || answer.status === 0 || answer.status === 429 || answer.status >= 500;
    if (passing && this.now() < this.until) {
      this.plan();
      return;
    }
    this.end();
    this.finished(answer);
  }

  end() {
    this.over = true;
    this.timers.clearTimeout(this.timer);
  }
}

/** Tells the first window a word, some times over, until it says that it got it. */
export function tell(channel, word, { got, silent }, timers = globalThis) {
  let answered = false;
  if (channel) {
    channel.onmessage = ({ data }) => {
      if (answered || data !== 'got') return;
      answered = true;
      got();
    };
    for (const ms of [0, 300, 1000]) timers.setTimeout(() => { if (!answered) channel.postMessage(word); }, ms);
  }
  timers.setTimeout(() => { if (!answered) silent(); }, 3000);
}
