// An operator's pages: a connector is added with the values for the host's form,
// changed and removed; who may not see them does not; and no page ever holds the
// secret.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessibility, launch, open, shot, signIn } from './lib/browser.mjs';
import { posts, simpleConfig } from './lib/content.mjs';
import { start } from './lib/server.mjs';

const ada = 'ada@example.org';
const ed = 'ed@example.org';
const secret = 'shh-4f1c09ba77e24d6f';
const files = { 'admin/config.yml': simpleConfig(), ...posts(1) };
let server, browser;

before(async () => {
  server = await start({
    sites: { north: { files }, south: { files } },
    people: [{ email: ada, name: 'Ada Writer', operator: true }, { email: ed, name: 'Ed Itor', site: 'north', role: 'admin' }],
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

/** An operator who looks at the connectors, with every answer that the page gets. */
async function operator(size) {
  const me = await open(browser, size);
  me.told = [];
  me.page.on('response', (response) => {
    if (response.status() < 300 || response.status() >= 400) me.told.push(response.text().then((text) => ({ url: response.url(), text }), () => ({ text: '' })));
  });
  await signIn(me.page, `${server.url}/login?next=/console/connectors`, ada);
  await me.page.getByRole('heading', { level: 1, name: 'Connectors' }).waitFor();
  return me;
}

/** No answer held the secret, and the log does not. */
async function keepsSecret(me) {
  for (const { url, text } of await Promise.all(me.told)) assert.ok(!text.includes(secret), `${url} holds the secret`);
  assert.ok(!server.log().includes(secret), 'the log holds the secret');
}

for (const [size, width, height] of [['desk', 1280, 900], ['phone', 390, 844]]) {
  test(`a connector from beginning to end on a ${size}`, async () => {
    const me = await operator({ width, height });
    const { page } = me;
    const name = `hub-${size}`;
    try {
      await page.getByText('There is no connector yet').waitFor();
      await good(me, `connectors-none-${size}`);
      await page.getByRole('link', { name: 'Add the first connector' }).click();
      await page.getByLabel('GitHub, by an OAuth app').check();
      await page.getByLabel('Name of the connector').fill('Not Good');
      await page.getByRole('button', { name: 'Go on' }).click();
      await page.getByRole('alert').getByText('lower-case').waitFor();
      assert.ok(await page.getByLabel('GitHub, by an OAuth app').isChecked(), 'the choice is still there');
      await good(me, `connector-start-refused-${size}`);
      assert.equal(me.excuse(/400/), 1);
      await page.getByLabel('Name of the connector').fill(name);
      await page.getByRole('button', { name: 'Go on' }).click();

      const callback = page.getByLabel('Authorization callback URL', { exact: true });
      assert.equal(await callback.inputValue(), `${server.url}/callback/${name}`);
      await page.getByRole('button', { name: 'Copy Authorization callback URL' }).click();
      await page.getByText('Authorization callback URL is copied.').waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${server.url}/callback/${name}`);
      const form = new URL(await page.getByRole('link', { name: 'Open the form at GitHub' }).getAttribute('href'));
      assert.equal(form.hostname, 'github.com');
      assert.equal(form.searchParams.get('oauth_application[callback_url]'), `${server.url}/callback/${name}`);
      await good(me, `connector-new-${size}`);

      await page.getByLabel('Client ID').fill('123456');
      await page.getByLabel('Client secret').fill(secret);
      await page.getByText('More settings').click();
      await page.getByLabel('The south').check();
      await page.getByLabel('Proxy').fill('proxy without a scheme');
      await page.getByRole('button', { name: 'Add the connector' }).click();
      await page.getByText('Nothing is saved yet').waitFor();
      assert.equal(await page.getByLabel('Client ID').inputValue(), '123456');
      assert.equal(await page.getByLabel('Client secret').inputValue(), '', 'the secret does not come back');
      assert.ok(await page.getByLabel('The south').isChecked());
      await page.getByRole('alert').getByRole('link', { name: /proxy/ }).click();
      await good(me, `connector-refused-${size}`);
      assert.equal(me.excuse(/400/), 1);
      await page.getByLabel('Client ID').fill('Ov23liPractice');
      await page.getByLabel('Client secret').fill(secret);
      await page.getByLabel('Proxy').fill('');
      await page.getByRole('button', { name: 'Add the connector' }).click();
      await page.getByRole('status').getByText('The connector is added').waitFor();
      await page.getByText('used by The south').waitFor();
      await good(me, `connectors-${size}`);

      await page.getByRole('link', { name }).click();
      assert.equal(await page.getByLabel('Client secret').inputValue(), '');
      await page.getByLabel('Always open the host in a second window').check();
      await good(me, `connector-${size}`);
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByRole('status').getByText('The connector is saved').waitFor();
      await page.getByText('It always opens the host in a second window.').waitFor();

      await page.getByRole('link', { name }).click();
      await page.getByRole('link', { name: `Remove ${name}` }).click();
      await good(me, `connector-remove-${size}`);
      await page.getByRole('link', { name: 'Keep it' }).click();
      await page.getByRole('link', { name: `Remove ${name}` }).click();
      await page.getByRole('button', { name: `Remove ${name}` }).click();
      await page.getByText('There is no connector yet').waitFor();

      await page.getByRole('link', { name: 'Sign-ins', exact: true }).click();
      await page.getByText('signed in with a password').first().waitFor();
      await page.getByLabel('Error id').fill('nothing');
      await page.getByRole('button', { name: 'Show' }).click();
      await page.getByText('Nothing fits.').waitFor();
      await good(me, `sign-ins-${size}`);
      await keepsSecret(me);
      me.clean();
    } catch (err) {
      await shot(page, `failed-connectors-${size}`).catch(() => {});
      throw err;
    } finally {
      await me.context.close();
    }
  });
}

test('whoever is no operator sees no connectors', async () => {
  const me = await open(browser);
  try {
    await signIn(me.page, `${server.url}/login?next=/console/connectors`, ed);
    await me.page.getByRole('heading', { name: 'Not for this account' }).waitFor();
    await good(me, 'connectors-forbidden');
    assert.equal(me.excuse(/403/), 1);
    await me.page.getByRole('link', { name: 'To your account' }).click();
    await me.page.getByRole('heading', { name: 'Hello, Ed Itor' }).waitFor();
    assert.equal(await me.page.getByRole('link', { name: 'Connectors' }).count(), 0);
    me.clean();
  } catch (err) {
    await shot(me.page, 'failed-connectors-forbidden').catch(() => {});
    throw err;
  } finally {
    await me.context.close();
  }
});

test('a connector works the same without a script, and twice is once', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  page.setDefaultTimeout(Number(process.env.GATEHOUSE_PATIENCE ?? 20) * 1000);
  try {
    await signIn(page, `${server.url}/login?next=/console/connectors/new`, ada);
    await page.getByLabel('Forgejo').check();
    await page.getByLabel('Address of the host').fill('git.example.org');
    await page.getByRole('button', { name: 'Go on' }).click();
    assert.equal(await page.getByRole('button', { name: /Copy/ }).count(), 0, 'no button that does nothing');
    await page.getByLabel('Client ID').fill('practice');
    await page.getByLabel('Client secret').fill(secret);
    const add = page.getByRole('button', { name: 'Add the connector' });
    await add.dblclick();
    await page.getByRole('link', { name: 'forgejo' }).waitFor();
    assert.equal(await page.getByRole('listitem').count(), 1);
    assert.ok(!(await page.content()).includes(secret));
  } catch (err) {
    await shot(page, 'failed-connectors-plain').catch(() => {});
    throw err;
  } finally {
    await context.close();
  }
});
