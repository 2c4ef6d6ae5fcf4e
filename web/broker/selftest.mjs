// The self-test: plays a CMS page on our own origin, and says of each step
// whether it worked, or what is in the way.
import { decap, sveltia } from './clients.mjs';
import { answers, headers, whyAddress, whyClock, whyPage } from './diagnosis.mjs';

const provider = 'selftest';
const popup = `/auth?${new URLSearchParams({ provider, site_id: provider })}`;
const main = document.querySelector('main');
const { origin, arrived, policy } = main.dataset;
const button = main.querySelector('[data-do=start]');
const marks = { good: ['✓', 'works'], bad: ['✗', 'does not work'], odd: ['!', 'to be looked at'], now: ['…', 'under way'], open: ['·', ''] };

/** Marks a step, with the reason where it is not good. */
function mark(id, state, why = '') {
  const li = main.querySelector(`[data-step=${id}]`);
  const [sign, word] = marks[state];
  li.className = state;
  li.querySelector('.tick').textContent = sign;
  li.querySelector('[data-state]').textContent = word && `: ${word}`;
  const p = li.querySelector('[data-why]');
  p.textContent = why;
  p.hidden = !why;
  return state === 'good' || state === 'odd';
}

const check = (id, why, otherwise = 'bad') => mark(id, why ? otherwise : 'good', why);

function verdict(good, text) {
  const p = main.querySelector('[data-verdict]');
  p.className = `verdict ${good ? 'good' : 'bad'}`;
  p.textContent = text;
  p.hidden = false;
}

/** What can be found out without a window. */
async function before() {
  check('address', whyAddress({ here: location.origin, host: location.host, arrived, origin }));
  try {
    const probe = async () => {
      const sent = Date.now();
      const answer = await fetch('/auth/selftest/probe');
      return { ...await answer.json(), headers: answer.headers, local: (sent + Date.now()) / 2 };
    };
    const [one, two] = [await probe(), await probe()];
    check('cache', one.id === two.id ? answers.cached : '');
    check('clock', whyClock(one.time - one.local), 'odd');
    check('headers', headers(one.headers, policy));
  } catch {
    for (const id of ['cache', 'clock', 'headers']) mark(id, 'bad', answers.noProbe);
  }
}

/** One run: a window is opened, and the person presses Allow in it. */
function run() {
  for (const id of ['popup', 'hello', 'begin', 'return', 'decap', 'sveltia']) mark(id, 'open');
  main.querySelector('[data-verdict]').hidden = true;
  const opened = window.open(popup, 'gatehouse-selftest', 'width=600,height=720');
  if (!opened) {
    mark('popup', 'bad', answers.blocked);
    end(false, 'The browser blocked the window.');
    return;
  }
  button.disabled = true;
  mark('popup', 'good');
  mark('hello', 'now');

  const echo = (data, to) => opened.postMessage(data, to);
  const clients = { decap: decap({ base: origin, provider, echo }), sveltia: sveltia({ base: origin, provider, echo }) };
  const results = {};
  let step = 'hello';
  let late = false;

  const hear = (event) => {
    if (event.source !== opened) return;
    if (step === 'hello' && event.data === `authorizing:${provider}`) {
      mark('hello', 'good');
      step = 'begin';
      mark('begin', 'now', 'Press Allow in the window.');
    }
    for (const [name, client] of Object.entries(clients)) {
      try {
        results[name] ??= client(event);
      } catch (e) {
        results[name] = { kind: 'error', data: { error: String(e) } };
      }
    }
    if (results.decap || results.sveltia) finish();
  };
  window.addEventListener('message', hear);

  /** Looks into the window, which is ours: does it show a page of help? */
  const look = setInterval(() => {
    let place, help;
    if (opened.closed) {
      fail(step === 'hello' ? answers.cut : answers.closed);
      return;
    }
    try {
      place = opened.location.pathname;
      help = [...opened.document.querySelectorAll('[data-help]')].find((e) => e.dataset.help && !e.closest('[hidden]'))?.dataset.help;
    } catch {
      fail(answers.elsewhere);
      return;
    }
    if (place === '/auth/selftest/host' && step === 'begin') {
      mark('begin', 'good');
      step = 'return';
      mark('return', 'now', 'Press Allow in the window.');
    }
    if (help && help !== 'E-cancel') fail(whyPage(help, origin));
  }, 300);
  const timer = setTimeout(() => { late = true; if (step === 'hello') fail(answers.silent); }, 15_000);

  function stop() {
    clearInterval(look);
    clearTimeout(timer);
    window.removeEventListener('message', hear);
    button.disabled = false;
  }

  function fail(why) {
    stop();
    mark(step, 'bad', why);
    end(false, late ? 'The window did not get on.' : 'The sign-in stopped at the step that is marked.');
  }

  function finish() {
    stop();
    opened.close();
    for (const id of ['begin', 'return']) mark(id, 'good');
    const cancelled = results.decap?.kind === 'error' && results.sveltia?.kind === 'error' && results.decap.data.message;
    if (cancelled) {
      for (const id of ['decap', 'sveltia']) mark(id, 'odd', `It would show: “${results.decap.data.message}”`);
      end(true, 'The way through works. This time the sign-in was refused, and the CMS was told so; press Allow to see it succeed.');
      return;
    }
    const why = (r, text) => (r?.kind === 'success' && r.data.token ? '' : text(r));
    const both = [
      check('decap', why(results.decap, (r) => (r ? answers.refused(r.data.message) : answers.missed))),
      check('sveltia', why(results.sveltia, (r) => (r ? answers.refused(r.data.error) : answers.missed))),
    ].every(Boolean);
    end(both, both ? 'Everything works. What is still wrong must be in the config.yml of the site, or at the Git host.' : 'The outcome did not arrive as it should.');
  }
}

/** The last word, which takes the first steps into account. */
function end(good, text) {
  const bad = main.querySelector('.bad');
  verdict(good && !bad, good && bad ? 'The sign-in works here, but a step above is marked: for a CMS page at another address, or later, it can fail.' : text);
  button.textContent = 'Once more';
}

button.addEventListener('click', run);
before();
