// Takes a signed-out visitor to the sign-in page, which comes back here. Only a
// script can do this, because the server never sees the part after the "#":
// the CMS's own place in it goes along in "next", anything else (a link from a
// mail, with a token in it) stays behind the "#" and thus out of every log.
(function () {
  'use strict';
  const place = location.hash.startsWith('#/');
  const next = location.pathname + location.search + (place ? location.hash : '');
  location.replace(`../login?next=${encodeURIComponent(next)}${place ? '' : location.hash}`);
})();
