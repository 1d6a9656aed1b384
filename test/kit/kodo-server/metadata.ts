import type { ObjectTraits } from '../s3-server/bucket.ts';
import type { KodoManners } from './call.ts';

const META = 'x-qn-meta-';

type Described = Pick<ObjectTraits, 'contentHeaders' | 'userMetadata'>;

/**
 * What an upload says of its object beside the bytes. A name with an exclamation mark is no metadata:
 * it is a header that downloads bear, `Last-Modified` too.
 *
 * @see https://developer.qiniu.com/kodo/1252/chgm
 */
export function describedBy(
  fields: Iterable<readonly [name: string, value: string]>,
  contentType: string,
  { ownNames }: KodoManners,
): Described {
  const contentHeaders: Record<string, string> = { 'content-type': contentType };
  const userMetadata: Record<string, string> = {};
  for (const [given, text] of fields) {
    const name = given.toLowerCase();
    if (!name.startsWith(META)) continue;
    const short = name.slice(META.length);
    // Headers carry bytes.
    const value = Buffer.from(text).toString('latin1');
    if (short.startsWith('!')) contentHeaders[short.slice(1)] = value;
    else if (ownNames) contentHeaders[name] = value;
    else userMetadata[short] = value;
  }
  return { contentHeaders, userMetadata };
}

/** The headers with which a download describes an object. */
export function headersOf({ contentHeaders, userMetadata }: Described): Record<string, string> {
  const own = Object.entries(userMetadata).map(([name, value]) => [META + name, value]);
  return { ...(Object.fromEntries(own) as Record<string, string>), ...contentHeaders };
}

/** The metadata by their plain names, as text. */
export function metadataOf(described: Described): Record<string, string> {
  const pairs = Object.entries(headersOf(described))
    .filter(([name]) => name.startsWith(META))
    .map(([name, value]) => [name.slice(META.length), Buffer.from(value, 'latin1').toString()]);
  return Object.fromEntries(pairs) as Record<string, string>;
}
