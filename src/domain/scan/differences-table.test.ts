import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { addTask } from '../../../test/kit/queue-rows.ts';
import type { Db } from '../../platform/postgres/db.ts';
import { type Difference, insertDifferences, listDifferences } from './differences-table.ts';
import { findScan, insertScan, isTruncated } from './scans-table.ts';

const missing = (from: number, count: number): Difference[] =>
  Array.from({ length: count }, (_, at) => ({ key: `k${from + at}`, comparison: 'missing' }));

/** What a settlement of a page writes beside the differences. */
async function count(db: Db, scanId: string, found: number, reported: number): Promise<void> {
  await db.query(
    `update scan_ranges set missing = missing + $2, tally = jsonb_build_object('reported', $3::int) where scan_id = $1`,
    [scanId, found, reported],
  );
}

describe('a report', () => {
  test('takes no more rows than it may have, and says that it lacks some', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const id = randomUUID();
    assert.ok(await insertScan(db, { id, taskId, kind: 'verify' }));
    const truncated = async (): Promise<boolean> => {
      const scan = await findScan(db, taskId, id);
      return scan === undefined || isTruncated(scan);
    };
    assert.equal(await insertDifferences(db, id, missing(100, 7), 10), 7);
    await count(db, id, 7, 7);
    assert.equal(await truncated(), false);
    assert.equal(await insertDifferences(db, id, missing(200, 7), 10), 3);
    await count(db, id, 7, 10);
    assert.equal(await truncated(), true);
    assert.equal(await insertDifferences(db, id, missing(300, 7), 10), 0);
    const rows = await listDifferences(db, id, { limit: 100 });
    assert.deepEqual(
      rows.map(({ key }) => key),
      [...missing(100, 7), ...missing(200, 3)].map(({ key }) => key),
    );
  });

  test('takes no more rows when two pages are settled at once', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const id = randomUUID();
    assert.ok(await insertScan(db, { id, taskId, kind: 'verify' }));
    await Promise.all(
      [0, 100, 200, 300].map((from) =>
        db.transaction(async (inner) => {
          const reported = await insertDifferences(inner, id, missing(from, 7), 10);
          await inner.query(
            `insert into scan_ranges (scan_id, after_key, cursor_key, tally)
            values ($1, $2, '', jsonb_build_object('reported', $3::int))`,
            [id, `${from}`, reported],
          );
        }),
      ),
    );
    assert.equal((await listDifferences(db, id, { limit: 100 })).length, 10);
  });
});
