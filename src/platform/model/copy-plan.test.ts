import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KiB, MiB } from '../base/bytes.ts';
import { requestsOfCopy, wayOfCopy } from './copy-plan.ts';

const sizes = { bufferBytes: MiB, putBytes: 32 * MiB, partBytes: 16 * MiB };
const target = {
  ...{ putSizeMax: 5_000 * MiB, checksMd5: true },
  ...{ partSizeMin: 5 * MiB, partSizeMax: 5_000 * MiB, partCountMax: 10_000 },
};

describe('the way of a copy', () => {
  for (const [size, md5Known, way, requests] of [
    [0, false, 'held', { gets: 1, puts: 1, parts: 0 }],
    [MiB, false, 'held', { gets: 1, puts: 1, parts: 0 }],
    [MiB + 1, true, 'streamed', { gets: 1, puts: 1, parts: 0 }],
    [MiB + 1, false, 'parts', { gets: 2, puts: 0, parts: 1 }],
    [32 * MiB, true, 'streamed', { gets: 1, puts: 1, parts: 0 }],
    [32 * MiB + 1, true, 'parts', { gets: 4, puts: 0, parts: 3 }],
    [200_000 * MiB, true, 'parts', { gets: 10_001, puts: 0, parts: 10_000 }],
  ] as const) {
    test(`of ${size} bytes, ${md5Known ? 'with' : 'without'} a known MD5, is ${way}`, () => {
      assert.equal(wayOfCopy({ size, md5Known }, sizes, target), way);
      assert.deepEqual(requestsOfCopy({ size, md5Known }, sizes, target), requests);
    });
  }

  test('is parts where the target does not check an MD5, or takes less in one PUT', () => {
    const copied = { size: 2 * MiB, md5Known: true };
    assert.equal(wayOfCopy(copied, sizes, { ...target, checksMd5: false }), 'parts');
    assert.equal(wayOfCopy(copied, sizes, { ...target, putSizeMax: 512 * KiB }), 'parts');
  });
});
