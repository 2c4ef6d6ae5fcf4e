// Runs before the CMS bundle. The bundle keeps its user, its sort orders and
// the backup of unsaved text in browser storage under fixed names, so two sites
// on one origin, or two people at one computer, would read each other's. Here
// those names get the site and the person in front (the page's data-scope,
// "gatehouse:PERSON:SITE:"). The adapter's log-out removes what begins with
// that person's name.
//
// A page opened with ?newer (see conflict.mjs) has a store of its own: it is
// there to look at the published text, beside a tab that holds unsaved text.
(function () {
  'use strict';
  window.CMS_MANUAL_INIT = true;

  const page = document.documentElement.dataset;
  if (new URLSearchParams(location.search).has('newer')) page.scope += 'newer:';

  const shared = /^(decap-cms|netlify-cms|gotrue\.user|localforage\/)/;
  for (const method of ['getItem', 'setItem', 'removeItem']) {
    const original = Storage.prototype[method];
    Storage.prototype[method] = function (key, ...rest) {
      return original.call(this, shared.test(key) ? page.scope + key : key, ...rest);
    };
  }
  for (const method of ['open', 'deleteDatabase']) {
    const original = IDBFactory.prototype[method];
    IDBFactory.prototype[method] = function (name, ...rest) {
      return original.call(this, name === 'localforage' ? page.scope + name : name, ...rest);
    };
  }
})();
