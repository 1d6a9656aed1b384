import type { ObjectTraits } from '../s3-server/bucket.ts';

const META = 'x-qn-meta-';

/**
 * What an upload says of its object beside the bytes. A name with an exclamation mark is no metadata:
 * it is a header that downloads bear, `Last-Modified` too.
 *
 * @see https://developer.qiniu.com/kodo/1252/chgm
 */
export function describedBy(
  fields: Iterable<readonly [name: string, value: string]>,
  contentType: string,
): Pick<ObjectTraits, 'contentHeaders' | 'userMetadata'> {
  const contentHeaders: Record<string, string> = { 'content-type': contentType };
  const userMetadata: Record<string, string> = {};
  for (const [given, text] of fields) {
    const name = given.toLowerCase();
    if (!name.startsWith(META)) continue;
    const short = name.slice(META.length);
    // Headers carry bytes.
    const value = Buffer.from(text).toString('latin1');
    if (short.startsWith('!')) contentHeaders[short.slice(1)] = value;
    else userMetadata[short] = value;
  }
  return { contentHeaders, userMetadata };
}

/** The metadata as headers of a download. */
export function metaHeaders({
  userMetadata,
}: Pick<ObjectTraits, 'userMetadata'>): Record<string, string> {
  const pairs = Object.entries(userMetadata).map(([name, value]) => [META + name, value]);
  return Object.fromEntries(pairs) as Record<string, string>;
}
