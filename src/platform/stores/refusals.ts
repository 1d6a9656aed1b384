import { MiB } from '../base/bytes.ts';
import type { Fault } from '../model/fault.ts';
import { shownName } from '../model/metadata.ts';
import { STAY_BEHIND } from './put-options.ts';
import type { PutOptions } from './store.ts';
import type { ReadBody } from '../http/bodies.ts';
import { StoreError, type StoreErrorDetails } from '../model/store-error.ts';

const byStatus: ReadonlyMap<number, Fault> = new Map<number, Fault>([
  [301, 'refused'], // The bucket is in another region; only the operator can put that right.
  [307, 'unavailable'],
  [401, 'bad-credentials'],
  [403, 'denied'],
  [404, 'not-found'],
  [408, 'interrupted'],
  [412, 'changed'],
  [429, 'throttled'],
  [501, 'unsupported'],
  [503, 'throttled'], // Without a code, as to a HEAD, it says SlowDown as well as anything else.
  [507, 'full'],
]);

/** How much is kept of what a store says, in characters. */
export const CODE_MAX = 128;
export const MESSAGE_MAX = 300;

/** What a status means where no code says more. */
export function faultOfStatus(status: number): Fault {
  const usual = byStatus.get(status);
  if (usual !== undefined) return usual;
  if (status >= 500) return 'unavailable';
  return status >= 300 ? 'refused' : 'bad-reply';
}

/** With a condition that the key is absent, one that failed means that the key is taken. */
export function existsInstead(error: unknown): unknown {
  if (!(error instanceof StoreError) || error.fault !== 'changed') return error;
  return new StoreError('exists', error.details, { cause: error });
}

/**
 * The error of a put that a store refused, with the metadata that may be the cause. Not every store's
 * rules are known, and some report a wrong signature where they, or a proxy, do not accept a name:
 * https://github.com/earth-mover/icechunk/pull/2354
 */
export function suspectingMetadata(error: unknown, { userMetadata = {} }: PutOptions): unknown {
  if (!(error instanceof StoreError)) return error;
  const names = Object.keys(userMetadata).filter((name) => isSuspect(name, error));
  if (names.length === 0) return error;
  const some = names.slice(0, SUSPECTS_MAX).map(shownName);
  const more = names.length > some.length ? ` and ${names.length - some.length} more` : '';
  const others = error.fault === 'refused' ? '' : 'if other objects are copied, ';
  const advice = `${others}it may be the metadata ${some.join(', ')}${more}: ${STAY_BEHIND}`;
  const { cloudMessage } = error.details;
  const advised =
    cloudMessage === undefined ? advice : `${cloudMessage.replace(/\.$/, '')}; ${advice}`;
  return new StoreError(error.fault, { ...error.details, cloudMessage: advised }, { cause: error });
}

const SUSPECTS_MAX = 5;

/** Any, where the request is at fault; with a key or a right that is refused, only unusual names. */
function isSuspect(name: string, { fault, details: { status, cloudCode } }: StoreError): boolean {
  if (fault === 'refused') {
    return (
      status === 431 ||
      (status === 400 && /^$|metadata|argument|header|request$/i.test(cloudCode ?? ''))
    );
  }
  return (fault === 'bad-credentials' || fault === 'denied') && /[^a-z\d-]/.test(name);
}

/** Where answers in several pieces are put together, so that a listing leaves no garbage outside the heap. */
const joined = Buffer.allocUnsafeSlow(MiB);

/**
 * Reads an answer as a whole.
 *
 * @param read Gets the bytes, which are not its own: it returns before anything else runs, and keeps none.
 * @throws {StoreError} `bad-reply` beyond so many bytes; or as the body breaks.
 */
export async function readWhole<T>(
  body: ReadBody,
  { bytesMax, about }: { readonly bytesMax: number; readonly about: StoreErrorDetails },
  read: (bytes: Buffer) => T,
): Promise<T> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > bytesMax) {
      throw new StoreError('bad-reply', { ...about, cloudMessage: 'an endless answer' });
    }
    pieces.push(piece);
  }
  if (size > joined.length) return read(Buffer.concat(pieces, size));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return read(joined.subarray(0, size));
}

/**
 * The text of an answer.
 *
 * @throws {StoreError} `bad-reply` beyond so many bytes; or as the body breaks.
 */
export async function textOf(
  body: ReadBody,
  bytesMax: number,
  about: StoreErrorDetails,
): Promise<string> {
  return await readWhole(body, { bytesMax, about }, (bytes) => bytes.toString());
}

const REFUSAL_BYTES_MAX = MiB;

/** The text of a refusal; one whose body breaks or has no end is a refusal still. */
export async function refusalText(body: ReadBody, about: StoreErrorDetails): Promise<string> {
  try {
    return await textOf(body, REFUSAL_BYTES_MAX, about);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return '';
  }
}
