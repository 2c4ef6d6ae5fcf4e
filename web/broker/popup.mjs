// The window that a CMS opens: it finds out which page that was, asks the server
// whether that page may, and goes on to the host.
import { deliver, handshake, reachable } from './handshake.mjs';
import { Waiting, channelOf } from './launcher.mjs';
import { Memory, again } from './memory.mjs';
import { Page, isWeb } from './pages.mjs';
import { ask, away } from './server.mjs';
import { watch } from './undelivered.mjs';

const page = new Page(document);
const memory = Memory.of(window);
const { tx, provider, host } = page.data;
const place = location.pathname + location.search;
const report = (id) => ask('report', { tx, page: id });

function start() {
  if (!reachable(window)) {
    page.show('E-no-opener');
    report('E-no-opener');
    return;
  }
  let begun = false;
  const once = (origin, how) => {
    if (begun) return;
    begun = true;
    begin(origin, how);
  };
  const note = before();
  handshake(window, provider, {
    found: (origin) => once(origin, note?.again),
    silent() {
      if (begun) return;
      page.show('E-no-answer');
      report('E-no-answer');
    },
  });
  // A CMS that has said once where it is does not say it again.
  if (note) setTimeout(() => once(note.origin, note.again), 900);
}

/** What this window knows from before it was reloaded, or sent here once more. */
function before() {
  const note = memory.read();
  const [entry] = performance.getEntriesByType('navigation');
  const same = note?.place === place && (note.again || ['reload', 'back_forward'].includes(entry?.type));
  return same ? note : undefined;
}

async function begin(origin, how) {
  memory.write({ place, origin });
  page.show('working');
  page.status(`Connected to ${origin}, going to ${host}…`);
  const { body } = await ask('begin', { tx, origin, ...(how === 'switch' && { switch: true }) });
  if (body.page || !isWeb(body.next)) {
    refused(body);
  } else if (body.launcher) {
    launch(origin, body.next);
  } else {
    location.replace(body.next);
  }
}

/** Shows why it does not go on. The CMS hears it when the person has read it. */
function refused({ page: help = away, message, origin }) {
  page.help(help, {
    back: message && reachable(window) ? () => finish({ message, origin }) : undefined,
    retry: help.retry && memory.read() ? () => again(window, memory, 'retry') : undefined,
  });
}

/** Opens the host in a second window, and waits for what comes of it. */
function launch(origin, next) {
  const show = (name, yes) => { for (const e of page.main.querySelectorAll(`[data-${name}]`)) e.hidden = !yes; };
  const button = page.find('[data-do=launch]');
  let waiting;
  page.status(`Connected to ${origin}.`);
  show('launch', true);
  button.focus();
  button.onclick = () => {
    const second = window.open(next, `gatehouse-${tx}`, 'popup,width=960,height=720');
    if (!second) {
      page.status('The browser has blocked the second window. Allow this page to open windows, then press the button again.');
      return;
    }
    page.status(`Waiting for ${host} in the other window…`);
    waiting ??= new Waiting({
      claim: () => ask('claim', { tx }),
      channel: channelOf(tx),
      finished: ({ body }) => {
        show('launch', false);
        show('held', false);
        if (body.page) refused(body);
        else finish(body);
      },
      again: (how) => again(window, memory, how),
      held() {
        show('launch', false);
        show('held', true);
        page.status(`The other window says what went wrong at ${host}.`);
      },
    });
  };
  page.find('[data-do=held]').onclick = () => waiting?.look();
}

/** Posts the outcome to the CMS, which closes this window when it has got it. */
function finish(claimed) {
  const kind = deliver(window, claimed);
  page.show('working');
  if (kind === 'success') {
    memory.forget();
    page.find('h1').textContent = 'Signed in';
    page.status('You can close this window.');
  } else if (kind === 'error') {
    page.status('The editor has been told. You can close this window.');
    setTimeout(() => window.close(), 500);
    return;
  }
  watch(kind, { gone: () => page.show('E-opener-gone'), report });
}

start();
