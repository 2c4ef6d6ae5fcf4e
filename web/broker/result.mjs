// The window in which the host has sent the person back. What came of it is with
// the server, and is fetched when there is somebody to give it to.
import { deliver, reachable } from './handshake.mjs';
import { channelOf, tell } from './launcher.mjs';
import { Memory, again } from './memory.mjs';
import { Page } from './pages.mjs';
import { ask, away } from './server.mjs';
import { watch } from './undelivered.mjs';

const page = new Page(document);
const memory = Memory.of(window);
const { tx, host } = page.data;
const ok = 'ok' in page.data;
const report = (id) => ask('report', { tx, page: id });

// A code is used by now; nobody needs to see it.
if (/[?&](code|state)=/.test(location.search)) history.replaceState(null, '', location.pathname);

/** Shows why not, with the buttons that have something to do. */
function failed(back, once) {
  const offer = (how) => (once && how in page.data ? () => once(how) : undefined);
  page.show('failed', { back, retry: offer('retry'), switch: offer('switch') });
}

/** In the first window, or the only one: the editor is the opener. */
function alone() {
  if (!reachable(window)) {
    report('E-opener-gone');
    if (ok) page.show('E-opener-gone');
    else failed();
    return;
  }
  if (ok) {
    claim();
    return;
  }
  failed(claim, memory.read() && ((how) => again(window, memory, how)));
}

let lost = false; // an answer to a claim, on the way

async function claim() {
  const { status, body } = await ask('claim', { tx });
  if (lost && status === 410) report('undelivered'); // it was in the answer, and is nowhere now
  lost ||= status === 0;
  if (body.message) finish(body);
  else page.help(body.page ?? away, { retry: status === 0 || body.pending ? claim : undefined });
}

function finish(claimed) {
  const kind = deliver(window, claimed);
  page.show('working');
  if (kind === 'error') {
    page.status('The editor has been told. You can close this window.');
    setTimeout(() => window.close(), 500);
    return;
  }
  memory.forget();
  if (kind) page.status('You can close this window.');
  watch(kind, { gone: () => page.show('E-opener-gone'), report });
}

/** In the second window: the first one has the editor. */
function second() {
  const channel = channelOf(tx);
  const close = () => {
    page.status('You can close this window.');
    window.close();
  };
  if (ok) {
    if (reachable(window)) report('opener-kept'); // so the host does not need this window
    tell(channel, 'returned', {
      got: close,
      silent: () => page.status(`Go back to the window that waits for ${host}. If it is closed, start again from the editor.`),
    });
    return;
  }
  const say = (word) => tell(channel, word, { got: () => window.close(), silent: () => window.close() });
  channel?.postMessage('failed');
  failed(() => say('back'), say);
}

if ('launcher' in page.data) second();
else alone();
