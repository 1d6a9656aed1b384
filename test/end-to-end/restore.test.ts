import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startWorld, type World } from '../kit/service-between-buckets.ts';
import { until } from '../kit/until.ts';
import { proves, series } from '../kit/matrix/proves.ts';

const bytes = randomBytes(1000);

/** An archived object of the source; archives refuse to be read. */
function archive(world: World, key: string): void {
  world.from.put(key, bytes, { storageClass: 'GLACIER' });
}

async function retrying(world: World, taskId: string, key: string) {
  const query = new URLSearchParams({ outcome: 'retrying', prefix: key });
  return (await world.client.objectPage(taskId, query)).objects[0];
}

/** Lets the wait for an archive end now, which else takes hours. */
async function lookAgain({ service }: World): Promise<void> {
  await service.database.query(`update changes set due_at = now()`);
  await service.database.query(`select pg_notify('changes', '')`);
}

async function waiting(world: World, key: string): Promise<string> {
  const taskId = await world.createTask({ enable_restore: true });
  await world.client.sendEvents(taskId, [key]);
  await until(
    'the restore was asked for',
    async () => (await retrying(world, taskId, key)) !== undefined,
  );
  return taskId;
}

describe('an archived object of a task that restores', () => {
  let world: World;
  before(async () => {
    world = await startWorld({ settings: { concurrency: 1, taskConcurrency: 1 } });
  });
  after(() => world[Symbol.asyncDispose]());

  test('is restored, occupies no worker while it waits, and is copied when it can be read', async () => {
    const key = 'archived/film';
    archive(world, key);
    const taskId = await waiting(world, key);
    const seen = await retrying(world, taskId, key);
    assert.equal(seen?.reason, 'archived');
    assert.match(seen.message ?? '', /the restoration was requested at 20\d\d-/);
    assert.ok(
      (seen.due_time ?? 0) > Date.now() + 60_000,
      'it is looked at in minutes, not at once',
    );
    assert.equal(world.source.requests.of('RestoreObject'), 1);

    // The only place is free for others meanwhile.
    world.from.put('at hand', bytes);
    assert.equal((await world.sync(taskId, ['at hand'])).monthly_success_object, 1);

    const looks = world.source.requests.of('HeadObject');
    await lookAgain(world);
    await until('it was looked at again', () => world.source.requests.of('HeadObject') > looks);
    assert.equal(world.source.requests.of('RestoreObject'), 1, 'it was asked for once');
    world.from.finishRestore(key);
    await until('it has come', async () => {
      await lookAgain(world);
      return world.to.object(key) !== undefined;
    });
    await until('it is settled', async () => (await retrying(world, taskId, key)) === undefined);
    assert.deepEqual(world.to.bytes(key), bytes);
    assert.partialDeepStrictEqual(await world.outcome(taskId, key), {
      outcome: 'copied',
      attempts: 1,
    });
  });

  test('without enable_restore fails, and says what would help', async () => {
    const key = 'archived/letter';
    archive(world, key);
    const taskId = await world.createTask();
    await world.sync(taskId, [key]);
    const { reason, message } = await world.outcome(taskId, key);
    assert.equal(reason, 'archived');
    assert.match(message ?? '', /Restore it at the source.*a task with enable_restore does that/s);
  });
});

test('a restore that takes too long is given up with the reason', async () => {
  await using world = await startWorld({ settings: { restoreWaitMs: 1 } });
  archive(world, 'cold');
  const taskId = await waiting(world, 'cold');
  await lookAgain(world);
  await until(
    'it failed',
    async () => (await world.client.show(taskId)).monthly_failure_object === 1,
  );
  const { reason, message } = await world.outcome(taskId, 'cold');
  assert.equal(reason, 'archived');
  assert.match(
    message ?? '',
    /restoration was requested at 20.*still cannot be read. Check the state of the restoration at the source.*BRIGADE_RESTORE_WAIT_HOURS/,
  );
});

test('a restore that the source refuses fails by its own reason', async () => {
  await using world = await startWorld();
  archive(world, 'cold');
  const match = { operation: 'RestoreObject' } as const;
  world.source.faults.add({ kind: 'status', status: 403, code: 'AccessDenied', match });
  const taskId = await world.createTask({ enable_restore: true });
  await world.sync(taskId, ['cold']);
  const { reason, message } = await world.outcome(taskId, 'cold');
  assert.equal(reason, 'denied');
  assert.match(message ?? '', /^restore AWS:source\/cold: denied/);
});

describe(
  'US3, which reports an archived object only in its list',
  series('restore-us3', { way: 'own', clouds: ['UCloud'] }),
  () => {
    const row = { cloud: 'UCloud', dialect: 'UCloud', addressing: 'path' } as const;
    let world: World;
    before(async () => {
      world = await startWorld({
        source: { dialect: 'us3' },
        target: { dialect: 'us3' },
        settingsOf: ({ source, target }) => ({
          checkBuckets: true,
          endpoints: [
            { ...row, region: 'here', endpoint: source.url },
            { ...row, region: 'there', endpoint: target.url },
          ],
        }),
      });
    });
    after(() => world[Symbol.asyncDispose]());

    const from = { src_cloud_type: 'UCloud', src_region: 'here', src_endpoint: undefined };
    const to = { dst_cloud_type: 'UCloud', dst_region: 'there', dst_endpoint: undefined };

    test(
      'as the source receives the request to restore, and the object is copied when it can be read',
      proves('restore'),
      async () => {
        archive(world, 'film');
        const taskId = await world.createTask({ ...from, ...to, enable_restore: true });
        await world.client.sendEvents(taskId, ['film']);
        await until('the restore was asked for', async () => {
          return (await retrying(world, taskId, 'film'))?.reason === 'archived';
        });
        await lookAgain(world);
        await until('it is asked for again', () => world.source.requests.of('RestoreObject') > 1);
        world.from.finishRestore('film');
        await until('it has come', async () => {
          await lookAgain(world);
          return world.to.object('film') !== undefined;
        });
        await until(
          'it is settled',
          async () => (await retrying(world, taskId, 'film')) === undefined,
        );
        assert.equal((await world.outcome(taskId, 'film')).outcome, 'copied');
        assert.deepEqual(world.to.bytes('film'), bytes);
      },
    );

    test(
      'as the source without enable_restore fails, and says what would help',
      proves('restore'),
      async () => {
        archive(world, 'letter');
        const taskId = await world.createTask({ ...from, ...to });
        await world.sync(taskId, ['letter']);
        const { reason, message } = await world.outcome(taskId, 'letter');
        assert.equal(reason, 'archived');
        assert.match(message ?? '', /403 InvalidObjectState.*Restore it at the source/s);
      },
    );

    for (const [mode, reason] of [
      ['NO_OVERWRITE', 'target-exists'],
      ['SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE', 'target-up-to-date'],
    ] as const) {
      test(`as the target is compared although archived, ${mode}`, proves('restore'), async () => {
        const key = `kept/${mode}`;
        world.from.put(key, bytes, { lastModified: Date.now() - 60_000 });
        world.to.put(`${key}, and more`, bytes);
        world.to.put(key, bytes, { storageClass: 'GLACIER' });
        const taskId = await world.createTask({ ...from, ...to, object_overwrite_mode: mode });
        await world.sync(taskId, [key]);
        const { outcome, reason: told } = await world.outcome(taskId, key);
        assert.deepEqual([outcome, told], ['skipped', reason]);
      });
    }

    test(
      'as the target of an archive is written to, and what was written is checked',
      proves('restore'),
      async () => {
        world.from.put('new', bytes);
        const taskId = await world.createTask({ ...from, ...to, dst_storage_policy: 'ARCHIVE' });
        await world.sync(taskId, ['new']);
        const { outcome, check_method, check_passed, message } = await world.outcome(taskId, 'new');
        assert.deepEqual([outcome, check_passed], ['copied', true], message ?? '');
        assert.equal(check_method, 'size_last_modified');
        assert.equal(world.to.object('new')?.storageClass, 'GLACIER');
      },
    );

    test(
      'as the target says no more than that it denies, where it may not be listed',
      proves('restore'),
      async () => {
        const key = 'kept/unlisted';
        world.from.put(key, bytes);
        world.to.put(key, bytes, { storageClass: 'GLACIER' });
        const taskId = await world.createTask({ ...from, ...to });
        const match = { operation: 'ListObjects' } as const;
        world.target.faults.add({ kind: 'status', status: 403, code: 'AccessDenied', match });
        await world.sync(taskId, [key]);
        assert.equal((await world.outcome(taskId, key)).reason, 'denied');
        world.target.faults.clear();
      },
    );
  },
);
