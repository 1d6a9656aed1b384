import { headerTextOf, linesOf, listHeaderOf } from '../http/headers.ts';
import type { HttpReply } from '../http/http.ts';
import type { ContentHeaderName, ContentHeaders } from '../model/object.ts';
import { decodeMetadata, type MetadataCodec } from './metadata-text.ts';

type Headers = HttpReply['headers'];

/** Those that are lists; of the others only one line can count. */
const lists: ReadonlySet<ContentHeaderName> = new Set<ContentHeaderName>([
  'content-encoding',
  'content-language',
  'cache-control',
]);

/** Reads the headers that describe the content, without how the bytes were sent once. */
export function contentHeadersOf(
  headers: Headers,
  names: readonly ContentHeaderName[],
): ContentHeaders {
  const found: Partial<Record<ContentHeaderName, string>> = {};
  for (const name of names) {
    const value = lists.has(name) ? listHeaderOf(headers, name) : headerTextOf(headers, name);
    const kept = name === 'content-encoding' ? withoutChunks(value) : value;
    if (kept !== undefined) found[name] = kept;
  }
  return found;
}

/** Of headers that are no lists and come in lines that differ: the first line counts. */
export function ambiguousHeadersOf(
  headers: Headers,
  names: readonly ContentHeaderName[],
): readonly ContentHeaderName[] {
  return names.filter((name) => !lists.has(name) && new Set(linesOf(headers[name] ?? '')).size > 1);
}

/** `aws-chunked` says how a writer sent the bytes; some servers store it with the object. */
function withoutChunks(encoding: string | undefined): string | undefined {
  if (encoding === undefined || !/aws-chunked/i.test(encoding)) return encoding;
  const codings = encoding.split(',').map((coding) => coding.trim());
  const rest = codings.filter((coding) => !/^(?:aws-chunked)?$/i.test(coding)).join(', ');
  return rest === '' ? undefined : rest;
}

/** One entry of user metadata: lines of one name are one value, as S3 keeps them too. */
export function metadataValueOf(
  value: string | readonly string[] | undefined,
  codec: MetadataCodec,
): string {
  return linesOf(value ?? '')
    .map((line) => decodeMetadata(line, codec))
    .join(',');
}
