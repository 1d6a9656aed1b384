import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { testDatabase } from '../../../test/kit/postgres.ts';
import {
  DAY_MS,
  FIVE_MINUTES_MS,
  HOUR_MS,
  planStatistics,
} from '../../platform/model/statistics.ts';
import type { Db } from '../../platform/postgres/db.ts';
import { countersBetween, countersOfMonth, foldStatistics, newWriter } from './statistics.ts';

const task = randomUUID();

async function count(db: Db, atMs: number, { n = 1, width = 300, writer = 1 } = {}): Promise<void> {
  const start = Math.floor(atMs / FIVE_MINUTES_MS) * FIVE_MINUTES_MS;
  await db.query(
    `insert into statistics (task_id, width, starts_at, writer, requests, successes, failures, skips, bytes)
    values ($1, $2, to_timestamp($3::float8 / 1000), $4, $5::int8, $5::int8 * 2, $5::int8 * 3, $5::int8 * 4, $5::int8 * 5)
    on conflict (task_id, starts_at, width, writer) do update set requests = statistics.requests + $5::int8`,
    [task, width, start, writer, n],
  );
}

async function requestsOfMonth(db: Db, at: string, timeZone: string): Promise<number> {
  const month = await countersOfMonth(db, task, { atMs: Date.parse(at), timeZone });
  return month.REQUEST;
}

test('counters of all writers are summed, in buckets of the requested width', async () => {
  await using db = await testDatabase();
  const hour = Date.parse('2024-05-05T10:00:00Z');
  await count(db, hour, { writer: 1 });
  await count(db, hour, { writer: 2, n: 10 });
  await count(db, hour + 55 * 60_000, { n: 100 });
  await count(db, hour + HOUR_MS, { n: 1000 });
  const range = { fromMs: hour, toMs: hour + HOUR_MS };
  assert.deepEqual(await countersBetween(db, task, { ...range, widthMs: FIVE_MINUTES_MS }), [
    { start: hour, REQUEST: 11, SUCCESS: 22, FAILURE: 33, SKIP: 44, SIZE: 55 },
    {
      start: hour + 55 * 60_000,
      REQUEST: 100,
      SUCCESS: 200,
      FAILURE: 300,
      SKIP: 400,
      SIZE: 500,
    },
  ]);
  const [whole] = await countersBetween(db, task, { ...range, widthMs: HOUR_MS });
  assert.deepEqual([whole?.start, whole?.REQUEST], [hour, 111]);
  assert.deepEqual(await countersBetween(db, randomUUID(), { ...range, widthMs: HOUR_MS }), []);
});

test('a month begins and ends where the time zone says', async () => {
  await using db = await testDatabase();
  await count(db, Date.parse('2024-02-29T15:55:00Z'), { n: 1 });
  await count(db, Date.parse('2024-02-29T16:00:00Z'), { n: 10 }); // March 1st in Shanghai.
  await count(db, Date.parse('2024-03-31T15:55:00Z'), { n: 100 });
  await count(db, Date.parse('2024-03-31T16:00:00Z'), { n: 1000 });
  assert.equal(await requestsOfMonth(db, '2024-03-15T00:00:00Z', 'Asia/Shanghai'), 110);
  assert.equal(await requestsOfMonth(db, '2024-02-29T16:00:00Z', 'Asia/Shanghai'), 110);
  assert.equal(await requestsOfMonth(db, '2024-02-29T15:59:59Z', 'Asia/Shanghai'), 1);
  assert.equal(await requestsOfMonth(db, '2024-03-15T00:00:00Z', 'UTC'), 1100);
  // The clocks change within this month: it is an hour short.
  assert.equal(await requestsOfMonth(db, '2024-03-31T21:59:59Z', 'Europe/Berlin'), 1100);
  assert.equal(await requestsOfMonth(db, '2024-03-31T22:00:00Z', 'Europe/Berlin'), 0);
});

test('nothing counted gives zeroes', async () => {
  await using db = await testDatabase();
  assert.deepEqual(await countersOfMonth(db, task, { atMs: Date.now(), timeZone: 'UTC' }), {
    REQUEST: 0,
    SUCCESS: 0,
    FAILURE: 0,
    SKIP: 0,
    SIZE: 0,
  });
});

test('folding makes rows fewer and neither loses nor doubles anything', async () => {
  await using db = await testDatabase();
  const now = Date.now();
  const age = fc.integer({ min: 0, max: 400 * 24 * 12 });
  const one = fc.record({ age, writer: fc.integer({ min: 1, max: 3 }) });
  const property = fc.asyncProperty(
    fc.array(one, { minLength: 1, maxLength: 60 }),
    fc.constantFrom('UTC', 'Asia/Shanghai', 'America/New_York'),
    async (counted, timeZone) => {
      await db.query('delete from statistics');
      for (const { age: steps, writer } of counted) {
        await count(db, now - steps * FIVE_MINUTES_MS, { writer });
      }
      const months = counted.map(({ age: steps }) => now - steps * FIVE_MINUTES_MS);
      const before = await sums(db, months, timeZone);
      for (let times = 0; times < 3; times++) await foldStatistics(db, timeZone);
      assert.deepEqual(await sums(db, months, timeZone), before);
      const { rows } = await db.query(
        `select from statistics where (width = 300 and starts_at < now() - interval '4 days 1 hour')
          or (width = 3600 and starts_at < now() - interval '100 days 1 hour')`,
      );
      assert.equal(rows.length, 0);
    },
  );
  await fc.assert(property, { numRuns: 12 });
});

async function sums(db: Db, months: readonly number[], timeZone: string): Promise<number[]> {
  const requests: number[] = [];
  for (const atMs of months) {
    requests.push((await countersOfMonth(db, task, { atMs, timeZone })).REQUEST);
  }
  return requests;
}

test('hours stay readable as hours after they were folded', async () => {
  await using db = await testDatabase();
  const hour = Math.floor((Date.now() - 10 * DAY_MS) / HOUR_MS) * HOUR_MS;
  for (const minutes of [0, 5, 55]) await count(db, hour + minutes * 60_000);
  const range = { fromMs: hour, toMs: hour + HOUR_MS, widthMs: HOUR_MS };
  const before = await countersBetween(db, task, range);
  await foldStatistics(db, 'UTC');
  assert.deepEqual(await countersBetween(db, task, range), before);
  const { rows } = await db.query(`select width, writer from statistics`);
  assert.deepEqual(rows, [{ width: 3600, writer: 0 }]);
});

test('what is answered does not change by folding, wherever the range begins', async () => {
  await using db = await testDatabase();
  const now = Date.now();
  const ages = [1, 3.5, 3.99, 4, 4.01, 10, 99].map((days) => days * DAY_MS);
  for (const ageMs of ages) await count(db, now - ageMs + 20 * 60_000);
  const answers = () =>
    Promise.all(
      ages.map(async (ageMs) => {
        const range = { startMs: now - ageMs, endMs: now - ageMs + HOUR_MS };
        const { starts = [], widthMs = 0 } = planStatistics(range, now) ?? {};
        const [fromMs = 0] = starts;
        const toMs = fromMs + starts.length * widthMs;
        return countersBetween(db, task, { fromMs, toMs, widthMs });
      }),
    );
  const before = await answers();
  await foldStatistics(db, 'UTC');
  assert.deepEqual(await answers(), before);
});

test('no two writers are the same', async () => {
  await using db = await testDatabase();
  const writers = await Promise.all(Array.from({ length: 10 }, () => newWriter(db)));
  assert.equal(new Set(writers).size, 10);
  assert.ok(!writers.includes(0)); // The one that folding writes under.
});
