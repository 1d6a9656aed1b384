import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LEAST_OPEN_FILES, shareDescriptors } from './descriptors.ts';

const usual = { concurrency: 48, partConcurrency: 4 };

test('a high limit gives the clouds what the work can use, and the rest to callers', () => {
  assert.deepEqual(shareDescriptors(1_048_576, usual), {
    outgoing: 448,
    api: 16_384,
    enough: 1568,
  });
  assert.deepEqual(shareDescriptors(Number.POSITIVE_INFINITY, usual)?.outgoing, 448);
});

test('a low limit is halved between clouds and callers', () => {
  assert.deepEqual(shareDescriptors(256, usual), { outgoing: 80, api: 80, enough: 1568 });
});

test('an unknown limit counts as the usual one', () => {
  assert.deepEqual(shareDescriptors(undefined, usual), shareDescriptors(1024, usual));
});

test('below the least limit nothing is shared, and above it the shares never exceed the limit', () => {
  const sizes = fc.record({
    concurrency: fc.integer({ min: 1, max: 1024 }),
    partConcurrency: fc.integer({ min: 1, max: 64 }),
  });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2_000_000 }), sizes, (limit, given) => {
      const shares = shareDescriptors(limit, given);
      if (limit < LEAST_OPEN_FILES) return shares === undefined;
      assert.ok(shares !== undefined);
      return shares.outgoing >= 8 && shares.api >= 8 && shares.outgoing + shares.api <= limit;
    }),
  );
});
