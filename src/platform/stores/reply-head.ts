import type { Fault } from '../model/fault.ts';
import type { ByteRange, ObjectHead } from '../model/object.ts';
import {
  type AnsweredRange,
  answeredRange,
  beginsAsRequested,
  contentLengthOf,
  hidesSize,
  IGNORES_RANGES,
  isAsRequested,
  isWhole,
  totalOf,
} from './answered-range.ts';
import type { HttpReply } from '../http/http.ts';
import { dateOf, headerOf } from '../http/headers.ts';
import { differenceFrom, problemOfAge, type TooYoung } from './pin.ts';
import type { ObjectRead, ReadOptions } from './store.ts';
import { StoreError } from '../model/store-error.ts';

/** How a cloud's heads are read. */
export interface HeadReader {
  /** What the headers say about an object of that size, or what is wrong with them. */
  readonly headOf: (
    size: number,
    headers: HttpReply['headers'],
    answer: { readonly ranged: boolean },
  ) => ObjectHead | string;
  /** The error for an answer that is not used. */
  readonly failure: (fault: Fault, message: string) => StoreError;
}

/** How an adapter reads one key. */
export interface KeyReader extends HeadReader {
  readonly send: (options: ReadOptions) => Promise<HttpReply>;
  readonly head: () => Promise<ObjectHead>;
  /** Milliseconds since the Unix epoch, by the store's clock as far as it is known. */
  readonly now: () => number;
}

/** The head that an answer to a HEAD contains. */
export function headOfReply(reply: HttpReply, reader: HeadReader): ObjectHead {
  const size = contentLengthOf(reply);
  const head = Number.isNaN(size) ? noLength : reader.headOf(size, reply.headers, whole);
  if (typeof head === 'string') throw reader.failure('bad-reply', head);
  return dated(head, reply);
}

/**
 * As {@link headOfReply}, of an answer that may lack Content-Length, which HTTP allows and some proxies
 * leave out of every HEAD: then a read of one byte yields the size.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2
 */
export async function sizedHead(reply: HttpReply, reader: KeyReader): Promise<ObjectHead> {
  if (!Number.isNaN(contentLengthOf(reply))) return headOfReply(reply, reader);
  const size = await sizeByRange(reader);
  const head = reader.headOf(size, reply.headers, whole);
  if (typeof head === 'string') throw reader.failure('bad-reply', head);
  return dated(head, reply);
}

function dated(head: ObjectHead, reply: HttpReply): ObjectHead {
  const date = dateOfReply(reply);
  return date === undefined ? head : { ...head, date };
}

function dateOfReply({ headers }: HttpReply): number | undefined {
  return dateOf(headerOf(headers, 'date'));
}

async function sizeByRange({ send, failure }: KeyReader): Promise<number> {
  try {
    const reply = await send({ range: { first: 0, last: 0 } });
    reply.body.discard();
    const answered = answeredRange(reply, undefined);
    if (typeof answered === 'string') throw failure('bad-reply', answered);
    return answered.size;
  } catch (error) {
    // An empty object has no first byte.
    if (error instanceof StoreError && error.details.status === 416) return 0;
    throw error;
  }
}

/**
 * Reads an object, and compares the answer with the request: the pinned object, the version, the range.
 * Reads of all adapters go through here, except for those through a CDN.
 */
export async function readObject(reader: KeyReader, options: ReadOptions): Promise<ObjectRead> {
  const reply = await sent(reader, options);
  const { pin, versionId } = options;
  if (pin === undefined && versionId === undefined && hidesSize(reply)) {
    // A server need not report the length of a body that it sends in chunks; its HEAD may.
    reply.body.discard();
    return await readObject(reader, { ...options, pin: await reader.head() });
  }
  try {
    return readOfReply(reply, options, reader);
  } catch (error) {
    reply.body.discard();
    throw error;
  }
}

/** A range of the pinned object that is beyond the end now: the object is another one. */
async function sent(reader: KeyReader, options: ReadOptions): Promise<HttpReply> {
  try {
    return await reader.send(options);
  } catch (error) {
    const { range, pin } = options;
    const beyond = error instanceof StoreError && error.details.status === 416;
    if (!beyond || range === undefined || pin === undefined || range.first >= pin.size) throw error;
    throw reader.failure('changed', `it has fewer bytes now, and had ${pin.size}`);
  }
}

function readOfReply(reply: HttpReply, options: ReadOptions, reader: KeyReader): ObjectRead {
  const { range, pin } = options;
  const answered = answeredRange(reply, pin?.size);
  if (typeof answered === 'string') {
    // Some servers answer so to a range behind the end of an object that has become smaller.
    const total = totalOf(reply);
    const isOther = pin !== undefined && total !== undefined && total !== pin.size;
    throw reader.failure(isOther ? 'changed' : 'bad-reply', answered);
  }
  const answer = range === undefined ? whole : part;
  const head = reader.headOf(answered.size, reply.headers, answer);
  if (typeof head === 'string') throw reader.failure('bad-reply', head);
  checkObject(head, options, reader);
  const tooYoung = problemOfAge(head, pin, { date: dateOfReply(reply), now: reader.now() });
  if (tooYoung !== undefined) throw youngError(tooYoung, reader);
  checkRange(answered, range, reader);
  const { first, last } = range ?? answered;
  reply.expect(Math.min(last, answered.size - 1) - first + 1);
  return { head, body: reply.body };
}

/** Another attempt is made when the object is old enough. */
function youngError(
  { message, retryAfterMs }: TooYoung,
  { failure }: Pick<HeadReader, 'failure'>,
): StoreError {
  const { fault, details } = failure('changed', message);
  return new StoreError(fault, { ...details, retryAfterMs });
}

/** @throws {StoreError} `changed` where the answer is about another object or version. */
function checkObject(
  head: ObjectHead,
  { pin, versionId }: ReadOptions,
  { failure }: HeadReader,
): void {
  const difference = pin === undefined ? undefined : differenceFrom(pin, head);
  if (difference !== undefined) throw failure('changed', difference);
  if (versionId === undefined || versionId === head.versionId) return;
  const version = head.versionId === undefined ? 'no version' : `the version ${head.versionId}`;
  throw failure('changed', `the store answered with ${version}, where ${versionId} was requested`);
}

/** @throws {StoreError} `unsupported` where the store ignores ranges, `bad-reply` for another range. */
function checkRange(
  answered: AnsweredRange,
  range: ByteRange | undefined,
  { failure }: HeadReader,
): void {
  if (isAsRequested(answered, range) || beginsAsRequested(answered, range)) return;
  if (isWhole(answered)) throw failure('unsupported', IGNORES_RANGES);
  const { first, last, size } = answered;
  throw failure(
    'bad-reply',
    `the range ${first}-${last} of ${size} bytes, which was not requested`,
  );
}

const whole = { ranged: false };
const part = { ranged: true };
const noLength = 'an answer without a length';
