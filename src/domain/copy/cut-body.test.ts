import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutBody } from './cut-body.ts';

async function* chunksOf(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
}

test('pieces of any sizes, of chunks of any sizes, are the bytes in their order', async () => {
  const sizes = fc.array(fc.nat({ max: 20 }), { maxLength: 10 });
  const pieces = fc.array(fc.record({ size: fc.nat({ max: 20 }), skipped: fc.boolean() }));
  await fc.assert(
    fc.asyncProperty(sizes, pieces, async (chunks, wanted) => {
      const bytes = Buffer.from(Array.from({ length: 100 }, (_, at) => at));
      const cut = cutBody(chunksOf(bytes, chunks));
      let at = 0;
      for (const { size, skipped } of wanted) {
        if (skipped) await cut.skip(size);
        else {
          const piece = Buffer.concat(await Array.fromAsync(cut.take(size)));
          assert.deepEqual(piece, bytes.subarray(at, at + size));
        }
        at += size;
      }
    }),
    { numRuns: 200 },
  );
});
