import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffMs } from './backoff.ts';

const backoff = { baseMs: 1_000, maxMs: 900_000 };

test('waits double until the cap, drawn from the upper half', () => {
  const most = [1, 2, 3, 10, 11].map((attempt) => backoffMs(attempt, backoff, 0.999_999_9));
  assert.deepEqual(most, [1_000, 2_000, 4_000, 512_000, 900_000]);
  assert.equal(backoffMs(1, backoff, 0), 500);
});

test('any attempt waits between half and all of its span, and never beyond the cap', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), random, (attempt, chance) => {
      const ms = backoffMs(attempt, backoff, chance);
      const span = Math.min(900_000, 1_000 * 2 ** (attempt - 1));
      assert.ok(Number.isInteger(ms) && ms >= span / 2 && ms <= span, String(ms));
    }),
  );
});
