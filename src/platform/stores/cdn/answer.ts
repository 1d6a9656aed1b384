import type { ByteRange, ObjectHead } from '../../model/object.ts';
import { answeredRange, isAsRequested, isWhole } from '../answered-range.ts';
import { dateOf, headerOf } from '../../http/headers.ts';
import { contentHeadersOf } from '../content-headers.ts';
import type { HttpReply } from '../../http/http.ts';
import { sameTag } from '../pin.ts';

/**
 * Why an answer of a CDN is not the object that the bucket has, or not that part of it; undefined
 * where nothing speaks against it.
 *
 * @param cdnEtag What an earlier answer of the CDN had as its ETag, if this read belongs to it.
 */
export function problemOfAnswer(
  reply: Pick<HttpReply, 'status' | 'headers'>,
  head: ObjectHead,
  range: ByteRange | undefined,
  cdnEtag?: string,
): string | undefined {
  const { headers } = reply;
  return (
    problemOfEncoding(headers, head) ??
    problemOfBytes(reply, head, range) ??
    problemOfVersion(headers, head) ??
    problemOfTag(headers, cdnEtag)
  );
}

/** Whether an answer without a problem is the whole object where a part of it was requested. */
export function ignoresRange(
  reply: Pick<HttpReply, 'status' | 'headers'>,
  { size }: ObjectHead,
  range: ByteRange | undefined,
): boolean {
  const answered = answeredRange(reply, size);
  return typeof answered !== 'string' && !isAsRequested(answered, range);
}

type Headers = HttpReply['headers'];

function problemOfEncoding(headers: Headers, { contentHeaders }: ObjectHead): string | undefined {
  const sent = contentHeadersOf(headers, ['content-encoding']);
  const encoding = sent['content-encoding'] ?? 'identity';
  if (encoding === (contentHeaders['content-encoding'] ?? 'identity')) return undefined;
  // A CDN may also omit what the bucket says: the sizes show whether it decompressed the bytes.
  if (encoding === 'identity') return undefined;
  return `it answers with Content-Encoding ${word(encoding)}, which the bucket's object does not have: it compresses`;
}

function problemOfBytes(
  reply: Pick<HttpReply, 'status' | 'headers'>,
  { size }: ObjectHead,
  range: ByteRange | undefined,
): string | undefined {
  const answered = answeredRange(reply, size);
  if (typeof answered === 'string') return `it answers with ${answered}`;
  if (answered.size !== size) {
    return range === undefined
      ? `it sends ${answered.size} bytes, the bucket's object has ${size}`
      : `its object has ${answered.size} bytes, the bucket's has ${size}`;
  }
  if (isAsRequested(answered, range) || isWhole(answered)) return undefined;
  return `it answers with the range ${answered.first}-${answered.last}`;
}

/** A last digit of the clocks. */
const SAME_TIME_MS = 1000;

/**
 * Two ETags that were made in the same way decide alone: if they differ, the objects differ, and if they
 * are equal, it is the same object, whatever its time is (Kodo lets writers choose the time:
 * https://developer.qiniu.com/kodo/1252/chgm). If the ETags cannot be compared, an object that is older
 * than the bucket's is another one.
 */
function problemOfVersion(
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

/** Answers that belong together must have one ETag, also where its meaning is not known. */
function problemOfTag(headers: Headers, cdnEtag: string | undefined): string | undefined {
  const etag = headerOf(headers, 'etag');
  if (cdnEtag === undefined || etag === undefined || sameTag(etag, cdnEtag)) return undefined;
  return `its object has the ETag ${word(etag)} now, and had ${word(cdnEtag)} before`;
}

interface KnownEtag {
  readonly form: string;
  readonly text: string;
}

/** An ETag that was computed from the bytes in a known way; undefined for any other. */
function knownEtag(etag: string | undefined): KnownEtag | undefined {
  const [, plain = ''] = /^(?:W\/)?"?([\w-]+)"?$/.exec(etag ?? '') ?? [];
  if (/^[\da-f]{32}$/i.test(plain)) return { form: 'MD5', text: plain.toLowerCase() };
  if (/^[\da-f]{32}-\d+$/i.test(plain)) return { form: 'parts', text: plain.toLowerCase() };
  // The first character of Kodo's ETag says how it was made: of one block, of several, or of parts.
  // https://github.com/qiniu/rust-sdk/blob/master/etag/src/etag.rs
  const [, how] = /^([Fln])[\w-]{27}$/.exec(plain) ?? [];
  return how === undefined ? undefined : { form: `Kodo ${how}`, text: plain };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

/** A word from a header, safe to include in a message. */
export function word(text: string): string {
  return text.replace(/[^\w.,:/ [\]-]/g, '?').slice(0, 100);
}
