// What the self-test says about what it finds. No browser is needed to know it.

export const answers = {
  cached: 'Two requests got the same answer: something between this browser and Gatehouse keeps copies of pages. Switch that off for /auth and /callback.',
  noProbe: 'Gatehouse did not answer a plain request of this page. Look at the log of the proxy.',
  blocked: 'The browser blocked the window. Allow this page to open windows; a CMS page needs the same.',
  cut: 'The window is closed, or cut off from this page. If you can still see it, something adds the header Cross-Origin-Opener-Policy to the pages below /auth: take it away there.',
  closed: 'The window was closed before the sign-in was over, or a header Cross-Origin-Opener-Policy has cut it off on the way.',
  elsewhere: 'The window was sent to another address. The proxy must not redirect /auth or /callback.',
  silent: 'The window is open and says nothing. Either its script was not loaded, which the log of the proxy shows, or the window is at another address than this page.',
  missed: 'The messages came in an order that this CMS does not understand.',
  refused: (text) => `It was told: “${text || 'nothing'}”`,
};

/** Is this page at the public address, and does the proxy pass the Host header on? */
export function whyAddress({ here, host, arrived, origin }) {
  if (here === origin && arrived === host) return '';
  if (arrived !== host) {
    return `The browser asked for ${host}, and ${arrived} arrived here: the proxy changes the Host header and must pass it on (nginx: proxy_set_header Host $host).`;
  }
  return `This page was opened at ${here}, and Gatehouse is set up as ${origin}: open ${origin}/auth/selftest, or change url in gatehouse.yaml.`;
}

/** Do the headers of a sign-in page arrive as they were sent? */
export function headers(got, policy) {
  const opener = got.get('Cross-Origin-Opener-Policy');
  if (opener && opener !== 'unsafe-none') {
    return `Something adds the header Cross-Origin-Opener-Policy: ${opener}. It cuts the sign-in window off from the editor: take it away for /auth and /callback.`;
  }
  if (!/\bno-store\b/.test(got.get('Cache-Control') ?? '')) {
    return `Something changes the header Cache-Control to “${got.get('Cache-Control') ?? ''}”. Pages of the sign-in must be sent with no-store.`;
  }
  if (got.get('Content-Security-Policy') !== policy) {
    return 'Something changes the header Content-Security-Policy. Two policies both apply, and the scripts of the sign-in may be refused: leave the header of Gatehouse as it is.';
  }
  return '';
}

const tolerance = 2 * 60 * 1000;

/** Ahead is how much later it is at the server, in milliseconds. */
export function whyClock(ahead) {
  if (Math.abs(ahead) < tolerance) return '';
  const minutes = Math.round(Math.abs(ahead) / 60_000);
  return `The clock of the server is ${minutes} minutes ${ahead > 0 ? 'ahead of' : 'behind'} this computer's. One of them is wrong; if it is the server's, tokens will seem to have ended, or not to have begun.`;
}

/** Why the window shows a page of help. */
export function whyPage(id, origin) {
  switch (id) {
    case 'E-no-opener':
      return 'The window has lost this page: something adds the header Cross-Origin-Opener-Policy to it or to this one.';
    case 'E-opener-gone':
      return 'The window lost this page on the way back: something adds the header Cross-Origin-Opener-Policy to the pages below /callback.';
    case 'E-no-answer':
      return `The window does not hear this page. Gatehouse is set up as ${origin}; is that where this page is?`;
    case 'E-state':
      return 'The cookie of the sign-in did not come back. Either this browser keeps no cookies of this address, or the proxy takes the header Set-Cookie or Cookie away.';
    case 'E-host':
      return 'The sign-in got another Host header than the one of its public address: the proxy must pass it on unchanged.';
    case 'E-origin':
      return `The browser says that this page is not at ${origin}.`;
    case 'E-rate':
      return 'There were too many sign-ins from your address. If it was not you: the proxy hides the addresses of its visitors, see trusted_proxies in gatehouse.yaml.';
    default:
      return `The window shows the page ${id}; it says what to do.`;
  }
}
