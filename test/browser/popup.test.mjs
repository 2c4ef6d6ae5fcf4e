// The popup, the whole way: an unmodified decap-cms on a page elsewhere, a
// practice GitHub, and Gatehouse between them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { shot } from './lib/browser.mjs';
import { town } from './lib/popup.mjs';

let at;
before(async () => { at = await town({ kinds: ['github'] }); });
after(async () => { await at?.stop(); });

test('sign in by the popup, and see the entries', async () => {
  const visit = await at.visit('decap-cms', 'github');
  await visit.signIn();
  await shot(visit.page, 'popup-inside');
  const issued = (await at.world.record('github')).issued;
  assert.deepEqual([(await visit.user()).token], issued.access);
  await visit.onlyTheThree();
  visit.me.clean();
  await visit.close();
});
