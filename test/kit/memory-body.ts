import { KiB } from '../../src/platform/base/bytes.ts';
import type { ReadBody } from '../../src/platform/http/bodies.ts';

const CHUNK = 64 * KiB;

/** Bytes at hand as a body, in chunks as they would come from a network; taken once, like those. */
export function memoryBody(bytes: Uint8Array, signal: AbortSignal): ReadBody {
  let taken = false;
  function take(): void {
    signal.throwIfAborted();
    if (taken) throw new Error('this body is taken already');
    taken = true;
  }

  return {
    async bytes() {
      take();
      return bytes;
    },
    async *[Symbol.asyncIterator]() {
      take();
      for (let at = 0; at < bytes.length; at += CHUNK) {
        signal.throwIfAborted();
        yield bytes.subarray(at, at + CHUNK);
      }
    },
    discard() {
      taken = true;
    },
  };
}
