import type { Reply } from '../s3-server/call.ts';
import { type Item, walk } from '../s3-server/walk.ts';
import { bucketOf, decoded, json, type KodoCall, objectOf, pathOf } from './call.ts';
import { KodoError } from './kodo-error.ts';
import { statOf } from './objects.ts';
import { checkAccess } from './tokens.ts';

const PAGE_MAX = 1000;

/** https://developer.qiniu.com/kodo/1284/list */
export function list(call: KodoCall): Reply {
  checkAccess(call);
  const { service } = call;
  if (service.manners.throttles > 0) {
    service.manners.throttles -= 1;
    throw new KodoError('too many requests');
  }
  const { path, query } = pathOf(call);
  if (path !== '/list') throw new KodoError('no such method');
  const asked = new URLSearchParams(query);
  const limit = Number(asked.get('limit') ?? PAGE_MAX);
  if (!(limit >= 1 && limit <= PAGE_MAX)) throw new KodoError('invalid argument');
  const bucket = bucketOf(service, asked.get('bucket') ?? '');
  const delimiter = asked.get('delimiter') ?? '';
  const items = walk(
    bucket.sortedKeys(),
    { prefix: asked.get('prefix') ?? '', delimiter, after: keyOf(asked.get('marker') ?? '') },
    (key) => bucket.object(key) !== undefined,
  );
  const { page, last } = pageOf(items, limit);
  const prefixes = page.flatMap((item) => ('prefix' in item ? [item.prefix] : []));
  return json({
    items: page.flatMap((item) =>
      'key' in item ? [{ key: item.key, ...statOf(objectOf(bucket, item.key)) }] : [],
    ),
    ...(delimiter !== '' && { commonPrefixes: prefixes }),
    ...(last !== undefined && { marker: markerOf(last) }),
  });
}

function pageOf(
  items: Iterable<Item>,
  limit: number,
): { readonly page: readonly Item[]; readonly last: string | undefined } {
  const page: Item[] = [];
  for (const item of items) {
    const last = page.at(-1);
    if (page.length === limit && last !== undefined) {
      return { page, last: 'key' in last ? last.key : last.prefix };
    }
    page.push(item);
  }
  return { page, last: undefined };
}

/** Encodes a key as a marker, which is opaque to clients. */
function markerOf(key: string): string {
  return Buffer.from(JSON.stringify({ c: 0, k: key })).toString('base64url');
}

function keyOf(marker: string): string {
  if (marker === '') return '';
  try {
    const { k } = JSON.parse(decoded(marker) ?? '') as { readonly k?: unknown };
    if (typeof k === 'string') return k;
  } catch {
    // Markers of another form are invalid too.
  }
  throw new KodoError('invalid argument');
}
