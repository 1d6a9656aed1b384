import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import type { Settlement } from './settle.ts';
import {
  addKeys,
  addTask,
  claim,
  expireLeases,
  first,
  settle,
  settlement,
} from '../../../test/kit/queue-rows.ts';
import { backlog, releaseClaims, untilNextDue } from './changes.ts';
import type { Db } from '../../platform/postgres/db.ts';
import { dueRechecks, endRecheck, type RecheckEnd, tasksToRecheck } from './rechecks.ts';
import { clearTask, hideTask, startTask, stopTask } from '../tasks/tasks-table.ts';

const unchanged: RecheckEnd = { again: false, doubtful: true, kept: false };

/** Keys with rechecks outstanding, and how many minutes after the lost lease the next one is due. */
async function outstanding(db: Db): Promise<[string, number][]> {
  const { rows } = await db.query<{ key: string; minutes: number }>(
    `select object_key as key, round(extract(epoch from due_at - lost_at) / 60)::int as minutes
    from rechecks order by object_key`,
  );
  return rows.map(({ key, minutes }) => [key, minutes]);
}

/** Lets time pass for the rechecks. */
async function pass(db: Db, minutes: number): Promise<void> {
  await db.query(
    `update rechecks set lost_at = lost_at - $1 * interval '1 minute', due_at = due_at - $1 * interval '1 minute'`,
    [minutes],
  );
}

/** A key whose claim was lost and that was settled since. */
async function lostAndSettled(db: Db, key = 'k'): Promise<string> {
  const task = await addTask(db);
  await addKeys(db, task, [key]);
  await claim(db, task);
  await expireLeases(db);
  const held = first(await claim(db, task));
  await settle(db, task, [settlement(held, { targetEtag: '"2"' })]);
  return task;
}

describe('rechecks are left by a claim', () => {
  test('whose lease ran out, once it is claimed again', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await addKeys(db, task, ['a', 'b']);
    const plain = await claim(db, task);
    assert.deepEqual(
      plain.map(({ unsettled }) => unsettled),
      [false, false],
    );
    await expireLeases(db, 'a');
    assert.equal(first(await claim(db, task)).unsettled, true);
    assert.deepEqual(await outstanding(db), [['a', 1]]);
  });

  test('of a process that died, once the only one starts', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await addKeys(db, task, ['a', 'b']);
    await claim(db, task, { limit: 1 });
    assert.equal(await releaseClaims(db), 1);
    assert.deepEqual(await outstanding(db), [['a', 1]]);
    assert.deepEqual(
      (await claim(db, task)).map(({ key, unsettled }) => [key, unsettled]),
      [
        ['a', true],
        ['b', false],
      ],
    );
  });

  test('that is settled too late, counted from then', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await addKeys(db, task, ['k']);
    const late = first(await claim(db, task));
    await expireLeases(db);
    const held = first(await claim(db, task));
    await settle(db, task, [settlement(held)]);
    await pass(db, 300);
    await settle(db, task, [settlement(late)]);
    const { rows } = await db.query<{ fresh: boolean }>(
      `select lost_at > now() - interval '1 minute' as fresh from rechecks`,
    );
    assert.deepEqual(rows, [{ fresh: true }]);
  });

  test('of which a write had no answer, however it ends', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    const keys = ['copied', 'failed', 'released', 'retried'];
    await addKeys(db, task, keys);
    const claims = await claim(db, task);
    const ends: Partial<Settlement>[] = [
      {},
      { outcome: 'failed' },
      { done: false, released: true },
      { done: false, delayMs: 60_000 },
    ];
    await settle(
      db,
      task,
      claims.map((one, at) => settlement(one, { ...ends[at], unanswered: true })),
    );
    assert.deepEqual(
      await outstanding(db),
      keys.map((key) => [key, 1]),
    );
  });

  test('and by no other', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await addKeys(db, task, ['copied', 'failed', 'released', 'retried']);
    const [copied, failed, released, retried] = await claim(db, task);
    assert.ok(copied && failed && released && retried);
    await settle(db, task, [
      settlement(copied),
      settlement(failed, { outcome: 'failed' }),
      settlement(released, { done: false, released: true }),
      settlement(retried, { done: false }),
    ]);
    await claim(db, task);
    assert.deepEqual(await outstanding(db), []);
  });

  test('of a task that is gone: none', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await addKeys(db, task, ['k']);
    const held = first(await claim(db, task));
    await stopTask(db, task);
    await hideTask(db, task);
    await clearTask(db, task);
    await settle(db, task, [settlement(held, { unanswered: true })]);
    assert.deepEqual(await outstanding(db), []);
  });
});

describe('a recheck', () => {
  test('is due 1, 5, 15 and 60 minutes after the lease, and then no more', async () => {
    await using db = await testDatabase();
    const task = await lostAndSettled(db);
    assert.deepEqual(await tasksToRecheck(db), []);
    for (const [minutes, next] of [
      [1, 5],
      [4, 15],
      [10, 60],
    ] as const) {
      await pass(db, minutes);
      assert.deepEqual(await tasksToRecheck(db), [task]);
      const due = first(await dueRechecks(db, { taskId: task, limit: 9 }));
      assert.equal(await endRecheck(db, task, due, unchanged), true);
      assert.deepEqual(await outstanding(db), [['k', next]]);
      assert.deepEqual(await dueRechecks(db, { taskId: task, limit: 9 }), []);
    }
    await pass(db, 45);
    const last = first(await dueRechecks(db, { taskId: task, limit: 9 }));
    await endRecheck(db, task, last, unchanged);
    assert.deepEqual(await outstanding(db), []);
  });

  test('is made once for all due times that have passed', async () => {
    await using db = await testDatabase();
    const task = await lostAndSettled(db);
    await pass(db, 20);
    await endRecheck(db, task, first(await dueRechecks(db, { taskId: task, limit: 9 })), unchanged);
    assert.deepEqual(await outstanding(db), [['k', 60]]);
  });

  test('counts neither as waiting nor as lag, and not as work that becomes due', async () => {
    await using db = await testDatabase();
    await lostAndSettled(db);
    await pass(db, 2);
    assert.equal(await untilNextDue(db), undefined);
    const running = (await backlog(db)).find((row) => row.running);
    assert.deepEqual(running, {
      running: true,
      waiting: 0,
      lagSeconds: 0,
      rechecks: 1,
    });
  });

  test('comes after a change of its key, which cancels nothing', async () => {
    await using db = await testDatabase();
    const task = await lostAndSettled(db);
    await pass(db, 2);
    await addKeys(db, task, ['k']);
    assert.deepEqual(await dueRechecks(db, { taskId: task, limit: 9 }), []);
    const held = first(await claim(db, task));
    assert.equal(held.unsettled, true);
    assert.deepEqual(await dueRechecks(db, { taskId: task, limit: 9 }), []);
    await settle(db, task, [settlement(held, { targetEtag: '"3"' })]);
    const due = first(await dueRechecks(db, { taskId: task, limit: 9 }));
    assert.equal(due.targetEtag, '"3"');
  });

  test('makes its key due in the same transaction, and stays scheduled', async () => {
    await using db = await testDatabase();
    const task = await lostAndSettled(db);
    await pass(db, 2);
    const due = first(await dueRechecks(db, { taskId: task, limit: 9 }));
    const again = { ...unchanged, again: true };
    assert.equal(await endRecheck(db, task, due, again), true);
    assert.equal(await endRecheck(db, task, due, again), false, 'a second process changes nothing');
    const held = first(await claim(db, task));
    assert.equal(held.targetDoubtful, true, 'what the target has is no reason to skip');
    assert.deepEqual(await outstanding(db), [['k', 5]]);
  });

  test('that was overtaken by an event, a settlement or another lost claim is made again', async () => {
    await using db = await testDatabase();
    const task = await lostAndSettled(db);
    await pass(db, 2);
    const before = first(await dueRechecks(db, { taskId: task, limit: 9 }));
    await addKeys(db, task, ['k']);
    assert.equal(await endRecheck(db, task, before, unchanged), false);
    await settle(db, task, [settlement(first(await claim(db, task)))]);
    assert.equal(await endRecheck(db, task, before, unchanged), false);
    assert.deepEqual(await outstanding(db), [['k', 1]]);
    const read = first(await dueRechecks(db, { taskId: task, limit: 9 }));
    await addKeys(db, task, ['k']);
    await claim(db, task);
    await expireLeases(db);
    await settle(db, task, [settlement(first(await claim(db, task)))]);
    assert.equal(await endRecheck(db, task, read, unchanged), false);
    const fresh = first(await dueRechecks(db, { taskId: task, limit: 9 }));
    assert.equal(await endRecheck(db, task, fresh, unchanged), true);
    assert.deepEqual(
      await outstanding(db),
      [['k', 1]],
      'counted from the claim that was lost last',
    );
  });

  test('of a stopped task waits for its start, and that of a deleted one is cleared away', async () => {
    await using db = await testDatabase();
    const task = await lostAndSettled(db);
    await pass(db, 2);
    await stopTask(db, task);
    assert.deepEqual(await tasksToRecheck(db), []);
    await startTask(db, task, undefined);
    assert.deepEqual(await tasksToRecheck(db), [task]);
    await stopTask(db, task);
    await hideTask(db, task);
    assert.deepEqual(await tasksToRecheck(db), []);
    await clearTask(db, task);
    assert.deepEqual(await outstanding(db), []);
  });

  test('of an object that was never copied is kept after its last time', async () => {
    await using db = await testDatabase();
    const task = await lostAndSettled(db);
    await pass(db, 90);
    const due = first(await dueRechecks(db, { taskId: task, limit: 9 }));
    await endRecheck(db, task, due, { ...unchanged, kept: true });
    assert.deepEqual(await outstanding(db), [['k', 150]]);
  });
});
