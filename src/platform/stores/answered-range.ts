import type { ByteRange } from '../model/object.ts';
import { headerOf, wholeNumber } from '../http/headers.ts';
import type { HttpReply } from '../http/http.ts';

/** Which bytes of an object an answer to a GET carries. */
export interface AnsweredRange {
  readonly first: number;
  readonly last: number;
  /** Bytes of the whole object. */
  readonly size: number;
}

/** What is wrong with a store that answers a range with the whole of an object that has more bytes. */
export const IGNORES_RANGES = 'the answer to a range is the whole object';

/** NaN where the answer does not contain it. */
export function contentLengthOf({ headers }: Pick<HttpReply, 'headers'>): number {
  return wholeNumber(headerOf(headers, 'content-length'));
}

/** Whether the answer leaves open how large the object is. */
export function hidesSize(reply: Pick<HttpReply, 'status' | 'headers'>): boolean {
  if (reply.status === 204) return true;
  const range = contentRangeOf(reply);
  return range === undefined ? Number.isNaN(contentLengthOf(reply)) : range.size === undefined;
}

/**
 * Reads which bytes an answer carries, or what is wrong with it.
 *
 * HTTP lets a server ignore a range and send the whole with 200, leave out Content-Length, and leave
 * the total open: https://www.rfc-editor.org/rfc/rfc9110#section-14. Some say 200 where they send a
 * range: https://github.com/treeverse/lakeFS/issues/6100
 *
 * @param known The size of the object, where it was learned before.
 */
export function answeredRange(
  reply: Pick<HttpReply, 'status' | 'headers'>,
  known: number | undefined,
): AnsweredRange | string {
  const { status } = reply;
  // Some servers answer so for an empty object; others when something went wrong.
  if (status === 204 && known === 0) return { first: 0, last: -1, size: 0 };
  if (status !== 200 && status !== 206) return `a status of ${status}`;
  const declared = contentRangeOf(reply);
  const bytes = contentLengthOf(reply);
  const isRange = declared !== undefined && (status === 206 || !isOther(bytes, declared.length));
  if (isRange) return checkedRange(declared, bytes, known);
  if (status === 206) return 'a range, without saying which';
  const size = Number.isNaN(bytes) ? known : bytes;
  return size === undefined ? 'an answer without a length' : { first: 0, last: size - 1, size };
}

/** The bytes of the whole object by Content-Range, also where its range makes no sense. */
export function totalOf(reply: Pick<HttpReply, 'headers'>): number | undefined {
  return contentRangeOf(reply)?.size;
}

function checkedRange(
  { first, last, length, size: total, text }: ContentRange,
  bytes: number,
  known: number | undefined,
): AnsweredRange | string {
  const size = total ?? known;
  if (size === undefined) return 'a range of an object without its total size';
  const isPossible = length > 0 && last < size && !isOther(bytes, length);
  return isPossible ? { first, last, size } : `a range that makes no sense: ${text}`;
}

/** Whether these are the bytes that were requested; without a range, all. */
export function isAsRequested(
  { first, last, size }: AnsweredRange,
  range: ByteRange | undefined,
): boolean {
  if (range === undefined) return isWhole({ first, last, size });
  return first === range.first && last === Math.min(range.last, size - 1);
}

/** Whether these are the first of the bytes that were requested: a server may send fewer than all. */
export function beginsAsRequested(
  { first, last, size }: AnsweredRange,
  range: ByteRange | undefined,
): boolean {
  return first === range?.first && last < Math.min(range.last, size - 1);
}

export function isWhole({ first, last, size }: AnsweredRange): boolean {
  return first === 0 && last === size - 1;
}

function isOther(bytes: number, length: number): boolean {
  return !Number.isNaN(bytes) && bytes !== length;
}

interface ContentRange {
  readonly first: number;
  readonly last: number;
  readonly length: number;
  /** Undefined where it is left open. */
  readonly size: number | undefined;
  readonly text: string;
}

function contentRangeOf({ headers }: Pick<HttpReply, 'headers'>): ContentRange | undefined {
  const text = headerOf(headers, 'content-range') ?? '';
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(text) ?? [];
  if (first === undefined || last === undefined) return undefined;
  const ends = { first: Number(first), last: Number(last) };
  const size = total === '*' ? undefined : Number(total);
  return { ...ends, length: ends.last - ends.first + 1, size, text };
}
