import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GiB, MiB } from '../base/bytes.ts';
import { ObjectTooLarge, partCount, partRange, planPartSize } from './part-plan.ts';

const s3 = { partSizeMin: 5 * MiB, partSizeMax: 5 * GiB, partCountMax: 10_000 };

test('the usual limits give the usual parts', () => {
  assert.equal(planPartSize(100 * MiB, 16 * MiB, s3), 16 * MiB);
  assert.equal(planPartSize(100 * MiB, 1, s3), 5 * MiB);
  assert.equal(planPartSize(16 * MiB * 10_000, 16 * MiB, s3), 16 * MiB);
  assert.equal(planPartSize(16 * MiB * 10_000 + 1, 16 * MiB, s3), 17 * MiB);
  assert.equal(planPartSize(5 * 1024 * GiB, 16 * MiB, s3), 525 * MiB);
  assert.throws(() => planPartSize(5 * GiB * 10_000 + 1, 16 * MiB, s3), ObjectTooLarge);
});

test('a store that knows one part size only gets that one', () => {
  const us3 = { partSizeMin: 8_000_000, partSizeMax: 8_000_000, partCountMax: 10_000 };
  assert.equal(planPartSize(1, 16 * MiB, us3), 8_000_000);
  assert.equal(planPartSize(8e10, 16 * MiB, us3), 8_000_000);
  assert.throws(() => planPartSize(8e10 + 1, 16 * MiB, us3), ObjectTooLarge);
});

const limits = fc
  .record({
    partSizeMin: fc.integer({ min: 1, max: 64 * MiB }),
    above: fc.integer({ min: 0, max: 5 * GiB }),
    partCountMax: fc.integer({ min: 1, max: 10_000 }),
  })
  .map(({ partSizeMin, above, partCountMax }) => ({
    partSizeMin,
    partSizeMax: partSizeMin + above,
    partCountMax,
  }));

test('any object that the target can hold is cut into parts that it takes, and no larger ones than needed', () => {
  fc.assert(
    fc.property(
      limits,
      fc.double({ min: 0, max: 1.1, noNaN: true }),
      fc.integer({ min: 1, max: GiB }),
      (given, share, preferred) => {
        const most = given.partSizeMax * given.partCountMax;
        const size = Math.max(1, Math.floor(most * share));
        if (size > most) {
          assert.throws(() => planPartSize(size, preferred, given), ObjectTooLarge);
          return;
        }
        const partSize = planPartSize(size, preferred, given);
        const clamped = Math.min(Math.max(preferred, given.partSizeMin), given.partSizeMax);
        assert.ok(partSize >= given.partSizeMin && partSize <= given.partSizeMax);
        assert.ok(partCount(size, partSize) <= given.partCountMax);
        assert.ok(partSize >= clamped);
        if (size <= clamped * given.partCountMax) assert.equal(partSize, clamped);
        else assert.ok((partSize - MiB) * given.partCountMax < size);
      },
    ),
  );
});

test('the ranges of the parts are the object, in order and without gaps', () => {
  const sizes = fc.integer({ min: 1, max: 10_000 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 500 }), (size, partSize) => {
      const count = partCount(size, partSize);
      let next = 0;
      for (let number = 1; number <= count; number++) {
        const { first, last } = partRange(number, size, partSize);
        assert.equal(first, next);
        assert.equal(last - first + 1, number === count ? size - next : partSize);
        next = last + 1;
      }
      assert.equal(next, size);
    }),
  );
});
