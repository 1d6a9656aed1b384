import { MiB } from '../base/bytes.ts';
import type { Fault } from '../model/fault.ts';
import type { ReadBody } from './store.ts';
import { StoreError, type StoreErrorDetails } from './store-error.ts';

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
  [507, 'full'],
]);

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
 * The text of an answer.
 *
 * @throws {StoreError} `bad-reply` beyond so many bytes; or as the body breaks.
 */
export async function textOf(
  body: ReadBody,
  bytesMax: number,
  about: StoreErrorDetails,
): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > bytesMax) {
      throw new StoreError('bad-reply', { ...about, cloudMessage: 'an endless answer' });
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces, size).toString();
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
