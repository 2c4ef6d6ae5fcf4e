// Copies a value that is to be pasted at a host. Without a script it can be
// selected by hand.
(() => {
  'use strict';

  const said = document.querySelector('[data-copied]');
  for (const button of document.querySelectorAll('[data-copy]')) {
    const input = document.getElementById(button.dataset.copy);
    const words = button.firstChild;
    button.hidden = false;
    button.addEventListener('click', async () => {
      input.select();
      try {
        await navigator.clipboard.writeText(input.value);
      } catch {
        return; // not allowed: it is selected, and a key away
      }
      const before = words.data;
      words.data = button.dataset.copiedWord ?? 'Copied';
      said.textContent = said.dataset.words ?? `${input.labels[0].textContent} is copied.`;
      setTimeout(() => { words.data = before; }, 2000);
    });
  }
})();
