import type { XmlElement } from '../../base/xml.ts';
import type { ObjectEntry } from '../../model/object.ts';
import { wholeNumber } from '../../http/headers.ts';
import { mistakeInOrder, strangerIn, TokenTrail } from '../listed-pages.ts';
import type { ListOptions, ListPage } from '../store.ts';
import type { AzureRequest, AzureWire } from './wire.ts';

/** https://learn.microsoft.com/rest/api/storageservices/list-blobs */
const PAGE_MAX = 5000;

/**
 * One page, after the `next` of another, which has the last key of that page beside the service's
 * marker, so that the order is checked from page to page. The service may send pages without any entry, and stops
 * at the borders of its partitions: those are walked over.
 */
export async function listPage(
  wire: AzureWire,
  { prefix = '', after, limit = PAGE_MAX, anyOrder = false, forScan }: ListOptions,
  signal: AbortSignal,
): Promise<ListPage> {
  const max = Math.min(Math.max(limit, 1), PAGE_MAX);
  const trail = new TokenTrail();
  const from = after === undefined ? undefined : fromOf(wire, after);
  let marker = from?.marker;
  for (;;) {
    const request = { ...listRequest(prefix, marker, max), forScan };
    const root = await wire.ask(request, 'EnumerationResults', signal);
    const entries = checkedEntries(wire, request, root, {
      prefix,
      lastKey: from?.lastKey,
      anyOrder,
    });
    const next = root.textOf('NextMarker');
    if (next === undefined || next === '') return { entries, next: undefined };
    const last = entries.at(-1);
    if (last !== undefined) return { entries, next: JSON.stringify([last.key, next]) };
    if (!trail.leadsOn(next)) throw wire.badReply(request, 'empty pages that lead in a circle');
    marker = next;
  }
}

function listRequest(prefix: string, marker: string | undefined, max: number): AzureRequest {
  return {
    operation: 'list',
    method: 'GET',
    query: {
      restype: 'container',
      comp: 'list',
      prefix: prefix === '' ? undefined : prefix,
      marker,
      maxresults: max.toString(),
    },
  };
}

function checkedEntries(
  wire: AzureWire,
  request: AzureRequest,
  root: XmlElement,
  {
    prefix,
    lastKey,
    anyOrder,
  }: {
    readonly prefix: string;
    readonly lastKey: string | undefined;
    readonly anyOrder: boolean;
  },
): ObjectEntry[] {
  const entries = readEntries(root);
  if (typeof entries === 'string') throw wire.badReply(request, entries);
  const stranger = strangerIn(entries, prefix);
  if (stranger !== undefined) throw wire.badReply(request, stranger);
  const mistake = anyOrder ? undefined : mistakeInOrder(entries, lastKey);
  if (mistake !== undefined) throw wire.failure('out-of-order', request, mistake);
  return entries;
}

/** @throws {StoreError} `refused` for a text that is not the `next` of a page. */
function fromOf(wire: AzureWire, after: string): { lastKey: string; marker: string } {
  const [, quotedKey, quotedMarker] =
    /^\[("(?:[^"\\]|\\.)*"),("(?:[^"\\]|\\.)*")\]$/.exec(after) ?? [];
  if (quotedKey === undefined || quotedMarker === undefined) {
    throw wire.failure('refused', { operation: 'list' }, 'it is not the end of a page');
  }
  return { lastKey: String(JSON.parse(quotedKey)), marker: String(JSON.parse(quotedMarker)) };
}

function readEntries(root: XmlElement): ObjectEntry[] | string {
  const entries: ObjectEntry[] = [];
  for (const element of root.child('Blobs')?.children ?? []) {
    if (element.name !== 'Blob') continue;
    const entry = readEntry(element);
    if (typeof entry === 'string') return entry;
    entries.push(entry);
  }
  return entries;
}

function readEntry(element: XmlElement): ObjectEntry | string {
  const key = nameOf(element.child('Name'));
  const properties = element.child('Properties');
  if (key === undefined || key === '') return 'an entry without a key, or one that is ill encoded';
  if (properties === undefined) return 'an entry without properties';
  const size = wholeNumber(properties.textOf('Content-Length'));
  const lastModified = Date.parse(properties.textOf('Last-Modified') ?? '');
  if (!Number.isSafeInteger(size)) return 'an entry without a size';
  if (Number.isNaN(lastModified)) return 'an entry without a date';
  const etag = quoted(properties.textOf('Etag') ?? '');
  return { key, size, etag, lastModified, storageClass: properties.textOf('AccessTier') };
}

/** The ETag as it is in a head: a listing omits the quotes. */
function quoted(etag: string): string {
  return etag === '' || etag.startsWith('"') ? etag : `"${etag}"`;
}

/** Names that XML cannot carry are percent-encoded, and say so: since version 2021-02-12. */
function nameOf(element: XmlElement | undefined): string | undefined {
  if (element?.attribute('Encoded')?.toLowerCase() !== 'true') return element?.text;
  try {
    return decodeURIComponent(element.text);
  } catch {
    return undefined;
  }
}
