// One cell of the matrix: a test with people in it, who are gone when it is over.
import { test } from 'node:test';
import { shot } from '../../browser/lib/browser.mjs';

/**
 * A test that prints its seconds. What was opened by using is closed after it;
 * when it fails, the screens of all its windows are kept.
 *
 * @param {string} name
 * @param {(using: <T extends {close: () => Promise}>(thing: T) => T) => Promise} run
 */
export function cell(name, run) {
  test(name, { timeout: 90_000 }, async () => {
    const open = [];
    const started = performance.now();
    try {
      await run((thing) => { open.push(thing); return thing; });
      console.log(`  ${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
    } catch (err) {
      const windows = open.flatMap((thing) => (thing.me ?? thing).context?.pages() ?? []);
      for (const [i, window] of windows.entries()) await shot(window, `failed-${name.replaceAll(/\W+/g, '-').slice(0, 100)}-${i}`).catch(() => {});
      throw err;
    } finally {
      for (const thing of open.reverse()) await thing.close().catch(() => {});
    }
  });
}
