import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FIVE_MINUTES_MS, HOUR_MS, planStatistics, POINTS_MAX } from './statistics.ts';

const noon = Date.parse('2024-05-05T12:00:00Z');

test('up to three days are told in five minutes, more in hours', () => {
  assert.equal(planStatistics(noon, noon + 72 * HOUR_MS)?.width, 'FIVE_MINUTES');
  assert.equal(planStatistics(noon, noon + 72 * HOUR_MS + 1)?.width, 'ONE_HOUR');
});

test('a moment is one bucket, the one that holds it', () => {
  assert.deepEqual(planStatistics(noon + 1, noon + 1)?.starts, [noon]);
  assert.deepEqual(planStatistics(noon - 1, noon)?.starts, [noon - FIVE_MINUTES_MS, noon]);
});

test('a thousand points are told and no more', () => {
  const hours = (count: number) => planStatistics(noon, noon + (count - 1) * HOUR_MS);
  assert.equal(hours(POINTS_MAX)?.starts.length, POINTS_MAX);
  assert.equal(hours(POINTS_MAX + 1), undefined);
});

test('the buckets cover any range, ascending and without gaps', () => {
  const moment = fc.integer({ min: 0, max: 4e12 });
  fc.assert(
    fc.property(moment, fc.integer({ min: 0, max: 45 * 24 * HOUR_MS }), (start, length) => {
      const plan = planStatistics(start, start + length);
      if (plan === undefined) return assert.ok(length > 40 * 24 * HOUR_MS);
      const { starts, widthMs } = plan;
      const [first = Number.NaN] = starts;
      assert.ok(first <= start && start < first + widthMs);
      assert.ok((starts.at(-1) ?? 0) <= start + length);
      assert.ok((starts.at(-1) ?? 0) + widthMs > start + length);
      for (const [index, at] of starts.entries()) assert.equal(at, first + index * widthMs);
    }),
  );
});
