// What our windows ask the server.

/** The page for a server that cannot be asked for one. */
export const away = {
  id: 'E-upstream',
  title: 'Gatehouse does not answer',
  sentence: 'The connection to the sign-in service was lost.',
  action: 'Try again in a minute.',
  retry: true,
};

/**
 * Asks the server.
 *
 * @param {string} route begin, claim or report
 * @param {object} body
 * @returns {Promise<{status: number, body: object}>} status 0: no answer. A refusal has a page in its body.
 */
export async function ask(route, body, fetch = globalThis.fetch) {
  try {
    const answer = await fetch(`/auth/${route}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      cache: 'no-store',
      credentials: 'same-origin',
      redirect: 'error',
      keepalive: true,
    });
    const text = await answer.text();
    const said = text ? JSON.parse(text) : {};
    if (answer.ok || said.page || said.pending) return { status: answer.status, body: said };
    return { status: answer.status, body: { page: away } };
  } catch {
    return { status: 0, body: { page: away } };
  }
}
