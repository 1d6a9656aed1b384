import type { XmlElement } from '../../base/xml.ts';
import type { RecordFields } from '../../base/xml-records.ts';
import type { ObjectEntry } from '../../model/object.ts';
import { mistakeInOrder, strangerIn, TokenTrail } from '../listed-pages.ts';
import type { ListOptions, ListPage } from '../store.ts';
import type { S3Request, S3Wire } from './wire.ts';

const PAGE_MAX = 1000;

/**
 * Lists one page. The next page continues from a key, never from a token, so that a checkpoint is a key.
 * A store may send pages without any entry, as S3 does among deleted versions: tokens lead past those.
 * In a listing of any order, a key says nothing about what is left, so it continues from tokens alone.
 */
export async function listPage(
  wire: S3Wire,
  options: ListOptions,
  signal: AbortSignal,
): Promise<ListPage> {
  const { after, anyOrder = false } = options;
  const trail = new TokenTrail();
  let from: From = anyOrder ? { token: after } : { after };
  for (;;) {
    const { request, root, entries } = await readPage(wire, options, from, signal);
    if (root.textOf('IsTruncated') !== 'true') return { entries, next: undefined };
    const last = entries.at(-1)?.key;
    const next = last !== undefined && !anyOrder ? last : nextOf(wire, root, last);
    if (last !== undefined && next !== undefined) return { entries, next };
    if (next === undefined || !trail.leadsOn(next)) {
      throw wire.badReply(request, 'a page that says neither end nor how to go on');
    }
    from = { token: next };
  }
}

/** @throws {StoreError} for entries that were not requested, or that are out of order. */
async function readPage(
  wire: S3Wire,
  { prefix = '', after, limit = PAGE_MAX, anyOrder, forScan }: ListOptions,
  from: From,
  signal: AbortSignal,
) {
  const max = Math.min(Math.max(limit, 1), PAGE_MAX);
  const request = { ...listRequest(wire, prefix, from, max), forScan };
  const { root, records } = await wire.askRecords(request, LISTING, signal);
  const entries = readEntries(records, root);
  if (typeof entries === 'string') throw wire.badReply(request, entries);
  const stranger = strangerIn(entries, prefix);
  if (stranger !== undefined) throw wire.badReply(request, stranger);
  const mistake = anyOrder === true ? undefined : mistakeInOrder(entries, after);
  if (mistake !== undefined) throw wire.failure('out-of-order', request, mistake);
  return { request, root, entries };
}

/** Version 1 names a marker only where there is a delimiter. None is needed: the listing continues from the last key. */
function nextOf(
  { dialect }: S3Wire,
  root: XmlElement,
  last: string | undefined,
): string | undefined {
  return tokenOf(root) ?? (dialect.listVersion === 1 ? last : undefined);
}

function tokenOf(root: XmlElement): string | undefined {
  const token = root.textOf('NextContinuationToken');
  if (token !== undefined) return token;
  const marker = root.textOf('NextMarker');
  return marker === undefined ? undefined : keyReader(root)(marker);
}

interface From {
  readonly after?: string | undefined;
  readonly token?: string | undefined;
}

function listRequest(wire: S3Wire, prefix: string, { after, token }: From, max: number): S3Request {
  const { listVersion, listUrlEncoded } = wire.dialect;
  const common = {
    'prefix': prefix,
    'max-keys': max.toString(),
    'encoding-type': listUrlEncoded ? 'url' : undefined,
  };
  const query =
    listVersion === 1
      ? wire.query({ ...common, marker: token ?? after })
      : wire.query({
          ...common,
          'list-type': '2',
          'start-after': after,
          'continuation-token': token,
        });
  return { operation: 'list', method: 'GET', query };
}

/** Keys are encoded only where the answer says so, whatever was requested. */
export function keyReader(root: XmlElement): KeyReader {
  return root.textOf('EncodingType') === 'url' ? decodeListed : (text) => text;
}

/** The key that a text stands for; undefined if it is not one. */
export type KeyReader = (text: string) => string | undefined;

/** Form style: `+` is a space, for that is how S3 writes it in version 1. */
export function decodeListed(text: string): string | undefined {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return undefined;
  }
}

/** The children of an entry that count, in the order in which most stores write them. */
const FIELDS = ['Key', 'LastModified', 'ETag', 'Size', 'StorageClass'] as const;

/** An entry as it is written: what is missing or wrong is found when the whole document is known. */
type Written = { -readonly [Field in keyof ObjectEntry]: ObjectEntry[Field] };

const LISTING = {
  answer: 'ListBucketResult',
  as: { shape: { record: 'Contents', fields: FIELDS }, make: written },
} as const;

function written(fields: RecordFields): Written {
  return {
    key: fields.text(0) ?? '',
    size: fields.integer(3),
    etag: fields.text(2) ?? '',
    lastModified: fields.time(1),
    storageClass: fields.text(4),
  };
}

/** The entries of a page. @returns What is wrong with it, if not those. */
function readEntries(entries: readonly Written[], root: XmlElement): ObjectEntry[] | string {
  const readKey = keyReader(root);
  for (const entry of entries) {
    const key = readKey(entry.key);
    if (key === undefined || key === '')
      return 'an entry without a key, or one that is ill encoded';
    if (!Number.isSafeInteger(entry.size)) return 'an entry without a size';
    if (Number.isNaN(entry.lastModified)) return 'an entry without a date';
    entry.key = key;
  }
  return entries as ObjectEntry[];
}
