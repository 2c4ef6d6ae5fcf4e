// What is seen of our windows: one section at a time.

const parts = ['id', 'title', 'sentence', 'action', 'config', 'reference'];

/** The one page of a window: sections with data-show, one of them visible. */
export class Page {
  constructor(document) {
    this.main = document.querySelector('main');
    this.data = this.main.dataset;
    for (const button of this.main.querySelectorAll('[data-copy]')) offerCopy(button);
    for (const link of this.main.querySelectorAll('a[data-part=link]:not([href])')) link.hidden = true;
  }

  find(selector) { return this.main.querySelector(selector); }

  /** Says in a line what goes on. */
  status(text) { this.find('[data-status]').textContent = text; }

  /** Shows one section, and its help with the buttons that have something to do. */
  show(name, buttons = {}) {
    for (const section of this.main.querySelectorAll('[data-show]')) section.hidden = section.dataset.show !== name;
    const section = this.find(`[data-show="${name}"]`);
    for (const button of section.querySelectorAll('.help [data-do]')) {
      const act = buttons[button.dataset.do];
      button.hidden = !act;
      button.onclick = act ?? null;
    }
    section.querySelector('.help [data-part=title]')?.focus();
  }

  /** Shows the help that the server sent. */
  help(page, buttons) {
    const section = this.find('[data-show=help]');
    const help = section.querySelector('.help');
    help.dataset.help = page.id;
    for (const part of parts) help.querySelector(`[data-part=${part}]`).textContent = page[part] ?? '';
    help.querySelector('.block').hidden = !page.config;
    help.querySelector('.reference').hidden = !page.reference;
    const link = help.querySelector('[data-part=link]');
    link.hidden = !isWeb(page.link?.url);
    if (!link.hidden) {
      link.href = page.link.url;
      link.textContent = page.link.text;
    }
    this.show('help', buttons);
  }
}

/** Whether text is an address that a window may go to. */
export function isWeb(text) {
  try {
    return ['https:', 'http:'].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

function offerCopy(button) {
  if (!globalThis.navigator?.clipboard) return; // not without https
  const block = button.parentElement.querySelector('pre');
  button.hidden = false;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(block.textContent);
      button.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(block);
      button.textContent = 'Marked';
    }
  });
}
