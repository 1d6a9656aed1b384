import { KiB } from '../../src/platform/base/bytes.ts';
import type { ReadBody } from '../../src/platform/http/bodies.ts';

const CHUNK = 64 * KiB;

/** Makes a body from bytes in memory, in chunks as from a network. Like a body from a network, it can be read once. */
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
