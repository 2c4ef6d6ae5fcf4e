// One site, one person at work, and the door by which they come: our own page
// with the adapter, or a page with a stock bundle. After each step git is asked
// what happened.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, shot } from './browser.mjs';
import { fullSite } from './content.mjs';
import { Editor } from './editor.mjs';
import { start } from './server.mjs';

export const ada = 'ada@example.org';
export const bob = 'bob@example.org';
/** Who commits with git alone, see Repository.commit. */
export const sam = 'sam@example.org';

export class Story {
  /**
   * @param {object} door
   * @param {string} door.name
   * @param {(server) => string} door.address of the editor's page, with the slash at its end
   * @param {(me, server, email, hash) => Promise} door.enter signs in, and arrives at a place in the editor
   * @param {boolean} door.previews whether a picture of the site's own shows in the preview
   * @param {RegExp[]} [door.usual] what the console says by this door in a healthy session
   */
  constructor(door) {
    this.door = door;
    before(async () => {
      this.server = await start({
        sites: { blog: { files: fullSite } },
        people: [{ email: ada, name: 'Ada Writer', site: 'blog', role: 'publisher' }, { email: bob, name: 'Bob Editor', site: 'blog', role: 'publisher' }],
      });
      this.repo = this.server.repositories.blog;
      this.browser = await launch();
      Object.assign(this, await this.person());
    });
    after(async () => {
      await this.browser?.close();
      await this.server?.stop();
    });
  }

  /** Somebody at a browser of their own, who is not signed in yet. */
  async person() {
    const me = await open(this.browser);
    return { me, editor: new Editor(me.page, this.door.address(this.server)) };
  }

  enter(me, email, hash) {
    return this.door.enter(me, this.server, email, hash);
  }

  /**
   * One step. The screen is kept when it fails. Afterwards the repository is
   * whole, and the step's commits are by whom they should be.
   *
   * @param {string[]} by the e-mail addresses of all who write in this step
   */
  step(name, run, by = []) {
    test(name, async (t) => {
      const { me, editor, repo } = this;
      editor.refused.length = 0;
      const before = repo.tips();
      try {
        await run(this);
        repo.fsck();
        assert.deepEqual(repo.authors(before), [...by].sort(), 'who wrote the commits of this step');
        this.tidy(me);
      } catch (err) {
        await shot(me.page, `failed-${this.door.name}-${name.replaceAll(/\W+/g, '-')}`).catch(() => {});
        for (const answer of editor.refused) t.diagnostic(answer);
        throw err;
      }
    });
  }

  /** Makes sure that the console says nothing but what is usual by this door. */
  tidy(me) {
    for (const words of this.door.usual ?? []) me.excuse(words);
    me.clean();
  }
}
