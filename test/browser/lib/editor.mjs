// What a person does in the CMS, by the words on its buttons. The words are the
// same in decap-cms 3 and netlify-cms 2.10 unless a method says otherwise.
import assert from 'node:assert/strict';

export class Editor {
  /** @param admin address of the editor's page, with the slash at its end */
  constructor(page, admin) {
    Object.assign(this, { page, admin });
    this.calls = []; // actions of the content API, in order
    this.refused = []; // what the content API did not do, and why
    this.asking = new Set(); // promises of answers that are not there yet
    page.on('request', (r) => {
      if (!Editor.asks(r)) return;
      this.calls.push(JSON.parse(r.postData()).action);
      const answer = this.answered(r).catch(() => {}).finally(() => this.asking.delete(answer)); // the page may go on without it
      this.asking.add(answer);
    });
  }

  /** Whether a request is for the content API. */
  static asks(request, action = '') {
    return request.method() === 'POST' && request.url().endsWith('/api/v1') && request.postData().includes(`"action":"${action}`);
  }

  async answered(request) {
    const response = await request.response();
    await response.finished();
    if (!response.ok()) this.refused.push(`${response.status()} ${request.postData().slice(0, 400)}\n${await response.text()}`);
  }

  /** Goes somewhere in the CMS without loading the page again. */
  async go(hash) {
    await this.page.evaluate((to) => { location.hash = to; }, hash);
  }

  async list(collection) {
    await this.go(`#/collections/${collection}`);
    await this.page.locator('main h1').first().waitFor();
  }

  /** The links to entries in the list. */
  rows(collection = '') {
    return this.page.locator(`main a[href*="#/collections/${collection}"][href*="/entries/"]`);
  }

  async create(collection) {
    await this.list(collection);
    await this.go(`#/collections/${collection}/new`);
    await this.page.waitForFunction(() => document.querySelector('[id^="title-field"]')?.value === ''); // not that of another entry any more
  }

  /** Opens an entry from its list: the fields of an entry that was open before are gone by then. */
  async edit(collection, slug, field = 'title') {
    await this.list(collection);
    await this.go(`#/collections/${collection}/entries/${slug}`);
    await this.page.locator(`[id^="${field}-field"]`).first().waitFor();
  }

  /** An input by the name of its field; nth is the locale's column. */
  field(name, nth = 0) {
    return this.page.locator(`[id^="${name}-field"]`).nth(nth);
  }

  /** Types at the end of the rich text. */
  async write(text) {
    await this.page.locator('[data-slate-editor="true"]').first().click();
    await this.page.keyboard.press('Control+End');
    await this.page.keyboard.type(text);
  }

  menu(name) {
    return this.page.locator('span[role="button"]').filter({ hasText: name });
  }

  async choose(menu, item) {
    await this.menu(menu).first().click();
    await this.page.getByRole('menuitem', { name: item, exact: true }).click();
  }

  /** Waits for a message in the corner, and takes it away. */
  async told(text) {
    const toast = this.page.locator('.notif__container, [role="alert"]').filter({ hasText: text }).first();
    await toast.waitFor();
    const message = await toast.innerText();
    await toast.locator('..').getByLabel('close').first().click({ timeout: 1000 }).catch(() => {});
    return message;
  }

  async save() {
    await this.page.getByRole('button', { name: 'Save', exact: true }).click();
    await this.told('Entry saved');
  }

  async status(from, to) {
    await this.choose(`Status: ${from}`, to);
    await this.menu(`Status: ${to}`).waitFor();
  }

  /**
   * Publishes. What was a draft is then opened by the CMS again, wherever the
   * person has gone meanwhile: so this waits until it has. Of a nested collection
   * the CMS reads the list instead.
   */
  async publish() {
    const reads = (r) => Editor.asks(r, 'getEntry') || Editor.asks(r, 'entries');
    const draft = this.calls.length > 0 && await this.menu('Status: ').count() > 0;
    const read = draft && this.page.waitForResponse((r) => reads(r.request()));
    await Promise.all([read, this.choose(/^Publish$/, 'Publish now')]);
    while (this.asking.size > 0) await Promise.race(this.asking);
    await this.menu(/^Published$/).waitFor();
  }

  /** Saves, and takes the draft all the way. */
  async saveAndPublish() {
    await this.save();
    await this.status('Draft', 'Ready');
    await this.publish();
  }

  /** Uploads a picture from inside the editor, and takes it for the field. */
  async upload(name, buffer) {
    await this.page.getByRole('button', { name: /Choose (an|different) image/ }).click();
    await this.page.locator('input[type="file"]').setInputFiles({ name, mimeType: 'image/png', buffer });
    const choose = this.page.getByRole('button', { name: 'Choose selected' });
    await this.page.getByText(name.toLowerCase().replaceAll(' ', '-')).first().waitFor();
    await choose.click();
    await choose.waitFor({ state: 'hidden' });
  }

  /** Makes sure that the preview shows a picture, not a broken one. */
  async pictureInPreview() {
    const image = this.page.frameLocator('iframe').locator('img').first();
    await image.waitFor();
    await assert.doesNotReject(image.evaluate((i) => i.decode()), 'the preview shows the picture');
  }
}
