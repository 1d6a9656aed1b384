import type { XmlElement } from '../../base/xml.ts';
import type { ObjectEntry } from '../../model/object.ts';
import { wholeNumber } from '../../http/headers.ts';
import type { ListOptions, ListPage } from '../store.ts';
import type { AzureRequest, AzureWire } from './wire.ts';

/** https://learn.microsoft.com/rest/api/storageservices/list-blobs */
const PAGE_MAX = 5000;

/**
 * One page, after the marker of another. The service may send pages without any entry, and stops
 * at the borders of its partitions: those are walked over.
 */
export async function listPage(
  wire: AzureWire,
  { prefix = '', after, limit = PAGE_MAX }: ListOptions,
  signal: AbortSignal,
): Promise<ListPage> {
  const max = Math.min(Math.max(limit, 1), PAGE_MAX);
  let marker = after;
  for (;;) {
    const request: AzureRequest = {
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
    const root = await wire.ask(request, 'EnumerationResults', signal);
    const entries = readEntries(root, prefix);
    if (typeof entries === 'string') throw wire.badReply(request, entries);
    const text = root.textOf('NextMarker');
    const next = text === '' ? undefined : text;
    if (entries.length > 0 || next === undefined) return { entries, next };
    if (next === marker) throw wire.badReply(request, 'an empty page that leads to itself');
    marker = next;
  }
}

function readEntries(root: XmlElement, prefix: string): ObjectEntry[] | string {
  const entries: ObjectEntry[] = [];
  for (const element of root.child('Blobs')?.children ?? []) {
    if (element.name !== 'Blob') continue;
    const entry = readEntry(element);
    if (typeof entry === 'string') return entry;
    // A listing of other keys would make us copy or delete what we must not.
    if (!entry.key.startsWith(prefix)) {
      return `a key without the prefix that was asked for: ${entry.key}`;
    }
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

/** As a head has it: a listing leaves the quotes out. */
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
