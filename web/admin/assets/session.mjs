// Who is at the page: the person for the CMS's header and commit messages, and
// what log-out takes away.

const colours = ['#24526f', '#5b3a72', '#7a3b2e', '#2f5d3a', '#6a4d12', '#3d4a87'];

/** The initials of a name as a picture: a data: URL of an SVG. */
export function avatar(name) {
  const words = name.trim().split(/[\s@._-]+/).filter(Boolean);
  const letters = [words[0], words.length > 1 && !name.includes('@') ? words.at(-1) : undefined].filter(Boolean).map((w) => [...w][0].toUpperCase()).join('');
  const colour = colours[[...name].reduce((sum, c) => sum + c.codePointAt(0), 0) % colours.length];
  const text = letters.replace(/[&<>"]/g, '') || '?';
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="40" height="40" fill="${colour}"/><text x="20" y="26" font-family="sans-serif" font-size="16" fill="#fff" text-anchor="middle">${text}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/**
 * The server's session as the CMS's user. It ends up in localStorage, so there
 * is no secret in it: "token" only satisfies code that wants one to be there.
 */
export function asUser({ user }) {
  const name = user.name || user.email;
  return { name, login: user.email, email: user.email, avatar_url: user.avatar_url || avatar(name), token: 'cookie' };
}

/** Shows the person's name beside their picture in the CMS's header: admin.css takes it from here. */
export function greet({ name }) {
  document.documentElement.style.setProperty('--gatehouse-person', JSON.stringify(name));
}

/** Everything this person left in this browser, at every site of this origin: see storage.js. */
export async function forget(scope, { storage = localStorage, databases = indexedDB } = {}) {
  const person = scope.split(':').slice(0, 2).join(':') + ':';
  for (const key of Object.keys(storage)) if (key.startsWith(person)) storage.removeItem(key);
  const names = databases.databases ? (await databases.databases()).map((d) => d.name) : [`${scope}localforage`];
  await Promise.all(names.filter((name) => name.startsWith(person)).map((name) => new Promise((resolve) => {
    const request = databases.deleteDatabase(name);
    // Another tab may hold it open; it is deleted when that one lets go.
    request.onsuccess = request.onerror = request.onblocked = resolve;
  })));
}
