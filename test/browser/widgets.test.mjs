// A site's own widgets and preview styles come from its repository, at the
// published commit, under the page's strict policy.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, shot, signIn } from './lib/browser.mjs';
import { posts, simpleConfig } from './lib/content.mjs';
import { start } from './lib/server.mjs';

const ada = 'ada@example.org';
let server, browser;

before(async () => {
  server = await start({
    sites: {
      blog: {
        files: {
          'admin/config.yml': simpleConfig().replace('- {name: image', '- {name: mood, label: Mood, widget: shout, required: false}\n      - {name: image'),
          'admin/widgets.js': `CMS.registerWidget('shout', createClass({
            render() { return h('input', {id: this.props.forID, className: 'shout', value: this.props.value || '', onChange: (e) => this.props.onChange(e.target.value.toUpperCase())}); },
          }));`,
          'admin/preview.css': 'body { background: rgb(1, 2, 3); }',
          ...posts(2),
        },
        more: '    admin: {scripts: [admin/widgets.js], styles: [admin/preview.css]}\n',
      },
    },
    people: [{ email: ada, name: 'Ada Writer', site: 'blog', role: 'publisher' }],
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test("the site's own widget edits, and its style sheet colours the preview", async () => {
  const me = await open(browser);
  try {
    await signIn(me.page, `${server.url}/admin/#/collections/posts/entries/post-01`, ada);
    await me.page.locator('input.shout').fill('quietly');
    assert.equal(await me.page.locator('input.shout').inputValue(), 'QUIETLY');
    const body = me.page.frameLocator('iframe').locator('body');
    await body.getByText('The text of post 1.').waitFor();
    assert.equal(await body.evaluate((b) => getComputedStyle(b).backgroundColor), 'rgb(1, 2, 3)');
    me.clean();
  } catch (err) {
    await shot(me.page, 'failed-widgets').catch(() => {});
    throw err;
  } finally {
    await me.context.close();
  }
});
