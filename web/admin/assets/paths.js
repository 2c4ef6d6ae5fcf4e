// Runs before the CMS bundle. Decap CMS 3.10 and later take "/uploads/x.png"
// for an address on another server and no longer ask the backend for it, so the
// preview of an image that was just chosen stays broken. The expression that
// decides is made once, while the bundle is evaluated; for that moment RegExp
// hands out the one of earlier versions instead. Where a bundle does not contain
// the expression nothing happens.
(function () {
  'use strict';
  const [broken, mended] = ['^(?:[a-z]+:)?//|^/', '^(?:[a-z]+:)?//'];
  const native = window.RegExp;
  const swap = ([pattern, ...rest]) => [pattern === broken ? mended : pattern, ...rest];
  const stand = new Proxy(native, {
    apply: (target, self, args) => Reflect.apply(target, self, swap(args)),
    construct: (target, args, made) => Reflect.construct(target, swap(args), made === stand ? target : made),
  });
  window.RegExp = stand;

  function restore(event) {
    if (event.target.id !== 'bundle') return;
    window.RegExp = native;
    document.removeEventListener('load', restore, true);
    document.removeEventListener('error', restore, true);
  }
  // A script's load event comes right after it ran, before the next script; it
  // does not bubble, but it can be captured.
  document.addEventListener('load', restore, true);
  document.addEventListener('error', restore, true);
})();
