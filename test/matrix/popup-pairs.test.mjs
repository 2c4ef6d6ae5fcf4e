// Every client with every host that it can have: yes, an error of the host, and no.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { shot } from '../browser/lib/browser.mjs';
import { town } from '../browser/lib/popup.mjs';
import { sawPages } from '../browser/lib/trace.mjs';
import { cell } from './lib/cell.mjs';

const pairs = [
  ['decap-cms', 'gitlab'], ['decap-cms', 'bitbucket'],
  ['netlify-cms', 'github'], ['netlify-cms', 'gitlab'], ['netlify-cms', 'bitbucket'],
  ['sveltia-cms', 'github'], ['sveltia-cms', 'gitlab'],
];
const rotates = (kind) => kind !== 'github';

let at;
before(async () => { at = await town({ kinds: ['github', 'gitlab', 'bitbucket'] }); });
after(async () => {
  await at?.stop();
  sawPages('/auth', '/auth/result');
});

/** A person at the CMS whom the host does not know. */
async function arrive(bundle, kind) {
  await at.world.order(kind, { forget: true });
  return at.visit(bundle, kind);
}

/** The editor shows what the page of help has said, when the person is back. */
async function shownInEditor(visit, popup, id) {
  const page = popup.locator(`[data-help="${id}"]:visible`);
  await page.waitFor();
  const closed = popup.waitForEvent('close');
  await page.getByRole('button', { name: 'Back to the editor' }).click();
  await closed;
  const outcomes = await visit.told();
  assert.deepEqual(outcomes.map(({ kind }) => kind), ['error']);
  await visit.page.getByText(outcomes[0].content.message).first().waitFor();
  assert.equal((await visit.user())?.token, undefined);
  await visit.button.waitFor(); // and can try again
  await visit.leave();
}

for (const [bundle, kind] of pairs) {
  cell(`${bundle} × ${kind}: success`, async (using) => {
    const visit = using(await arrive(bundle, kind));
    await visit.signIn();
    await visit.page.getByText('Mowing').first().waitFor();
    await shot(visit.page, `popup-inside-${bundle}-${kind}`);
    const { access, refresh } = (await at.world.record(kind)).issued;
    const user = await visit.user();
    assert.equal(user.token, access.at(-1));
    const [{ content }, ...more] = await visit.leave();
    assert.deepEqual(more, []);
    assert.equal(content.token, access.at(-1));
    assert.equal('refresh_token' in content, rotates(kind));
    assert.ok(!refresh.includes(content.refresh_token));
    if (rotates(kind)) assert.ok(content.expires_in > 7000 && content.expires_in <= 7200, String(content.expires_in));
  });

  cell(`${bundle} × ${kind}: an error of the host`, async (using) => {
    await at.world.faults(kind, { token: ['error:invalid_grant'] });
    const visit = using(await arrive(bundle, kind));
    const popup = await visit.click();
    await visit.decide(popup);
    await shownInEditor(visit, popup, 'E-upstream');
  });

  cell(`${bundle} × ${kind}: cancelled`, async (using) => {
    const visit = using(await arrive(bundle, kind));
    const popup = await visit.click();
    await visit.decide(popup, { allow: false });
    await shownInEditor(visit, popup, 'E-cancel');
  });
}

cell('sveltia-cms × gitlab asks at oauth/authorize, when nothing else is said', async (using) => {
  const visit = using(await arrive('sveltia-cms', 'gitlab'));
  const popup = await visit.click();
  assert.equal(new URL(visit.trace.addresses[0]).pathname, '/oauth/authorize');
  await popup.close();
});
