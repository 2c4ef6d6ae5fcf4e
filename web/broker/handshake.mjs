// What our windows say to the page that opened them, and hear from it. These
// are all the messages there are: one CMS ends the sign-in on any other text,
// and another one breaks on anything that is no text.

const announced = [0, 500, 1500]; // ms
const patience = 3000;

/**
 * Finds out which page has opened this window: says hello until it says the
 * same back. The first such answer counts, and only from the opener itself; its
 * origin is vouched for by the browser. After a while without one, silent is
 * called, once, and the listening goes on.
 *
 * @param {Window} window this one, whose opener is there
 * @param {string} provider as the CMS spelled it
 * @param {{found: (origin: string) => void, silent: () => void}} tell
 */
export function handshake(window, provider, { found, silent }) {
  const { opener } = window;
  const hello = `authorizing:${provider}`;
  let answered = false;
  const hear = (event) => {
    if (event.source !== opener || event.data !== hello) return;
    answered = true;
    window.removeEventListener('message', hear);
    found(event.origin);
  };
  window.addEventListener('message', hear);
  const unlessAnswered = (then) => () => { if (!answered) then(); };
  for (const ms of announced) {
    window.setTimeout(unlessAnswered(() => opener.postMessage(hello, '*')), ms); // to anybody: it says nothing
  }
  window.setTimeout(unlessAnswered(silent), patience);
}

const outcome = /^authorization:[a-z][a-z0-9-]*:(success|error):\{.*\}$/;

/**
 * Posts the outcome to the opener, which must be at the origin to receive it.
 *
 * @param {Window} window
 * @param {{message: string, origin: string}} claimed
 * @returns {'success' | 'error' | ''} what it was; empty: it could not be posted
 */
export function deliver(window, { message, origin }) {
  const kind = outcome.exec(message)?.[1];
  if (!kind || !isOrigin(origin) || !reachable(window)) return '';
  window.opener.postMessage(message, origin);
  return kind;
}

/** Whether the page that opened the window is still there, and not cut off. */
export const reachable = (window) => Boolean(window.opener) && !window.opener.closed;

/** Whether text is one exact origin, and so no wildcard. */
function isOrigin(text) {
  try {
    return /^https?:/.test(text) && new URL(text).origin === text;
  } catch {
    return false;
  }
}
