import { KiB } from '../../base/bytes.ts';
import type { ReadBody } from '../store.ts';

const CHUNK = 64 * KiB;

/** Bytes at hand as a body, in chunks as they would come from a network. */
export function memoryBody(bytes: Uint8Array, signal: AbortSignal): ReadBody {
  return {
    async bytes() {
      signal.throwIfAborted();
      return bytes;
    },
    async *[Symbol.asyncIterator]() {
      for (let at = 0; at < bytes.length; at += CHUNK) {
        signal.throwIfAborted();
        yield bytes.subarray(at, at + CHUNK);
      }
    },
    discard() {
      // Nothing is held.
    },
  };
}
