// People, from the invitation to the farewell: an administrator pastes
// addresses, passes a link on, and the person is in the editor; roles, a
// forgotten password, and who may not see whom. On a desk and on a phone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessibility, launch, open, shot, signIn } from './lib/browser.mjs';
import { posts, simpleConfig } from './lib/content.mjs';
import { start } from './lib/server.mjs';

const bo = 'bo@example.org';
const olga = 'olga@example.org';
const files = { 'admin/config.yml': simpleConfig(), ...posts(1) };
const fresh = 'nine grey geese fly';
let server, browser;

before(async () => {
  server = await start({
    sites: { north: { files }, south: { files } },
    people: [
      { email: olga, name: 'Olga Operator', operator: true },
      { email: bo, name: 'Bo Gardener', site: 'north', role: 'admin' },
      { email: 'pat-desk@example.org', name: 'Pat Desk', site: 'north', role: 'editor' },
      { email: 'pat-phone@example.org', name: 'Pat Phone', site: 'north', role: 'reader' },
      { email: 'sue@example.org', name: 'Sue South', site: 'south', role: 'admin' },
    ],
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A page that fits and can be used by everyone. */
async function good(me, name) {
  await shot(me.page, name);
  const { wide, width } = await me.page.evaluate(() => ({ wide: document.documentElement.scrollWidth, width: innerWidth }));
  assert.ok(wide <= width, `${name} is ${wide} wide on a screen of ${width}`);
  assert.deepEqual(await accessibility(me.page), [], `${name} is accessible`);
}

/** Runs one person's part; what was seen last is kept when it fails. */
async function being(size, part, options) {
  const me = await open(browser, options);
  try {
    await part(me, me.page);
    me.clean();
  } catch (err) {
    await shot(me.page, `failed-people-${size}`).catch(() => {});
    throw err;
  } finally {
    await me.context.close();
  }
}

for (const [size, width, height] of [['desk', 1280, 900], ['phone', 390, 844]]) {
  test(`an invitation, from the list of addresses to the editor, on a ${size}`, async () => {
    const ann = `ann-${size}@example.org`;
    let link;
    await being(size, async (me, page) => {
      await signIn(page, `${server.url}/login?next=/console/people`, bo);
      await page.getByRole('heading', { level: 1, name: 'People of The north' }).waitFor();
      assert.equal(await page.getByText('sue@example.org').count(), 0, 'whoever is of another site is not here');
      assert.equal(await page.getByRole('link', { name: 'Connectors' }).count(), 0);
      await good(me, `people-${size}`);
      await page.getByLabel('E-mail addresses').fill(`Ann Example <${ann}>, zoe-${size}@example.org\npat-${size}@example.org\nno address`);
      await page.getByLabel('Role').selectOption('editor');
      await page.getByRole('button', { name: 'Invite', exact: true }).click();
      await page.getByRole('heading', { name: 'What became of it' }).waitFor();
      await page.getByText('is there already').waitFor();
      await page.getByText('not invited').waitFor();
      assert.equal((await page.getByLabel('E-mail addresses').inputValue()).trim(), 'no address', 'what did not work can be mended');
      await page.getByRole('button', { name: `Copy Link for Ann Example <${ann}>` }).click();
      link = await page.evaluate(() => navigator.clipboard.readText());
      assert.ok(link.startsWith(`${server.url}/s/north/invite?token=`), link);
      await good(me, `people-invited-${size}`);
      await page.goto(`${server.url}/console/people?site=north&q=ann-${size}`);
      await page.getByText('invited', { exact: true }).waitFor();
      await good(me, `people-found-${size}`);
      await page.goto(`${server.url}/console/mails`);
      await page.getByRole('button', { name: `Show the link to ${ann}` }).click();
      await page.getByText('It lets in whoever has it').waitFor();
      assert.equal(await page.getByLabel(`Link for ${ann}`, { exact: true }).inputValue(), link);
      await good(me, `mails-${size}`);
    }, { width, height });

    await being(size, async (me, page) => {
      await page.goto(link);
      await page.getByText('Bo Gardener invites you to help edit The north').waitFor();
      assert.equal(await page.getByLabel('Your name').inputValue(), 'Ann Example');
      await good(me, `invite-${size}`);
      await page.getByLabel('Password', { exact: true }).fill('password1234');
      await page.getByRole('button', { name: 'Accept and go to the editor' }).click();
      await page.getByRole('alert').waitFor();
      assert.equal(me.excuse(/400/), 1);
      await good(me, `invite-refused-${size}`);
      await page.getByLabel('Password', { exact: true }).fill(fresh);
      await page.getByRole('button', { name: 'Accept and go to the editor' }).click();
      await page.waitForURL((u) => u.pathname === '/s/north/admin/');
      await page.goto(`${server.url}/console/`);
      await page.getByRole('heading', { name: 'Hello, Ann Example' }).waitFor();
      await page.goto(link);
      await page.getByRole('heading', { name: 'This link is not valid any more' }).waitFor();
      assert.equal(me.excuse(/404/), 1);
      me.complaints.length = 0; // what the editor says is another test's
    }, { width, height });

    await being(size, async (me, page) => {
      await page.goto(`${server.url}/s/north/login`);
      await page.getByRole('link', { name: 'Forgot your password?' }).click();
      await good(me, `recover-${size}`);
      await page.getByLabel('E-mail address').fill(ann);
      await page.getByRole('button', { name: 'Send me a link' }).click();
      await page.getByRole('heading', { name: 'Look into your mailbox' }).waitFor();
      await good(me, `recover-asked-${size}`);
      await page.goto(link);
      await page.getByRole('heading', { name: 'This link is not valid any more' }).waitFor();
      await good(me, `dead-link-${size}`);
      assert.equal(me.excuse(/404/), 1);
      await signIn(page, `${server.url}/login?next=/console/mails`, olga);
      await page.getByRole('button', { name: `Show the link to ${ann}` }).first().click();
      const recovery = await page.getByLabel(`Link for ${ann}`, { exact: true }).inputValue();
      assert.ok(recovery.startsWith(`${server.url}/s/north/recover?token=`), recovery);
      await page.goto(recovery);
      await good(me, `new-password-${size}`);
      assert.ok(!server.log().includes(new URL(recovery).searchParams.get('token')), 'no token in the log');
    }, { width, height });

    await being(size, async (me, page) => {
      await signIn(page, `${server.url}/login?next=/console/people`, bo);
      await page.getByRole('link', { name: 'Ann Example' }).click();
      await good(me, `person-${size}`);
      await page.getByRole('checkbox', { name: /^editor/ }).uncheck();
      await page.getByRole('checkbox', { name: /^publisher/ }).check();
      await page.getByRole('button', { name: 'Save roles' }).click();
      await page.getByRole('status').getByText('The roles are saved').waitFor();
      await page.getByRole('button', { name: 'Disable the account' }).click();
      await page.getByText('The account is disabled').waitFor();
      await good(me, `person-disabled-${size}`);
      await page.getByRole('button', { name: 'Enable the account' }).click();
      await page.getByRole('link', { name: 'Remove from The north' }).click();
      await good(me, `person-remove-${size}`);
      await page.getByRole('button', { name: 'Remove' }).click();
      await page.getByRole('status').getByText('The person is removed.').waitFor();
      assert.equal(await page.getByText(ann).count(), 0);
    }, { width, height });
  });

  test(`in other languages, on a ${size}`, async () => {
    await being(size, async (me, page) => {
      for (const [lang, heading] of [['de', 'Anmelden'], ['fr', 'Se connecter']]) {
        await page.goto(`${server.url}/s/north/login?lang=${lang}`);
        await page.getByRole('heading', { name: heading }).waitFor();
        await good(me, `login-${lang}-${size}`);
        await page.goto(`${server.url}/s/north/recover?lang=${lang}`);
        await good(me, `recover-${lang}-${size}`);
      }
      await signIn(page, `${server.url}/login?next=/console/people`, bo);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.goto(`${server.url}/console/people?lang=de`);
      await page.getByRole('heading', { level: 1, name: 'Personen bei The north' }).waitFor();
      await good(me, `people-de-${size}`);
      await page.goto(`${server.url}/console/?lang=fr`);
      await good(me, `console-fr-${size}`);
    }, { width, height });
  });
}

test('without a script everything works, and nobody is there yet', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  page.setDefaultTimeout(Number(process.env.GATEHOUSE_PATIENCE ?? 20) * 1000);
  try {
    await signIn(page, `${server.url}/login?next=/console/people?site=south`, olga);
    await page.getByLabel('E-mail addresses').fill('plain@example.org');
    await page.getByRole('button', { name: 'Invite', exact: true }).click();
    const link = await page.getByLabel('Link for plain@example.org').inputValue();
    assert.equal(await page.getByRole('button', { name: /Copy/ }).count(), 0, 'no button that does nothing');
    await page.goto(`${server.url}/logout`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.goto(link);
    await page.getByLabel('Your name').fill('Plain Person');
    await page.getByLabel('Password', { exact: true }).fill(fresh);
    await page.getByRole('button', { name: 'Accept and go to the editor' }).click();
    await page.waitForURL((u) => u.pathname === '/s/south/admin/');
  } catch (err) {
    await shot(page, 'failed-people-plain').catch(() => {});
    throw err;
  } finally {
    await context.close();
  }
});
