// Publishing a draft when the site's branch has moved since the draft was begun:
// by another editor, or by an ordinary git push of somebody who knows no CMS.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { posts, simpleConfig } from '../browser/lib/content.mjs';
import { start } from '../browser/lib/server.mjs';
import { Client, draftOf, entry, postPath } from './lib/client.mjs';
import { Clone } from './lib/clone.mjs';

const people = [{ email: 'ada@example.org', name: 'Ada Writer', operator: true }, { email: 'bob@example.org', name: 'Bob Editor', operator: true }];
let server, repo, ada, bob;

before(async () => {
  server = await start({ sites: { blog: { files: { 'admin/config.yml': simpleConfig(), ...posts(20) } } }, people });
  repo = server.repositories.blog;
  ada = await Client.signIn(server, 'blog', people[0].email);
  bob = await Client.signIn(server, 'blog', people[1].email);
});

after(() => server?.stop());

const page = ({ head = '', title = 'The title', first = 'One.', last = 'Nine.' } = {}) => `---\n${head}title: ${title}\ndate: 2026-01-01T10:00:00.000Z\n---\n${first}\n\nTwo.\n\nThree.\n\nFour.\n\n${last}\n`;

// Who moves the branch, by giving a file another content.
const movers = {
  'another editor': {
    name: /Bob Editor/,
    move: async (slug, raw) => {
      const { base } = await bob.open(postPath(slug));
      await bob.must('persistEntry', entry(slug, raw, { base }));
    },
  },
  'a git push': {
    name: /Sam Seeder/,
    move: async (slug, raw) => repo.commit({ [postPath(slug)]: raw }, 'Push by hand'),
  },
};

let number = 0;

/** A post, its draft by Ada, and then somebody else's change of the post. */
async function moved({ move, mine, theirs }) {
  const slug = `moved-${++number}`;
  repo.commit({ [postPath(slug)]: page() }, 'A post');
  const { base } = await ada.open(postPath(slug));
  await ada.must('persistEntry', entry(slug, mine, { draft: true, base }));
  await ada.must('updateUnpublishedEntryStatus', { ...draftOf(slug), newStatus: 'pending_publish' });
  await move(slug, theirs);
  const head = repo.git('rev-parse', 'main').trim();
  return { slug, path: postPath(slug), head, answer: await ada.ask('publishUnpublishedEntry', draftOf(slug)) };
}

/** Nothing has happened: not to the site, and not to the draft. */
async function refused({ slug, path, head, answer }, name, mine, theirs) {
  assert.equal(answer.status, 409, JSON.stringify(answer.body));
  assert.deepEqual(answer.body.paths, [path]);
  assert.ok(answer.body.error.includes(path), answer.body.error);
  assert.match(answer.body.error, name);
  assert.equal(repo.git('rev-parse', 'main').trim(), head);
  assert.equal(repo.read(path), theirs);
  assert.equal(repo.read(path, `cms/posts/${slug}`), mine);
  assert.ok((await ada.drafts()).includes(`posts/${slug}`));
  repo.fsck();
}

for (const [who, { name, move }] of Object.entries(movers)) {
  test(`${who} changed another place of the file: both are in it`, async () => {
    const { slug, path, head, answer } = await moved({ move, mine: page({ first: 'One, by Ada.' }), theirs: page({ last: 'Nine, by another.' }) });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal(repo.read(path), page({ first: 'One, by Ada.', last: 'Nine, by another.' }));
    repo.git('merge-base', '--is-ancestor', head, 'main');
    assert.equal(repo.last().email, people[0].email);
    assert.ok(!repo.drafts().includes(`cms/posts/${slug}`));
    assert.ok(!(await ada.drafts()).includes(`posts/${slug}`));
    repo.fsck();
  });

  test(`${who} changed the same place: it is refused, and nothing has changed`, async () => {
    const mine = page({ first: 'One, by Ada.' });
    const theirs = page({ first: 'One, by another.' });
    await refused(await moved({ move, mine, theirs }), name, mine, theirs);
  });

  test(`${who} added the same key elsewhere: a merge with broken front matter is refused`, async () => {
    const mine = page({ head: 'image: ada.png\n' });
    const theirs = page().replace('.000Z\n', '.000Z\nimage: other.png\n');
    await refused(await moved({ move, mine, theirs }), name, mine, theirs);
  });

  test(`${who} changed other files only: the draft is published as it was seen`, async () => {
    const mine = page({ title: 'By Ada' });
    const { path, answer } = await moved({ move: (_, raw) => move('post-07', raw), mine, theirs: page({ title: `Number seven, ${who}` }) });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal(repo.read(path), mine);
    assert.equal(repo.read(postPath('post-07')), page({ title: `Number seven, ${who}` }));
    repo.fsck();
  });
}

test('a refused draft can be brought in after opening the published entry', async () => {
  const { slug, path, answer } = await moved({ move: movers['a git push'].move, mine: page({ title: 'Mine' }), theirs: page({ title: 'Theirs' }) });
  assert.equal(answer.status, 409);
  await ada.must('deleteUnpublishedEntry', draftOf(slug));
  const { base, data } = await ada.open(path);
  assert.equal(data, page({ title: 'Theirs' }));
  await ada.must('persistEntry', entry(slug, page({ title: 'Theirs and mine' }), { draft: true, base }));
  await ada.must('publishUnpublishedEntry', draftOf(slug));
  assert.equal(repo.read(path), page({ title: 'Theirs and mine' }));
});

test('pushes by hand and saves at the same moment: neither loses anything', async () => {
  const before = repo.git('rev-parse', 'main').trim();
  const clone = new Clone(repo);
  const pushed = [];
  let saved = 0;
  const bases = {};
  try {
    for (let round = 0; round < 12; round++) {
      const file = `by-hand-${round}.txt`;
      await clone.commit(file);
      const push = clone.push();
      await new Promise((resolve) => { setTimeout(resolve, Math.random() * 60); }); // sometimes one is first, sometimes the other
      await Promise.all([ada, bob].map(async (client, n) => {
        const slug = `post-1${n}`;
        bases[slug] ??= (await client.open(postPath(slug))).base;
        const answer = await client.must('persistEntry', entry(slug, page({ title: `Save ${round} of ${client.email}` }), { base: bases[slug] }));
        bases[slug] = answer.bases[postPath(slug)];
        saved++;
      }));
      if (await push) pushed.push(file);
    }
    await clone.commit('by-hand-last.txt');
    assert.ok(await clone.push(), 'a push meets nobody');
    pushed.push('by-hand-last.txt');
  } finally {
    clone.remove();
  }
  for (const file of pushed) assert.equal(repo.read(file), 'By hand.\n');
  const count = (grep) => Number(repo.git('rev-list', '--count', `--grep=${grep}`, `${before}..main`));
  assert.equal(count('^Save post'), saved);
  assert.equal(count('^Push by hand'), pushed.length);
  repo.fsck();
});
