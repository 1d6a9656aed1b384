import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  DAY_MS,
  FIVE_MINUTES_MS,
  HOUR_MS,
  isKeptInHours,
  planStatistics,
  POINTS_MAX,
  type StatisticPlan,
} from './statistics.ts';

const noon = Date.parse('2024-05-05T12:00:00Z');

/** Asked at the end of the range. */
function plan(startMs: number, endMs: number): StatisticPlan | undefined {
  return planStatistics({ startMs, endMs }, endMs);
}

test('up to three days are reported in steps of five minutes, longer ranges in hours', () => {
  assert.equal(plan(noon, noon + 72 * HOUR_MS)?.width, 'FIVE_MINUTES');
  assert.equal(plan(noon, noon + 72 * HOUR_MS + 1)?.width, 'ONE_HOUR');
});

test('counters older than four days are reported in hours, and those older than a hundred days are not kept', () => {
  const width = (ageMs: number) =>
    planStatistics({ startMs: noon - ageMs, endMs: noon - ageMs + HOUR_MS }, noon)?.width;
  assert.equal(width(3.9 * DAY_MS), 'FIVE_MINUTES');
  assert.equal(width(4 * DAY_MS), 'ONE_HOUR');
  assert.equal(isKeptInHours(noon - 99.9 * DAY_MS, noon), true);
  assert.equal(isKeptInHours(noon - 100 * DAY_MS, noon), false);
});

test('a moment is one bucket, the one that holds it', () => {
  assert.deepEqual(plan(noon + 1, noon + 1)?.starts, [noon]);
  assert.deepEqual(plan(noon - 1, noon)?.starts, [noon - FIVE_MINUTES_MS, noon]);
});

test('at most a thousand points are reported', () => {
  const hours = (count: number) => plan(noon, noon + (count - 1) * HOUR_MS);
  assert.equal(hours(POINTS_MAX)?.starts.length, POINTS_MAX);
  assert.equal(hours(POINTS_MAX + 1), undefined);
});

test('the buckets cover any range, ascending and without gaps', () => {
  const moment = fc.integer({ min: 0, max: 4e12 });
  fc.assert(
    fc.property(moment, fc.integer({ min: 0, max: 45 * 24 * HOUR_MS }), (start, length) => {
      const planned = plan(start, start + length);
      if (planned === undefined) return assert.ok(length > 40 * 24 * HOUR_MS);
      const { starts, widthMs } = planned;
      const [first = Number.NaN] = starts;
      assert.ok(first <= start && start < first + widthMs);
      assert.ok((starts.at(-1) ?? 0) <= start + length);
      assert.ok((starts.at(-1) ?? 0) + widthMs > start + length);
      for (const [index, at] of starts.entries()) assert.equal(at, first + index * widthMs);
    }),
  );
});
