// A CMS closes the window as soon as it has the outcome. When it does not, the
// token has reached nobody, and the server takes it back.

const patience = 20_000;

/**
 * @param {'success' | ''} kind of what was posted; empty: nothing could be
 * @param {{gone: () => void, report: (id: string) => void}} tell
 */
export function watch(kind, { gone, report }, timers = globalThis) {
  const lost = () => {
    report('undelivered');
    gone();
  };
  if (kind) timers.setTimeout(lost, patience);
  else lost();
}
