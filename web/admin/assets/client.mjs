// The content API as seen from the page: one POST per action, a cookie for a
// credential, and a sentence for every failure.

/** A failure with the server's sentence. The CMS shows errors by turning them into text, so that text is the sentence alone. */
export class ApiError extends Error {
  /**
   * @param {number} status HTTP status; 0 when the server was not reached
   * @param {string} message for people
   * @param {object} [body] the server's whole answer
   */
  constructor(status, message, body = {}) {
    super(message);
    this.name = 'API_ERROR';
    this.api = 'Gatehouse';
    this.status = status;
    this.body = body;
  }

  toString() {
    return this.message;
  }
}

const unreachable = 'Gatehouse cannot be reached. Your text is still in this page: check the connection and try again.';
const signedOut = 'You are signed out. Your text is still in this page: save again to sign in.';

export class Client {
  /**
   * @param {object} o
   * @param {string} o.root where the content API is, e.g. "https://cms.example.org/s/blog/api/v1"
   * @param {string} [o.branch] the branch that the site's config names
   * @param {() => Promise<boolean>} [o.signIn] asks the person to sign in again; false when they will not
   * @param {typeof fetch} [o.fetch]
   */
  constructor({ root, branch, signIn = async () => false, fetch = (...args) => globalThis.fetch(...args) }) {
    Object.assign(this, { root, branch, signIn, fetch, open: 0 });
  }

  /**
   * Runs one action. A session that ended on the way is renewed by the person,
   * and the action then runs again: its caller never learns of it.
   *
   * @param {string} action
   * @param {object} [params]
   * @param {{quiet?: boolean}} [options] quiet: a 401 is an error, not a question
   * @returns {Promise<any>} the answer
   * @throws {ApiError}
   */
  async call(action, params = {}, { quiet = false } = {}) {
    const body = JSON.stringify({ branch: this.branch, action, params: { branch: this.branch, ...params } });
    const send = () => this.fetch(this.root, { method: 'POST', credentials: 'same-origin', headers: { 'Content-Type': 'application/json', Accept: 'application/json' }, body });
    return this.answered(send, (response) => response.json(), quiet);
  }

  /** A blob of the repository as a File, which the CMS can preview and send again. */
  async file(id, path) {
    const name = path.split('/').pop();
    const send = () => this.fetch(`${this.root}/raw/${id}?name=${encodeURIComponent(name)}`, { credentials: 'same-origin' });
    const blob = await this.answered(send, (response) => response.blob(), false);
    return new File([blob], name, { type: blob.type });
  }

  async answered(send, read, quiet) {
    this.count(1);
    try {
      return await this.settled(send, read, quiet);
    } finally {
      this.count(-1);
    }
  }

  /** Tells backups.js how many calls are open. */
  count(step) {
    this.open += step;
    globalThis.dispatchEvent?.(new CustomEvent('gatehouse:calls', { detail: this.open }));
  }

  async settled(send, read, quiet) {
    for (;;) {
      const response = await send().catch(() => { throw new ApiError(0, unreachable); });
      if (response.status === 401 && !quiet) {
        if (!(await this.signIn())) throw new ApiError(401, signedOut);
        continue;
      }
      if (response.ok) return read(response).catch(() => { throw new ApiError(0, unreachable); });
      const body = await response.json().catch(() => ({}));
      throw new ApiError(response.status, body?.error || `Gatehouse answered with status ${response.status}. Try again; if it stays, tell the operator.`, body ?? {});
    }
  }
}
