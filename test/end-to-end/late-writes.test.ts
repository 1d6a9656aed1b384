import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../src/platform/base/clock.ts';
import { silentLog } from '../../src/platform/base/log.ts';
import { readEndpoints } from '../../src/domain/tasks/endpoints.ts';
import { Accounts } from '../../src/platform/stores/accounts.ts';
import { openBuckets } from '../../src/domain/tasks/open-buckets.ts';
import { OpenTasks } from '../../src/domain/tasks/open-tasks.ts';
import { recheck, type RecheckResult } from '../../src/domain/tasks/rechecks.ts';
import { roundsOf } from '../kit/oms-client.ts';
import {
  betweenHuawei,
  mappedHuawei,
  putWithCrc64,
  startWorld,
  type World,
} from '../kit/service-between-buckets.ts';

const HOUR = 3_600_000;

let world: World;
before(async () => {
  world = await startWorld({
    source: { dialect: 'obs' },
    target: { dialect: 'obs' },
    settingsOf: (servers) => ({ endpoints: mappedHuawei(servers) }),
  });
  world.to.versioning = undefined;
});
after(() => world[Symbol.asyncDispose]());

/** Leaves a key as a process does that is killed with a write under way: claimed, and nothing settled. */
async function killedWhileWriting(taskId: string, key: string): Promise<void> {
  await world.service.database.query(
    `insert into changes (task_id, object_key, generation, accepted_at, due_at, attempt, claim_id, lease_until)
    values ($1, $2, nextval('generations'), now(), now(), 1, nextval('claim_ids'), now() - interval '1 second')`,
    [taskId, key],
  );
  await world.service.database.query(`select pg_notify('changes', '')`);
}

/** Copies a key after a process was killed with an older version of it on its way to the target. */
async function copyAfterKill(taskId: string, key: string): Promise<void> {
  const rounds = roundsOf(await world.client.show(taskId));
  await killedWhileWriting(taskId, key);
  await world.client.settled(taskId, rounds + 1);
}

/** Makes the outstanding rechecks of a task due and runs them. */
async function runRechecks(taskId: string): Promise<RecheckResult[]> {
  const { database, sealer, settings, metrics } = world.service;
  const places = readEndpoints(settings.endpoints, settings.allowEndpoints);
  await using openTasks = new OpenTasks({
    ...{ database, sealer, restoreDays: settings.restoreDays },
    open: openBuckets({
      ...{ endpoints: places, clock: systemClock, log: silentLog, metrics },
      accounts: new Accounts({ clock: systemClock, calls: 64 }),
    }),
  });
  await database.query(
    `update rechecks set due_at = now() + case when task_id = $1 then interval '0' else interval '1 day' end`,
    [taskId],
  );
  const results: RecheckResult[] = [];
  const onRecheck = (result: RecheckResult): void => void results.push(result);
  const { signal } = new AbortController();
  await recheck({ database, openTasks, clock: systemClock, log: silentLog, onRecheck }, signal);
  return results;
}

/** Runs the rechecks, and waits until what they made due is settled. */
async function recheckAndSettle(taskId: string): Promise<RecheckResult[]> {
  const rounds = roundsOf(await world.client.show(taskId));
  const results = await runRechecks(taskId);
  await world.client.settled(taskId, rounds + 1);
  return results;
}

async function outstanding(taskId: string): Promise<number> {
  const { rowCount } = await world.service.database.query(
    `select from rechecks where task_id = $1`,
    [taskId],
  );
  return rowCount;
}

const replacing = [
  'FULL_OVERWRITE',
  'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE',
  'CRC64_COMPARISON_OVERWRITE',
] as const;

describe('a version that the store finishes writing after the next one was copied', () => {
  for (const mode of replacing) {
    test(`is noticed by a recheck and replaced, under ${mode}`, async () => {
      const { from, to } = world;
      const key = `late/${mode}`;
      const taskId = await world.createTask({ object_overwrite_mode: mode });
      from.put(key, 'version 2');
      await copyAfterKill(taskId, key);
      assert.equal(to.bytes(key)?.toString(), 'version 2');
      to.put(key, 'version 1');
      assert.deepEqual(await recheckAndSettle(taskId), ['changed']);
      assert.equal(to.bytes(key)?.toString(), 'version 2');
      const { outcome, target_etag } = await world.outcome(taskId, key);
      assert.deepEqual([outcome, target_etag], ['copied', `"${to.object(key)?.etag}"`]);
      assert.equal(await outstanding(taskId), 1, 'it may come later still');
      assert.deepEqual(await runRechecks(taskId), ['unchanged']);
      assert.equal((await world.client.show(taskId)).monthly_success_object, 2);
    });
  }

  test('is noticed by its version where the target keeps versions', async () => {
    const { from, to } = world;
    to.versioning = 'Enabled';
    const taskId = await world.createTask();
    from.put('late/versioned', 'equal bytes');
    await copyAfterKill(taskId, 'late/versioned');
    assert.deepEqual(await runRechecks(taskId), ['unchanged']);
    to.put('late/versioned', 'equal bytes', { userMetadata: { version: '1' } });
    assert.deepEqual(await recheckAndSettle(taskId), ['changed']);
    assert.deepEqual(to.object('late/versioned')?.userMetadata, {});
    to.versioning = undefined;
  });

  test('is noticed by its time where only its metadata differ', async () => {
    const { from, to } = world;
    const taskId = await world.createTask();
    from.put('late/metadata', 'equal bytes');
    await copyAfterKill(taskId, 'late/metadata');
    const late = { userMetadata: { version: '1' }, lastModified: Date.now() + 30_000 };
    to.put('late/metadata', 'equal bytes', late);
    assert.deepEqual(await recheckAndSettle(taskId), ['changed']);
    assert.deepEqual(to.object('late/metadata')?.userMetadata, {});
  });

  test('is not replaced under NO_OVERWRITE, and the object is reported as failed', async () => {
    const { from, to } = world;
    const taskId = await world.createTask({ object_overwrite_mode: 'NO_OVERWRITE' });
    from.put('late/no', 'version 2');
    await copyAfterKill(taskId, 'late/no');
    to.put('late/no', 'version 1');
    assert.deepEqual(await recheckAndSettle(taskId), ['changed']);
    assert.equal(to.bytes('late/no')?.toString(), 'version 1');
    const { outcome, reason } = await world.outcome(taskId, 'late/no');
    assert.deepEqual([outcome, reason], ['failed', 'inconsistent']);
  });

  test('stays where the source is gone, and the object is reported as failed', async () => {
    const { from, to } = world;
    const taskId = await world.createTask();
    from.put('late/gone', 'version 2');
    await copyAfterKill(taskId, 'late/gone');
    to.put('late/gone', 'version 1');
    from.removeVersion('late/gone', 'null');
    assert.deepEqual(await recheckAndSettle(taskId), ['changed']);
    assert.equal(to.bytes('late/gone')?.toString(), 'version 1');
    const { outcome, reason } = await world.outcome(taskId, 'late/gone');
    assert.deepEqual([outcome, reason], ['failed', 'not-found']);
  });
});

describe('a version that arrives before the next look', () => {
  test('is not treated as the newer source because of its size and time', async () => {
    const { from, to } = world;
    const taskId = await world.createTask();
    from.put('early/stale', 'version 2', { lastModified: Date.now() - HOUR });
    to.put('early/stale', 'version 1');
    await copyAfterKill(taskId, 'early/stale');
    assert.equal(to.bytes('early/stale')?.toString(), 'version 2');
  });

  test('is skipped where a checksum proves it equal', async () => {
    const { from, to } = world;
    const taskId = await world.createTask({ ...betweenHuawei });
    await putWithCrc64(from, 'early/equal', Buffer.from('same'), { lastModified: 0 });
    await putWithCrc64(to, 'early/equal', Buffer.from('same'));
    await copyAfterKill(taskId, 'early/equal');
    const { outcome, reason, target_etag } = await world.outcome(taskId, 'early/equal');
    assert.deepEqual([outcome, reason], ['skipped', 'target-up-to-date']);
    assert.equal(target_etag, `"${to.object('early/equal')?.etag}"`);
    assert.deepEqual(await runRechecks(taskId), ['unchanged']);
  });
});

describe('a recheck', () => {
  test('leaves an object alone that NO_OVERWRITE skipped and its owner replaced', async () => {
    const { from, to } = world;
    const taskId = await world.createTask({ object_overwrite_mode: 'NO_OVERWRITE' });
    from.put('owner', 'the source');
    to.put('owner', 'of the owner');
    await copyAfterKill(taskId, 'owner');
    to.put('owner', 'of the owner, again');
    assert.deepEqual(await recheckAndSettle(taskId), ['changed']);
    assert.equal(to.bytes('owner')?.toString(), 'of the owner, again');
    assert.equal((await world.outcome(taskId, 'owner')).reason, 'target-exists');
  });

  test('copies again what the target has lost', async () => {
    const { from, to } = world;
    const taskId = await world.createTask();
    from.put('lost', 'bytes');
    await copyAfterKill(taskId, 'lost');
    to.removeVersion('lost', 'null');
    assert.deepEqual(await recheckAndSettle(taskId), ['changed']);
    assert.equal(to.bytes('lost')?.toString(), 'bytes');
  });

  test('of a record without a target ETag copies again', async () => {
    const { from, to } = world;
    const taskId = await world.createTask();
    from.put('old-record', 'version 2');
    await copyAfterKill(taskId, 'old-record');
    await world.service.database.query(`update objects set target_etag = null where task_id = $1`, [
      taskId,
    ]);
    to.put('old-record', 'version 1');
    assert.deepEqual(await recheckAndSettle(taskId), ['not-comparable']);
    assert.equal(to.bytes('old-record')?.toString(), 'version 2');
  });

  test('of an object that failed counts no second failure, and waits for its copy', async () => {
    const { from, to } = world;
    const taskId = await world.createTask();
    await copyAfterKill(taskId, 'absent');
    assert.equal((await world.outcome(taskId, 'absent')).reason, 'not-found');
    assert.deepEqual(await runRechecks(taskId), ['not-copied']);
    assert.equal((await world.client.show(taskId)).monthly_failure_object, 1);
    // The late write has size and time on its side when the object is tried again.
    from.put('absent', 'version 2', { lastModified: Date.now() - HOUR });
    to.put('absent', 'version 1');
    await world.sync(taskId, ['absent']);
    assert.equal(to.bytes('absent')?.toString(), 'version 2');
    assert.equal(await outstanding(taskId), 1);
  });

  test('of a target that cannot be reached is made later, and one that may not look copies', async () => {
    const { from, target } = world;
    const taskId = await world.createTask();
    from.put('unreachable', 'bytes');
    await copyAfterKill(taskId, 'unreachable');
    const match = { operation: 'HeadObject', key: 'unreachable' } as const;
    const away = { kind: 'status', status: 503, code: 'ServiceUnavailable', match } as const;
    const fault = target.faults.add({ ...away, times: Infinity });
    assert.deepEqual(await runRechecks(taskId), ['postponed']);
    assert.equal(await outstanding(taskId), 1);
    fault.remove();
    const denied = { kind: 'status', status: 403, code: 'AccessDenied', match } as const;
    target.faults.add({ ...denied, times: 1 });
    assert.deepEqual(await recheckAndSettle(taskId), ['not-comparable']);
    assert.deepEqual(await runRechecks(taskId), ['unchanged']);
  });

  test('of a target whose credentials have expired is made later, and the copy stays on record', async () => {
    const { from, target } = world;
    const taskId = await world.createTask();
    from.put('expired', 'bytes');
    await copyAfterKill(taskId, 'expired');
    const expired = { kind: 'status', status: 403, code: 'InvalidAccessKeyId' } as const;
    const faults = (['HeadObject', 'GetObject'] as const).map((operation) =>
      target.faults.add({ ...expired, times: Infinity, match: { operation, key: 'expired' } }),
    );
    assert.deepEqual(await runRechecks(taskId), ['postponed']);
    for (const fault of faults) fault.remove();
    assert.equal((await world.outcome(taskId, 'expired')).outcome, 'copied');
    assert.deepEqual(await runRechecks(taskId), ['unchanged']);
  });
});

test('a write whose answer was lost leaves rechecks, though its claim was settled', async () => {
  const { from, target } = world;
  const taskId = await world.createTask();
  from.put('unanswered', 'bytes');
  const match = { operation: 'PutObject', key: 'unanswered' } as const;
  // The next request of the same write is answered.
  target.faults.add({ kind: 'swallow', match });
  await world.sync(taskId, ['unanswered']);
  assert.equal(await outstanding(taskId), 1);
});
