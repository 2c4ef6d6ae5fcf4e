// An editor that is closed in the middle looks to the popup like a host that cuts
// windows off. The difference shows in the next sign-in.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { help, town } from '../browser/lib/popup.mjs';
import { cell } from './lib/cell.mjs';

let at;

before(async () => { at = await town({ kinds: ['gitlab'] }); });
after(async () => { await at?.stop(); });

async function arrive() {
  await at.world.order('gitlab', { forget: true });
  return at.visit('decap-cms', 'gitlab');
}

async function closeMeanwhile(using) {
  const visit = using(await arrive());
  const popup = await visit.click();
  await popup.getByText('Practice host.').waitFor();
  const reported = popup.waitForResponse(`${at.broker}/auth/report`);
  await visit.page.close();
  await visit.decide(popup);
  await help(popup, 'E-opener-gone');
  await reported;
  await visit.close();
}

/** Signs in by a second window. */
async function bySecond(using) {
  const visit = using(await arrive());
  const messenger = await visit.click();
  const go = messenger.getByRole('button', { name: 'Continue to' });
  const [second] = await Promise.all([visit.me.context.waitForEvent('page'), go.click()]);
  const closed = [messenger.waitForEvent('close'), second.waitForEvent('close')];
  await visit.decide(second);
  await Promise.all(closed);
  await visit.inside();
  assert.deepEqual((await visit.leave()).map(({ kind }) => kind), ['success']);
}

cell('an editor that is closed meanwhile costs one second window, and no more', async (using) => {
  await closeMeanwhile(using);
  await bySecond(using);
  const visit = using(await arrive());
  await visit.signIn();
  assert.deepEqual((await visit.leave()).map(({ kind }) => kind), ['success']);
});

cell('a second loss within the week is no accident', async (using) => {
  await closeMeanwhile(using);
  await bySecond(using);
  await bySecond(using);
});
