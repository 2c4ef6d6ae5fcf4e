// What the sign-in and account pages do more with a script than without.
(() => {
  'use strict';

  // The part of the address behind "#" never reaches the server: the CMS's own
  // place in it goes along in the form.
  for (const form of document.querySelectorAll('form[data-remember-place]')) {
    const next = form.elements.namedItem('next');
    if (location.hash.startsWith('#/') && !next.value.includes('#')) next.value += location.hash;
  }

  for (const button of document.querySelectorAll('[data-reveal]')) {
    const input = document.getElementById(button.dataset.reveal);
    const show = (yes) => {
      input.type = yes ? 'text' : 'password';
      button.setAttribute('aria-pressed', String(yes));
    };
    button.hidden = false;
    button.addEventListener('click', () => show(input.type === 'password'));
    // A shown password would be offered as an ordinary word the next time.
    input.form.addEventListener('submit', () => show(false));
  }

  const caps = document.querySelector('[data-capslock]');
  const password = document.getElementById('password');
  if (caps && password) {
    for (const type of ['keydown', 'keyup', 'mousedown']) {
      password.addEventListener(type, (event) => {
        if (event.getModifierState) caps.hidden = !event.getModifierState('CapsLock');
      });
    }
    password.addEventListener('blur', () => { caps.hidden = true; });
  }
})();
