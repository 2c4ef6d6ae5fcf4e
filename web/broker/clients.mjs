// How CMS pages take part in a sign-in, as the self-test plays them. Each answers
// the hello of the popup and waits for the outcome; they differ in how strict
// they are. A broker that satisfies both satisfies their relatives.

/**
 * Decap CMS and Netlify CMS: one answer for each click, only to the very text of
 * base_url, and only after it the outcome, on one line.
 *
 * @param {{base: string, provider: string, echo: (data: string, origin: string) => void}} o
 * @returns {(event: {data: unknown, origin: string}) => object | undefined} hears a message, and gives the outcome when that was it
 */
export function decap({ base, provider, echo }) {
  let met = false;
  return ({ data, origin }) => {
    if (origin !== base) return undefined;
    if (!met) {
      met = data === `authorizing:${provider}`;
      if (met) echo(data, origin);
      return undefined;
    }
    for (const kind of ['success', 'error']) {
      const start = `authorization:${provider}:${kind}:`;
      if (data.indexOf(start) === 0) return { kind, data: JSON.parse(new RegExp(`^${start}(.+)$`).exec(data)[1]) };
    }
    return undefined;
  };
}

/**
 * Sveltia CMS: an answer to every hello, and any other text ends the sign-in.
 * Takes and gives the same as decap.
 */
export function sveltia({ base, provider, echo }) {
  const origin = new URL(base).origin;
  return (event) => {
    if (event.origin !== origin || typeof event.data !== 'string') return undefined;
    if (event.data === `authorizing:${provider}`) {
      echo(event.data, event.origin);
      return undefined;
    }
    const [, kind, json] = new RegExp(`^authorization:${provider}:(success|error):(.+)`).exec(event.data) ?? [];
    if (!json) return { kind: 'error', data: { error: `“${event.data}” is no outcome` } };
    const data = JSON.parse(json);
    return { kind: 'token' in data ? 'success' : 'error', data };
  };
}
