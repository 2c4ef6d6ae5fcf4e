// What the bundles use and do not export, borrowed from their own test-repo
// backend: the Cursor class, which pages through listings, with the symbol that
// hangs one on a list, and the error that says "not in the workflow".

/** @returns {{cursors: Promise<{symbol: symbol, create: Function}|null>, notInWorkflow: () => Promise<never>}} */
export function borrow(CMS) {
  const donor = CMS.getBackend('test-repo').init({ backend: { name: 'test-repo' }, media_folder: 'm' }, {});
  const cursors = Promise.resolve(donor.entriesByFolder('', '', 1)).then((list) => {
    const [symbol] = Object.getOwnPropertySymbols(list);
    return symbol ? { symbol, create: list[symbol].constructor.create } : null;
  }).catch(() => null);
  const notInWorkflow = async () => {
    await donor.unpublishedEntry({ id: 'no/such', collection: 'no', slug: 'such' });
    throw Object.assign(new Error('content is not under editorial workflow'), { name: 'EDITORIAL_WORKFLOW_ERROR', notUnderEditorialWorkflow: true });
  };
  return { cursors, notInWorkflow };
}

/**
 * Where a page of a listing stands, for Cursor.create. The CMS counts pages
 * from zero, and its pageCount is the number of the last page.
 *
 * @param {{page: number, pages: number, count: number}} answer pages count from 1
 * @param {object} query what traverseCursor needs to ask for another page
 */
export function position({ page, pages, count }, query) {
  const actions = [...(page < pages ? ['next', 'last'] : []), ...(page > 1 ? ['prev', 'first'] : [])];
  return { actions, meta: { index: page - 1, count, pageSize: Math.ceil(count / Math.max(pages, 1)), pageCount: pages - 1 }, data: { ...query, page, pages } };
}

/** The page that an action of the CMS leads to. */
export function target(action, { page, pages }) {
  return { next: Math.min(page + 1, pages), prev: Math.max(page - 1, 1), last: pages }[action] ?? 1;
}
