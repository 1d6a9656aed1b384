import type { ObjectHead } from '../model/object.ts';
import { headerOf, wholeNumber } from './headers.ts';
import type { HttpReply } from './http.ts';
import type { ObjectRead, ReadOptions } from './store.ts';

/** How a cloud's heads are read. */
export interface HeadReader {
  /** What the headers tell of an object of that size, or what is wrong with them. */
  readonly headOf: (
    size: number,
    headers: HttpReply['headers'],
    answer: { readonly ranged: boolean },
  ) => ObjectHead | string;
  /** The error of an answer that makes no sense. */
  readonly badReply: (message: string) => Error;
}

/** The head that an answer to a HEAD tells. */
export function headOfReply(reply: HttpReply, reader: HeadReader): ObjectHead {
  const size = lengthOf(reply);
  const head = Number.isNaN(size) ? noLength : reader.headOf(size, reply.headers, whole);
  if (typeof head === 'string') throw reader.badReply(head);
  return head;
}

/** The object that an answer to a GET tells; one that makes no sense is let go. */
export function readOfReply(
  reply: HttpReply,
  options: ReadOptions,
  reader: HeadReader,
): ObjectRead {
  const size = sizeOfWhole(reply, options);
  const answer = options.range === undefined ? whole : part;
  const head = typeof size === 'string' ? size : reader.headOf(size, reply.headers, answer);
  if (typeof head !== 'string') return { head, body: reply.body };
  reply.body.discard();
  throw reader.badReply(head);
}

const whole = { ranged: false };
const part = { ranged: true };
const noLength = 'an answer without a length';

/** NaN where the answer does not say it. */
function lengthOf({ headers }: HttpReply): number {
  return wholeNumber(headerOf(headers, 'content-length'));
}

/** The size of the whole object that a read is of, or what is wrong with the answer. */
function sizeOfWhole(reply: HttpReply, { range }: ReadOptions): number | string {
  const length = lengthOf(reply);
  if (Number.isNaN(length)) return noLength;
  if (range === undefined) return reply.status === 200 ? length : `a status of ${reply.status}`;
  const contentRange = headerOf(reply.headers, 'content-range') ?? '';
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange) ?? [];
  if (reply.status !== 206 || total === undefined) return 'the whole where a range was asked for';
  const size = Number(total);
  const end = Math.min(range.last, size - 1);
  const asAsked = Number(first) === range.first && Number(last) === end && end >= range.first;
  return asAsked && length === end - range.first + 1 ? size : `another range: ${contentRange}`;
}
