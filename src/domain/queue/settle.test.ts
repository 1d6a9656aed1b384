import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addKeys,
  addTask,
  claim,
  expireLeases,
  first,
  settle,
  settlement,
} from '../../../test/kit/queue-rows.ts';
import { testDatabase } from '../../../test/kit/postgres.ts';
import type { Db } from '../../platform/postgres/db.ts';
import { listObjects, listRetrying } from './objects.ts';
import { countersOfMonth } from './statistics.ts';
import { clearTask, hideTask, startTask, stopTask } from '../tasks/tasks-table.ts';

async function rowsOf(db: Db): Promise<Record<string, unknown>[]> {
  const { rows } = await db.query(
    `select object_key as key, attempt, due_at <= now() as due, claim_id is not null as claimed
    from changes order by object_key`,
  );
  return rows;
}

async function counters(db: Db, taskId: string): Promise<number[]> {
  const now = { atMs: Date.now(), timeZone: 'UTC' };
  const { SUCCESS, FAILURE, SKIP, SIZE } = await countersOfMonth(db, taskId, now);
  return [SUCCESS, FAILURE, SKIP, SIZE];
}

test('the object list, the counters and the removal of the work come together', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['a', 'b', 'c']);
  const [a, b, c] = await claim(db, task);
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  const counts = await settle(db, task, [
    settlement(a, {
      size: 7,
      checkMethod: 'md5',
      checkPassed: true,
      checkDetail: 'd',
      startedAt: 1_700_000_000_500,
    }),
    settlement(b, { outcome: 'skipped', reason: 'target-exists', size: 100 }),
    settlement(c, { outcome: 'failed', reason: 'denied', message: 'no', size: undefined }),
  ]);
  assert.deepEqual(counts, { held: 3, late: 0 });
  assert.deepEqual(await rowsOf(db), []);
  assert.deepEqual(await counters(db, task), [1, 1, 1, 7]);
  const listed = await listObjects(db, task, { limit: 9 });
  assert.deepEqual(
    listed.map(({ key, outcome, reason, message, size, attempts }) => [
      key,
      outcome,
      reason,
      message,
      size,
      attempts,
    ]),
    [
      ['a', 'copied', undefined, undefined, 7, 1],
      ['b', 'skipped', 'target-exists', undefined, 100, 1],
      ['c', 'failed', 'denied', 'no', undefined, 1],
    ],
  );
  const { checkMethod, checkPassed, checkDetail, startedAt } = first(listed);
  assert.deepEqual(
    [checkMethod, checkPassed, checkDetail, startedAt],
    ['md5', true, 'd', 1_700_000_000_500],
  );
});

test('a key that got an event while it was claimed makes exactly one more round', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['k']);
  const held = first(await claim(db, task));
  await addKeys(db, task, ['k']);
  await addKeys(db, task, ['k']);
  await settle(db, task, [settlement(held)]);
  assert.deepEqual(await rowsOf(db), [{ key: 'k', attempt: 0, due: true, claimed: false }]);
  assert.deepEqual(await counters(db, task), [1, 0, 0, 1]);
  const again = first(await claim(db, task));
  assert.equal(again.attempt, 1);
  await settle(db, task, [settlement(again)]);
  assert.deepEqual(await rowsOf(db), []);
  assert.deepEqual(await counters(db, task), [2, 0, 0, 2]);
});

test('an event during the first round is what the lag of the second counts from', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['k']);
  await db.query(`update changes set accepted_at = now() - interval '1 hour'`);
  const held = first(await claim(db, task));
  await addKeys(db, task, ['k']);
  await settle(db, task, [settlement(held)]);
  const again = first(await claim(db, task));
  assert.ok(again.acceptedAt > Date.now() - 60_000);
});

test('a change that is retried is due after its delay, with its attempts', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['now', 'then']);
  const held = await claim(db, task);
  await settle(
    db,
    task,
    held.map((one) =>
      settlement(one, { done: false, delayMs: one.key === 'then' ? 3_600_000 : 0 }),
    ),
  );
  assert.deepEqual(await rowsOf(db), [
    { key: 'now', attempt: 1, due: true, claimed: false },
    { key: 'then', attempt: 1, due: false, claimed: false },
  ]);
  assert.equal(first(await claim(db, task)).attempt, 2);
  assert.deepEqual(await counters(db, task), [0, 0, 0, 0]);
  assert.deepEqual(await listObjects(db, task, { limit: 9 }), []);
});

test('a claim that is given back unused does not count as an attempt', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['k']);
  const held = first(await claim(db, task));
  await settle(db, task, [settlement(held, { done: false, released: true })]);
  assert.equal(first(await claim(db, task)).attempt, 1);
});

test('restoring: no attempt is counted; restoring_since is kept, and cleared when the round ends otherwise', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['k']);
  const waiting = {
    done: false,
    restoring: true,
    reason: 'archived',
    message: 'thaws',
    startedAt: 1,
  };
  let held = first(await claim(db, task));
  assert.equal(held.restoringSince, undefined);
  await settle(db, task, [settlement(held, waiting)]);
  held = first(await claim(db, task));
  const since = held.restoringSince ?? assert.fail();
  assert.ok(Math.abs(Date.now() - since) < 60_000);
  assert.equal(held.attempt, 1);
  await settle(db, task, [settlement(held, waiting)]);
  const [listed] = await listRetrying(db, task, { limit: 9 });
  assert.partialDeepStrictEqual(listed, { key: 'k', reason: 'archived', message: 'thaws' });
  held = first(await claim(db, task));
  assert.equal(held.restoringSince, since, 'since it was asked for first');
  await settle(db, task, [settlement(held, { done: false, released: true })]);
  held = first(await claim(db, task));
  assert.equal(held.restoringSince, since);
  await settle(db, task, [settlement(held, { done: false, reason: 'unavailable', startedAt: 1 })]);
  held = first(await claim(db, task));
  assert.equal(held.restoringSince, since, 'what failed by the way does not begin the wait anew');
  assert.equal(held.attempt, 2);
  await settle(db, task, [settlement(held, waiting)]);
  held = first(await claim(db, task));
  assert.equal(held.attempt, 1, 'nor does it add up over a wait');
  await addKeys(db, task, ['k']);
  await settle(db, task, [settlement(held, waiting)]);
  held = first(await claim(db, task));
  assert.equal(held.restoringSince, undefined, 'an event is a new round');
});

test('what waits for a restore while its task is stopped does not wait too long', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['k']);
  await settle(db, task, [
    settlement(first(await claim(db, task)), {
      done: false,
      restoring: true,
      reason: 'archived',
      startedAt: 1,
    }),
  ]);
  await db.query(`update changes set restoring_since = now() - interval '30 days'`);
  await stopTask(db, task);
  await startTask(db, task, undefined);
  const { restoringSince } = first(await claim(db, task));
  assert.ok(Math.abs(Date.now() - (restoringSince ?? 0)) < 60_000);
});

test('a claim that lapsed counts nothing, and makes its key due again', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['k']);
  const late = first(await claim(db, task));
  await expireLeases(db);
  const held = first(await claim(db, task));
  await settle(db, task, [settlement(held, { size: 5 })]);
  assert.deepEqual(await rowsOf(db), []);
  const counts = await settle(db, task, [settlement(late, { outcome: 'failed' })]);
  assert.deepEqual(counts, { held: 0, late: 1 });
  assert.deepEqual(await rowsOf(db), [{ key: 'k', attempt: 0, due: true, claimed: false }]);
  assert.deepEqual(await counters(db, task), [1, 0, 0, 5]);
  assert.equal(first(await listObjects(db, task, { limit: 9 })).outcome, 'copied');
});

test('a claim that lapsed does not change the live one, which then makes one more round', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['k']);
  const late = first(await claim(db, task));
  await expireLeases(db);
  const held = first(await claim(db, task));
  await settle(db, task, [settlement(late)]);
  assert.deepEqual(await claim(db, task), []);
  assert.deepEqual(await settle(db, task, [settlement(held)]), { held: 1, late: 0 });
  assert.deepEqual(await rowsOf(db), [{ key: 'k', attempt: 0, due: true, claimed: false }]);
});

test('a late and a live settlement of one key can come together', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['k', 'other']);
  const late = await claim(db, task);
  await expireLeases(db);
  const later = await claim(db, task);
  await expireLeases(db, 'k');
  const held = await claim(db, task);
  const counts = await settle(
    db,
    task,
    [...late, ...later, ...held].map((one) => settlement(one)),
  );
  assert.deepEqual(counts, { held: 2, late: 3 });
  assert.deepEqual(await rowsOf(db), [
    { key: 'k', attempt: 0, due: true, claimed: false },
    { key: 'other', attempt: 0, due: true, claimed: false },
  ]);
  assert.deepEqual(await counters(db, task), [2, 0, 0, 2]);
});

test('a repeated settlement counts once', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['k']);
  const held = first(await claim(db, task));
  await settle(db, task, [settlement(held)]);
  assert.deepEqual(await settle(db, task, [settlement(held)]), { held: 0, late: 1 });
  assert.deepEqual(await counters(db, task), [1, 0, 0, 1]);
});

test('the ETag that was copied last, and doubt about the target, last until the next copy', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  for (const [outcome, result, doubtful] of [
    ['copied', { sourceEtag: '"1"' }, false],
    ['skipped', {}, false],
    ['failed', {}, false],
    ['failed', { targetDoubtful: true }, true],
    ['failed', {}, true],
    ['skipped', {}, true],
    ['copied', { sourceEtag: '"2"' }, false],
  ] as const) {
    await addKeys(db, task, ['k']);
    const held = first(await claim(db, task));
    await settle(db, task, [settlement(held, { outcome, ...result })]);
    await addKeys(db, task, ['k']);
    const next = first(await claim(db, task));
    assert.equal(next.targetDoubtful, doubtful, outcome);
    if (!doubtful) assert.equal(next.copiedEtag, outcome === 'copied' ? result.sourceEtag : '"1"');
    await settle(db, task, [settlement(next, { done: false, released: true })]);
  }
});

test('processes of the version before, which mark doubt by an empty ETag, understand and are understood', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['k']);
  const held = first(await claim(db, task));
  await settle(db, task, [settlement(held, { outcome: 'failed', targetDoubtful: true })]);
  const { rows } = await db.query<{ source_etag: string }>('select source_etag from objects');
  assert.deepEqual(rows, [{ source_etag: '' }]);
  await db.query('update objects set target_doubtful = false');
  await addKeys(db, task, ['k']);
  const next = first(await claim(db, task));
  assert.deepEqual([next.copiedEtag, next.targetDoubtful], [undefined, true]);
});

test('what a late claim may have overwritten is copied again, in whichever order the claims end', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  const copied = { sourceEtag: '"2"' };
  await addKeys(db, task, ['after', 'before', 'together']);
  const late = await claim(db, task);
  await expireLeases(db);
  const held = await claim(db, task);
  const [lateAfter, lateBefore, lateTogether] = late.map((one) => settlement(one));
  const [after, before, together] = held.map((one) => settlement(one, copied));
  assert.ok(lateAfter && lateBefore && lateTogether && after && before && together);
  await settle(db, task, [lateBefore]);
  await settle(db, task, [after, before]);
  await settle(db, task, [lateAfter]);
  await settle(db, task, [lateTogether, together]);
  const again = await claim(db, task);
  assert.deepEqual(
    again.map(({ key, targetDoubtful }) => [key, targetDoubtful]),
    ['after', 'before', 'together'].map((key) => [key, true]),
  );
  // A look that ends without a copy leaves it as unknown as it was.
  const [first, second, third] = again;
  assert.ok(first && second && third);
  await settle(db, task, [
    settlement(first, copied),
    settlement(second, { outcome: 'failed' }),
    settlement(third, { done: false }),
  ]);
  await addKeys(db, task, ['after', 'before']);
  assert.deepEqual(
    (await claim(db, task)).map(({ key, copiedEtag, targetDoubtful }) => [
      key,
      targetDoubtful || copiedEtag,
    ]),
    [
      ['after', '"2"'],
      ['before', true],
      ['together', true],
    ],
  );
});

test('a late settlement for a task that is gone changes nothing', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['k']);
  const held = first(await claim(db, task));
  await stopTask(db, task);
  await hideTask(db, task);
  await clearTask(db, task);
  await settle(db, task, [settlement(held)]);
  for (const table of ['changes', 'objects', 'statistics', 'sync_tasks']) {
    const { rows } = await db.query<{ n: number }>(`select count(*)::int as n from ${table}`);
    assert.equal(first(rows).n, 0, table);
  }
});

test('writers of their own add up', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['a', 'b']);
  for (const [index, one] of (await claim(db, task)).entries()) {
    await settle(db, task, [settlement(one)], index);
  }
  assert.deepEqual(await counters(db, task), [2, 0, 0, 2]);
});

test('settlements of the same keys, late and live, in any order all count once', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  const keys = Array.from({ length: 40 }, (_, index) => `k${index}`);
  for (let round = 0; round < 8; round++) {
    await addKeys(db, task, keys);
    const late = await claim(db, task);
    await expireLeases(db);
    const held = await claim(db, task);
    const half = keys.length / 2;
    const mixed = [...late.slice(0, half), ...held.slice(half)];
    const rest = [...held.slice(0, half), ...late.slice(half)];
    await Promise.all([
      settle(
        db,
        task,
        mixed.map((one) => settlement(one)),
        1,
      ),
      settle(
        db,
        task,
        rest.toReversed().map((one) => settlement(one)),
        2,
      ),
      addKeys(db, task, keys),
    ]);
    await expireLeases(db);
  }
  assert.deepEqual(await counters(db, task), [8 * keys.length, 0, 0, 8 * keys.length]);
});
