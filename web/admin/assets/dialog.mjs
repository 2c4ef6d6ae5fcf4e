// The two questions that the adapter asks in the middle of work, as modal
// dialogs: the browser keeps the focus inside and gives it back afterwards, and
// Escape is an answer.

/** Builds an element: text becomes a text node, never markup. */
function element(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

/**
 * Shows a dialog until it is closed.
 *
 * @param {string} title
 * @param {(close: (answer: string) => void) => Node[]} content
 * @returns {Promise<string>} what close was called with; "" after Escape
 */
function ask(title, content) {
  return new Promise((resolve) => {
    const dialog = element('dialog', { className: 'gatehouse' });
    const heading = element('h2', { id: `gatehouse-${Math.random().toString(36).slice(2)}` }, title);
    dialog.setAttribute('aria-labelledby', heading.id);
    dialog.append(heading, ...content((answer) => dialog.close(answer)));
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/**
 * Asks the person to sign in again, in a frame of the sign-in page. Calls that
 * fail at the same moment share one dialog.
 *
 * @param {string} url the sign-in page made for a frame
 * @returns {() => Promise<boolean>} true after signing in
 */
export function signInDialog(url) {
  let open;
  return () => {
    open ??= ask('Your session has ended', (close) => {
      const arrived = (event) => {
        if (event.origin !== location.origin || event.source !== frame.contentWindow || event.data !== 'gatehouse:signed-in') return;
        removeEventListener('message', arrived);
        close('signed-in');
      };
      addEventListener('message', arrived);
      const frame = element('iframe', { title: 'Sign in', src: url });
      // The page in the frame is our own: the frame gets its height, so that nothing
      // scrolls, and Escape in there is Escape here.
      frame.onload = () => {
        const inside = frame.contentDocument;
        if (!inside) return;
        frame.style.height = `${inside.body.scrollHeight}px`;
        inside.addEventListener('keydown', (event) => { if (event.key === 'Escape') close(''); });
      };
      const later = element('button', { type: 'button', onclick: () => close('') }, 'Not now');
      return [element('p', {}, 'Sign in to go on. Nothing you wrote is lost.'), frame, element('p', { className: 'buttons' }, later)];
    }).then((answer) => answer === 'signed-in').finally(() => { open = undefined; });
    return open;
  };
}

/**
 * Says that a save met somebody else's change, and helps to bring both together.
 *
 * @param {object} o
 * @param {string} o.message the server's sentence: which file, and who
 * @param {string} o.text what the person wrote
 * @param {string} o.newer address of the entry as it is now
 */
export function conflictDialog({ message, text, newer }) {
  return ask('Somebody else changed this entry', (close) => {
    const said = element('p', { role: 'status' });
    const copy = element('button', {
      type: 'button',
      onclick: () => navigator.clipboard.writeText(text).then(
        () => { said.textContent = 'Your text is on the clipboard.'; },
        () => { said.textContent = 'The browser did not allow copying. Your text is still in the editor.'; },
      ),
    }, 'Copy my text');
    const look = element('a', { href: newer, target: '_blank', rel: 'noopener' }, 'Open the newer version in a new tab');
    const back = element('button', { type: 'button', className: 'primary', autofocus: true, onclick: () => close('') }, 'Keep editing');
    return [
      element('p', {}, message),
      element('p', {}, 'Your text is still in the editor.'),
      said,
      element('p', { className: 'buttons' }, back, copy, look),
    ];
  });
}
