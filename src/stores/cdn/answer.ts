import type { ByteRange, ObjectHead } from '../../model/object.ts';
import { dateOf, headerOf, wholeNumber } from '../headers.ts';
import type { HttpReply } from '../http.ts';

/**
 * Why an answer of a CDN is not the object that the bucket has, or not that part of it; undefined
 * where nothing speaks against it.
 */
export function flawOfAnswer(
  { status, headers }: Pick<HttpReply, 'status' | 'headers'>,
  head: ObjectHead,
  range: ByteRange | undefined,
): string | undefined {
  return (
    flawOfEncoding(headers, head) ??
    (range === undefined
      ? flawOfWhole(status, headers, head)
      : flawOfRange(status, headers, head, range)) ??
    flawOfVersion(headers, head)
  );
}

type Headers = HttpReply['headers'];

function flawOfEncoding(headers: Headers, { contentHeaders }: ObjectHead): string | undefined {
  const encoding = headerOf(headers, 'content-encoding') ?? 'identity';
  if (encoding === (contentHeaders['content-encoding'] ?? 'identity')) return undefined;
  // A CDN may also leave out what the bucket says: the sizes tell whether it unpacked the bytes.
  if (encoding === 'identity') return undefined;
  return `it answers with Content-Encoding ${word(encoding)}, which the bucket's object does not have: it compresses`;
}

function flawOfWhole(status: number, headers: Headers, { size }: ObjectHead): string | undefined {
  if (status !== 200) return `it answers with the status ${status} where the whole was asked for`;
  return flawOfLength(headers, size, "the bucket's object");
}

function flawOfRange(
  status: number,
  headers: Headers,
  { size }: ObjectHead,
  { first, last }: ByteRange,
): string | undefined {
  if (status !== 206) return 'it answers with the whole where a range was asked for';
  const told = headerOf(headers, 'content-range') ?? '';
  const [, from, to, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(told) ?? [];
  if (total === undefined) return 'it answers with a range and does not say which';
  if (Number(total) !== size) return `its object has ${total} bytes, the bucket's has ${size}`;
  const end = Math.min(last, size - 1);
  if (Number(from) !== first || Number(to) !== end)
    return `it answers with the range ${from}-${to}`;
  return flawOfLength(headers, end - first + 1, 'the range');
}

function flawOfLength(headers: Headers, size: number, what: string): string | undefined {
  const length = wholeNumber(headerOf(headers, 'content-length'));
  if (Number.isNaN(length)) return 'it answers without a Content-Length: it changes what it sends';
  return length === size ? undefined : `it sends ${length} bytes, ${what} has ${size}`;
}

/** A last digit of the clocks. */
const SAME_TIME_MS = 1000;

/**
 * Of two ETags that were made alike nothing else need be known: other ones are of another object, and
 * the same one is of this object, whatever time its writer had it tell (Kodo lets writers choose that:
 * https://developer.qiniu.com/kodo/1252/chgm). Of ETags that cannot be compared nothing is known: then
 * an object that is older than the bucket's is another one.
 */
function flawOfVersion(
  headers: Headers,
  { etag, md5, lastModified }: ObjectHead,
): string | undefined {
  const theirs = knownEtag(headerOf(headers, 'etag'));
  const ours = knownEtag(md5 ?? etag);
  if (theirs !== undefined && theirs.form === ours?.form) {
    return theirs.text === ours.text
      ? undefined
      : `its object has the ETag ${theirs.text}, the bucket's has ${ours.text}`;
  }
  const time = dateOf(headerOf(headers, 'last-modified'));
  if (time === undefined || time + SAME_TIME_MS > lastModified) return undefined;
  return `its object is of ${iso(time)}, the bucket's of ${iso(lastModified)}`;
}

interface KnownEtag {
  readonly form: string;
  readonly text: string;
}

/** An ETag that somebody made of the bytes in a known way; undefined for any other. */
function knownEtag(etag: string | undefined): KnownEtag | undefined {
  const [, plain = ''] = /^(?:W\/)?"?([\w-]+)"?$/.exec(etag ?? '') ?? [];
  if (/^[\da-f]{32}$/i.test(plain)) return { form: 'MD5', text: plain.toLowerCase() };
  if (/^[\da-f]{32}-\d+$/i.test(plain)) return { form: 'parts', text: plain.toLowerCase() };
  // Kodo's tells first how it was made, of one block, of several, or of parts:
  // https://github.com/qiniu/rust-sdk/blob/master/etag/src/etag.rs
  const [, how] = /^([Fln])[\w-]{27}$/.exec(plain) ?? [];
  return how === undefined ? undefined : { form: `Kodo ${how}`, text: plain };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

/** A header's word, fit to be told. */
export function word(text: string): string {
  return text.replace(/[^\w.,:/ [\]-]/g, '?').slice(0, 100);
}
