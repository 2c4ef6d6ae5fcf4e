// Runs before the CMS bundle. The CMS backs unsaved text up in the browser and
// offers it when the entry is opened again. It reads the backup and the entry at
// the same time, though, and the entry, which is the slower one, then replaces
// the text that the person has just accepted. Here the backup of an entry
// (key "backup.COLLECTION.SLUG") is found only after the content API has nothing
// more to answer, so that the entry is there first.
(function () {
  'use strict';
  const [settled, patience] = [300, 10_000]; // milliseconds without a call; the longest wait

  function entryIsThere() {
    return new Promise((resolve) => {
      let timer = setTimeout(done, patience);
      function done() {
        removeEventListener('gatehouse:calls', changed);
        resolve();
      }
      function changed({ detail: open }) {
        clearTimeout(timer);
        timer = setTimeout(done, open === 0 ? settled : patience);
      }
      addEventListener('gatehouse:calls', changed);
    });
  }

  const get = IDBObjectStore.prototype.get;
  IDBObjectStore.prototype.get = function (key) {
    const real = get.call(this, key);
    if (!/^backup\.[^.]+\../.test(key)) return real;
    const arrival = entryIsThere();
    const held = { get result() { return real.result; }, get error() { return real.error; }, onsuccess: null, onerror: null };
    real.onsuccess = async (event) => {
      if (real.result !== undefined) await arrival;
      held.onsuccess?.(event);
    };
    real.onerror = (event) => held.onerror?.(event);
    return held;
  };
})();
