import type { HttpReply } from './http.ts';
import { headerOf } from './s3/head.ts';
import { wholeNumber } from './s3/list.ts';
import type { ReadOptions } from './store.ts';

/** NaN where the answer does not say it. */
export function lengthOf({ headers }: HttpReply): number {
  return wholeNumber(headerOf(headers, 'content-length'));
}

/** The size of the whole object that a read is of, or what is wrong with the answer. */
export function sizeOfWhole(reply: HttpReply, { range }: ReadOptions): number | string {
  const length = lengthOf(reply);
  if (Number.isNaN(length)) return 'an answer without a length';
  if (range === undefined) return reply.status === 200 ? length : `a status of ${reply.status}`;
  const contentRange = headerOf(reply.headers, 'content-range') ?? '';
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange) ?? [];
  if (reply.status !== 206 || total === undefined) return 'the whole where a range was asked for';
  const size = Number(total);
  const end = Math.min(range.last, size - 1);
  const asAsked = Number(first) === range.first && Number(last) === end && end >= range.first;
  return asAsked && length === end - range.first + 1 ? size : `another range: ${contentRange}`;
}
