// Files between the content API and the CMS.

/** A file of the media library as the CMS wants it. The server's url is relative to the site's root. */
export function asMedia({ id, name, path, size, url }, root) {
  const address = new URL(url, root).href;
  return { id, name, path, size, url: address, displayURL: address };
}

/** A file of a draft: with the File itself, because it is sent again with the next save. */
export function asDraftMedia(id, path, file) {
  const address = URL.createObjectURL(file);
  return { id, name: file.name, path, size: file.size, url: address, displayURL: address, file };
}

/** An upload of the CMS as the content API wants it. */
export async function asAsset(asset) {
  return { path: asset.path, content: await asset.toBase64(), encoding: 'base64' };
}

/** A file that came inside of an answer. */
export function asFile({ name, content }) {
  const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
  return new File([bytes], name, { type: name.endsWith('.svg') ? 'image/svg+xml' : '' });
}
