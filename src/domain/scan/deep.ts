import { createHash, hash } from 'node:crypto';
import type { Semaphore } from '../../platform/base/semaphore.ts';
import type { ObjectEntry } from '../../platform/model/object.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import type { Store } from '../../platform/stores/store.ts';
import type { Examined } from './examine.ts';
import type { Both } from './listing.ts';

/** Which objects a verification reads, and how many at once. */
export interface Sample {
  /** Above 0, and at most 1: of all keys. */
  readonly share: number;
  /** Shared by all ranges of the process, so that reading leaves the stores to the copies. */
  readonly places: Semaphore;
}

/** A transaction settles no more than this, so that a crash repeats little. */
export const SAMPLED_OBJECTS = 32;
export const SAMPLED_BYTES = 256 * 1024 * 1024;

const RANGE = 2 ** 32;

/** By the key alone: the same keys after every restart, and in every scan with the same share. */
export function isSampled(key: string, share: number): boolean {
  return share >= 1 || hash('sha256', key, 'buffer').readUInt32BE(0) < share * RANGE;
}

/**
 * Reads both objects, pinned to what was listed, and compares their SHA-256.
 *
 * @returns Undefined where an object is no longer the one that was listed.
 */
export async function compareBytes(
  { source, target }: { readonly source: Store; readonly target: Store },
  both: Both,
  { places }: Sample,
  signal: AbortSignal,
): Promise<Examined | undefined> {
  await places.take(signal);
  try {
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const read = async (store: Store, entry: ObjectEntry): Promise<string> => {
      try {
        return await sha256Of(store, entry, either);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    };
    // The second to fail was aborted with the error of the first.
    const [ofSource, ofTarget] = await bothOf(read(source, both.source), read(target, both.target));
    return examinedOf(both, ofSource, ofTarget);
  } catch (error) {
    if (error instanceof StoreError && ['changed', 'not-found'].includes(error.fault))
      return undefined;
    throw error;
  } finally {
    places.give();
  }
}

/** Nothing of either is left when this rejects. */
async function bothOf<T>(one: Promise<T>, other: Promise<T>): Promise<readonly [T, T]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}

async function sha256Of(store: Store, entry: ObjectEntry, signal: AbortSignal): Promise<string> {
  const { body } = await store.read(entry.key, { pin: entry }, signal);
  const digest = createHash('sha256');
  for await (const chunk of body) digest.update(chunk);
  return digest.digest('hex');
}

function examinedOf({ source, target }: Both, ofSource: string, ofTarget: string): Examined {
  const tally = { deepObjects: 1, deepBytes: source.size + target.size };
  if (ofSource === ofTarget) return { comparison: 'equal', tally: { ...tally, equalBytes: 1 } };
  return {
    comparison: 'different',
    reason: 'bytes',
    sourceChecksum: `SHA-256 ${ofSource}`,
    targetChecksum: `SHA-256 ${ofTarget}`,
    tally,
  };
}
