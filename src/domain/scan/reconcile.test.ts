import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import {
  scanned,
  scannerOf,
  scanOnce,
  storeOf,
  waiting,
} from '../../../test/kit/scanner-fixture.ts';
import {
  addKeys,
  addTask,
  claim,
  expireLeases,
  settle,
  settlement,
} from '../../../test/kit/queue-rows.ts';
import type { Database } from '../../platform/postgres/db.ts';
import { newestReconcile, oldestWithoutEvent } from './scans-table.ts';

/** Ends everything that waits in a task. */
async function settleAll(
  db: Database,
  taskId: string,
  outcomeOf: (key: string) => 'copied' | 'failed',
): Promise<void> {
  const claims = await claim(db, taskId);
  await settle(
    db,
    taskId,
    claims.map((one) => settlement(one, { outcome: outcomeOf(one.key) })),
  );
}

describe('a reconcile', () => {
  test('tries what failed for good once, with one attempt, and all else as usual', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const sides = { source: await storeOf(['copied', 'failed', 'new']), target: await storeOf([]) };
    await addKeys(db, taskId, ['copied', 'failed']);
    await settleAll(db, taskId, (key) => (key === 'failed' ? 'failed' : 'copied'));
    assert.equal((await scanned(db, sides, { taskId, kind: 'reconcile' })).enqueued, 3);
    assert.deepEqual(
      (await claim(db, taskId)).map(({ key, attemptsMax }) => [key, attemptsMax]),
      [
        ['copied', undefined],
        ['failed', 1],
        ['new', undefined],
      ],
    );
    await addKeys(db, taskId, ['failed']);
    await expireLeases(db, 'failed');
    assert.deepEqual(
      (await claim(db, taskId)).map(({ key, attemptsMax }) => [key, attemptsMax]),
      [['failed', undefined]],
      'an event brings something new',
    );
  });

  test('leaves it to a backfill to try everything as often as usual', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const sides = { source: await storeOf(['failed']), target: await storeOf([]) };
    await addKeys(db, taskId, ['failed']);
    await settleAll(db, taskId, () => 'failed');
    await scanned(db, sides, { taskId, kind: 'backfill' });
    assert.deepEqual(
      (await claim(db, taskId)).map(({ attemptsMax }) => attemptsMax),
      [undefined],
    );
  });

  test('that repeats a page does not try again what failed meanwhile', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const sides = { source: await storeOf(['k']), target: await storeOf([]) };
    const { id } = await scanned(db, sides, { taskId, kind: 'reconcile' });
    await settleAll(db, taskId, () => 'failed');
    // As it was before the page.
    await db.query(`update scans set state = 'running', ended_at = null`);
    await db.query(
      `update scan_ranges set state = 'open', cursor_key = '', source_next = null, target_next = null`,
    );
    const again = scannerOf(db, sides);
    again.start();
    const { missing, enqueued } = await scanOnce(db, taskId, id);
    await again.stop();
    assert.deepEqual([missing, enqueued], [2, 1]);
    assert.deepEqual(await waiting(db), []);
  });

  test('counts what no event has named, and since when', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const [now, found] = [Date.now(), [] as number[]];
    const ages = { 'failed': 60, 'named': 60, 'missed': 3_600, 'missed later': 60, 'changed': -60 };
    const source = await storeOf(Object.keys(ages));
    for (const [key, age] of Object.entries(ages))
      Object.assign(source.objects.get(key)?.head ?? {}, { lastModified: now - age * 1_000 });
    const sides = { source, target: await storeOf([]) };
    await addKeys(db, taskId, ['failed', 'changed']);
    await settleAll(db, taskId, () => 'failed');
    await addKeys(db, taskId, ['named']);
    const options = { onWithoutEvent: (keys: number) => found.push(keys) };
    const first = await scanned(db, sides, { taskId, kind: 'reconcile' }, options);
    assert.deepEqual(
      [first.enqueued, first.withoutEvent, first.oldestWithoutEvent],
      [5, 3, now - 3_600_000],
    );
    const seconds = await oldestWithoutEvent(db);
    assert.ok(seconds > 3_599 && seconds < 3_700, String(seconds));
    const second = await scanned(db, sides, { taskId, kind: 'reconcile' }, options);
    assert.deepEqual([second.enqueued, second.withoutEvent], [5, 0], 'they wait already');
    assert.deepEqual(found, [3]);
    assert.equal((await newestReconcile(db, taskId))?.id, second.id);
    assert.equal(await oldestWithoutEvent(db), 0);
  });
});
