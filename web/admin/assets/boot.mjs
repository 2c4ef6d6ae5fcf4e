// Starts the CMS on this page. By now the bundle has run, config.js has set
// window.CMS_CONFIG, and the site's own scripts have registered their widgets.
//
// The site's config keeps the backend's name that its authors gave it; what that
// name means is replaced by our Backend. A site on test-repo keeps the bundle's.

import { Backend } from './backend.mjs';
import { Bases } from './bases.mjs';
import { ApiError, Client } from './client.mjs';
import { borrow } from './cursor.mjs';
import { signInDialog } from './dialog.mjs';
import { makeDoor } from './door.mjs';
import { asUser, greet } from './session.mjs';
import { completeThumbnails } from './thumbnails.mjs';
import { Workflow } from './workflow.mjs';

const { dataset } = document.documentElement;
const { CMS, CMS_CONFIG: config, h, createClass } = window;
const absolute = (url) => new URL(url, document.baseURI).href;

const page = {
  scope: dataset.scope,
  person: dataset.person,
  address: absolute('./'),
  root: absolute('../'),
  login: absolute(dataset.login),
  logout: absolute(dataset.logout),
};

function leave() {
  const next = location.pathname + location.search + location.hash;
  location.replace(`${page.login}?next=${encodeURIComponent(next)}`);
}

/**
 * Asks the person to sign in again, and makes sure that it is the same person:
 * another's name must not end up on what this one wrote.
 */
function signInAgain(client) {
  const ask = signInDialog(`${page.login}?embed=1`);
  return async () => {
    if (!(await ask())) return false;
    const now = asUser(await client.call('session', {}, { quiet: true }));
    if (now.email === page.person) return true;
    throw new ApiError(403, `This page was opened by ${page.person}, and you signed in as ${now.email}. Copy your text, then reload the page.`);
  };
}

/** Puts our Backend in the place of the one that the config names. */
function register(name) {
  const { cursors, notInWorkflow } = borrow(CMS);
  const client = new Client({ root: absolute(dataset.api), branch: config.backend.branch });
  client.signIn = signInAgain(client);
  const bases = new Bases();
  const workflow = new Workflow(client, bases, notInWorkflow);
  const parts = { client, bases, workflow, cursors, page, greet, door: makeDoor({ h, createClass, client, page, leave }) };
  const make = (given, options = {}) => new Backend(given, options, parts);
  const known = CMS.getBackend(name);
  if (known) known.init = make;
  else CMS.registerBackend(name, function Gatehouse(given, options) { return make(given, options); });
}

// After the CMS told of a failed save it rejects a promise that nobody waits for.
addEventListener('unhandledrejection', (event) => {
  if (/_FAILURE$/.test(event.reason?.type)) event.preventDefault();
});

function say(text) {
  const main = document.createElement('main');
  main.className = 'gatehouse-door';
  main.append(Object.assign(document.createElement('p'), { role: 'alert', textContent: text }));
  document.body.append(main);
}

if (!CMS) {
  say('The content manager could not be loaded. Check the connection and reload the page.');
} else if (!config) {
  leave(); // config.js is for the signed-in alone
} else {
  for (const link of document.querySelectorAll('link[rel="preview-style"]')) CMS.registerPreviewStyle(link.href);
  if (config.backend.name !== 'test-repo') register(config.backend.name);
  completeThumbnails();
  CMS.init();
}
