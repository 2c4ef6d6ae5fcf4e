// The image field of Decap CMS 3.16 asks for its picture once. While that loads
// it is given an empty stand-in, and nothing tells it when the picture has come,
// so that the field of an entry stays blank although the preview shows it. This
// asks again in the field's place. Where the field shows its picture by itself
// there is nothing to do.

const patience = 20_000; // milliseconds that a picture may take
const pause = 150;

/** The question that the component above an image asked: {value, field, getAsset}. */
function question(image) {
  const key = Object.keys(image).find((k) => k.startsWith('__reactFiber$'));
  let fiber = image[key];
  for (let up = 0; fiber && up < 10; up++, fiber = fiber.return) {
    const { getAsset, value } = fiber.memoizedProps ?? {};
    if (typeof getAsset === 'function' && typeof value === 'string') return fiber.memoizedProps;
  }
  return undefined;
}

async function complete(image) {
  const asked = question(image);
  if (!asked) return;
  for (const end = Date.now() + patience; image.isConnected && Date.now() < end;) {
    const asset = asked.getAsset(asked.value, asked.field);
    if (asset?.path !== 'empty.svg') {
      if (image.src !== String(asset)) image.src = String(asset);
      return;
    }
    await new Promise((resolve) => { setTimeout(resolve, pause); });
  }
}

/** Looks after the image fields of this page from now on. */
export function completeThumbnails() {
  const images = (node) => (node.nodeType !== Node.ELEMENT_NODE ? [] : node.matches('img[role="presentation"]') ? [node] : node.querySelectorAll('img[role="presentation"]'));
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        for (const image of images(node)) if (image.src.startsWith('blob:')) complete(image);
      }
    }
  }).observe(document.body, { childList: true, subtree: true });
}
