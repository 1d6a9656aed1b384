import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { addKeys, addTask, claim, settle, settlement } from '../../../test/kit/queue-rows.ts';
import type { Database } from '../../platform/postgres/db.ts';
import type { TaskPlan } from '../tasks/task-record.ts';
import { type Difference, insertDifferences } from './differences-table.ts';
import { beginEnqueueing, enqueueNextBatch } from './enqueue-report.ts';
import { endScan, findScan, insertScan } from './scans-table.ts';

async function addReport(
  db: Database,
  differences: readonly Difference[],
  plan: Partial<TaskPlan> = {},
) {
  const taskId = await addTask(db, plan);
  const id = randomUUID();
  assert.ok(await insertScan(db, { id, taskId, kind: 'verify' }));
  await insertDifferences(db, id, differences);
  const end = () => endScan(db, id, { state: 'complete', digest: Buffer.alloc(32) });
  const shown = async () => {
    const scan = await findScan(db, taskId, id);
    return [scan?.enqueueingState, scan?.enqueueingCount, scan?.enqueueingKey];
  };
  return { taskId, id, end, shown };
}

const missing = (count: number): Difference[] =>
  Array.from({ length: count }, (_, at) => ({ key: `k${10_000 + at}`, comparison: 'missing' }));

const waiting = async (db: Database): Promise<number> =>
  (await db.query<{ count: number }>('select count(*)::int as count from changes')).rows[0]
    ?.count ?? -1;

describe('the enqueueing of a report', () => {
  test('takes a batch a transaction, shows how far it is, and ends', async () => {
    await using db = await testDatabase();
    const { id, end, shown } = await addReport(db, missing(2_500));
    assert.equal(await beginEnqueueing(db, id), false, 'not before the scan has ended');
    await end();
    assert.deepEqual(await shown(), [undefined, 0, '']);
    assert.equal(await enqueueNextBatch(db, 1e6), false, 'not before somebody asks for it');
    assert.ok(await beginEnqueueing(db, id));
    assert.ok(await enqueueNextBatch(db, 1e6));
    assert.deepEqual(await shown(), ['running', 1_000, 'k10999']);
    assert.ok(await beginEnqueueing(db, id), 'a second call leaves it as it is');
    assert.deepEqual(await shown(), ['running', 1_000, 'k10999']);
    while (await enqueueNextBatch(db, 1e6));
    assert.deepEqual(await shown(), ['done', 2_500, 'k12499']);
    assert.equal(await waiting(db), 2_500);
    assert.ok(await beginEnqueueing(db, id), 'it can be repeated');
    while (await enqueueNextBatch(db, 1e6));
    assert.deepEqual(await shown(), ['done', 2_500, 'k12499']);
    assert.equal(await waiting(db), 2_500);
  });

  test('waits while as many scanned keys wait as may, and while its task is stopped', async () => {
    await using db = await testDatabase();
    const { id, end, shown } = await addReport(db, missing(2_500));
    await end();
    await beginEnqueueing(db, id);
    while (await enqueueNextBatch(db, 1_500));
    assert.deepEqual((await shown()).slice(0, 2), ['running', 2_000]);
    await db.query('delete from changes');
    await db.query(`update scans set enqueueing_due_at = now()`);
    await db.query(`update sync_tasks set status = 'STOPPED'`);
    assert.equal(await enqueueNextBatch(db, 1_500), false);
    assert.deepEqual((await shown()).slice(0, 2), ['paused', 2_000]);
    await db.query(`update sync_tasks set status = 'SYNCHRONIZING'`);
    while (await enqueueNextBatch(db, 1_500));
    assert.deepEqual((await shown()).slice(0, 2), ['done', 2_500]);
  });

  test('repeats and leaves out nothing when a process ends in the middle of a batch', async () => {
    await using db = await testDatabase();
    const { id, end, shown } = await addReport(db, missing(1_500));
    await end();
    await beginEnqueueing(db, id);
    await enqueueNextBatch(db, 1e6);
    const dies = new Error('dies before the commit');
    const dying = {
      query: db.query.bind(db),
      transaction: async <T>(work: Parameters<typeof db.transaction<T>>[0]): Promise<T> =>
        await db.transaction<T>(async (inner) => {
          await work(inner);
          throw dies;
        }),
    };
    await assert.rejects(enqueueNextBatch(dying, 1e6), dies);
    assert.deepEqual(await shown(), ['running', 1_000, 'k10999']);
    assert.equal(await waiting(db), 1_000);
    while (await enqueueNextBatch(db, 1e6));
    assert.deepEqual(await shown(), ['done', 1_500, 'k11499']);
  });

  test('leaves what only the target has or what cannot be read, and insists where bytes differ', async () => {
    await using db = await testDatabase();
    const { id, end } = await addReport(db, [
      { key: 'bytes', comparison: 'different', reason: 'bytes' },
      { key: 'extra', comparison: 'extra' },
      { key: 'missing', comparison: 'missing' },
      { key: 'time', comparison: 'different', reason: 'time' },
      { key: 'unreadable', comparison: 'unreadable', reason: 'denied' },
    ]);
    await end();
    await beginEnqueueing(db, id);
    while (await enqueueNextBatch(db, 1e6));
    const { rows } = await db.query<{ key: string; late: boolean }>(
      'select object_key as key, late_write as late from changes order by object_key',
    );
    assert.deepEqual(rows, [
      { key: 'bytes', late: true },
      { key: 'missing', late: false },
      { key: 'time', late: false },
    ]);
  });

  for (const [overwriteMode, insists] of [
    ['NO_OVERWRITE', { bytes: false, copied: true, failed: false, skipped: false }],
    ['FULL_OVERWRITE', { bytes: true, copied: true, failed: true, skipped: true }],
  ] as const) {
    test(`takes an object for a damaged copy of ours only where it may be one, under ${overwriteMode}`, async () => {
      await using db = await testDatabase();
      const reasons = { bytes: 'bytes', copied: 'checksum', failed: 'bytes', skipped: 'bytes' };
      const differences = Object.entries(reasons).map(
        ([key, reason]) => ({ key, comparison: 'different', reason }) as Difference,
      );
      const { taskId, id, end } = await addReport(db, differences, { overwriteMode });
      const settled = ['copied', 'failed', 'skipped'] as const;
      await addKeys(db, taskId, settled);
      const claims = await claim(db, taskId);
      const outcomes = claims.map((one, at) => settlement(one, { outcome: settled[at] }));
      assert.deepEqual(await settle(db, taskId, outcomes), { held: 3, late: 0 });
      await end();
      await beginEnqueueing(db, id);
      while (await enqueueNextBatch(db, 1e6));
      const found = await claim(db, taskId);
      assert.deepEqual(
        Object.fromEntries(found.map(({ key, targetDoubtful }) => [key, targetDoubtful])),
        insists,
      );
    });
  }
});
