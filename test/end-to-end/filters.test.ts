import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Scan } from '../../src/surface/api/oms/schemas/scans.ts';
import { OmsError } from '../kit/oms-client.ts';
import {
  type PageSettlement,
  type RangeClaim,
  settlePage,
} from '../../src/domain/scan/ranges-table.ts';
import { startWorld, type World } from '../kit/service-between-buckets.ts';
import { taskBetween } from '../kit/service.ts';
import { until } from '../kit/until.ts';

async function scanned(world: World, taskId: string, kind?: string): Promise<Scan> {
  if (kind !== undefined) await world.client.call('POST', `/sync-tasks/${taskId}/scans`, { kind });
  return await world.client.endedScan(taskId);
}

function fill(world: World, objects: Readonly<Record<string, string>>): void {
  for (const [key, content] of Object.entries(objects)) world.from.put(key, Buffer.from(content));
}

const keysOf = (world: World): string[] =>
  world.to.keys('').filter((key) => world.to.object(key) !== undefined);

async function refusal(sent: Promise<unknown>): Promise<string> {
  const error: unknown = await sent.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  assert.ok(error instanceof OmsError, 'it is refused');
  assert.equal(error.status, 400);
  return error.message;
}

/** The claim of the scanner on the only range of the only scan. */
async function claimed({ service: { database } }: World): Promise<RangeClaim> {
  const claims = async (): Promise<RangeClaim[]> => {
    const { rows } = await database.query<RangeClaim>(
      `select scan_id as "scanId", task_id as "taskId", kind, source_unordered as "sourceUnordered",
        target_unordered as "targetUnordered", 0 as revision, after_key as after, cursor_key as cursor, scan_ranges.digest,
        claim_id::text as "claimId", attempts
      from scan_ranges join scans on scans.id = scan_id where claim_id is not null`,
    );
    return rows;
  };
  await until('a range is claimed', async () => (await claims()).length === 1, 20);
  const [claim] = await claims();
  assert.ok(claim !== undefined);
  return claim;
}

const emptyPage: PageSettlement = {
  ...{ pages: 1, sourceObjects: 0, sourceBytes: 0, targetObjects: 0, targetBytes: 0 },
  ...{ equal: 0, different: 0, missing: 0, extra: 0, filtered: 0 },
  ...{ cursor: 'm', sourceNext: undefined, targetNext: undefined, done: false },
  ...{ digest: Buffer.alloc(32), enqueue: [], unreadable: [], differences: [], tally: undefined },
};

async function lockWaits({ service: { database } }: World): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0]?.count ?? 0;
}

const photos = {
  'photos/a.jpg': 'a',
  'photos/2026/b.jpg': 'bb',
  'photos/tmp/c.jpg': 'c',
  'photos/d.txt': 'd',
  'videos/e.jpg': 'e',
  'photos/': '',
};

describe('a task with filters and prefixes', () => {
  test('copies what is in scope under other keys, by a scan and by events alike', async () => {
    await using world = await startWorld();
    fill(world, photos);
    world.to.put('elsewhere/x', Buffer.from('x'));
    world.to.put('backup/photos/d.txt', Buffer.from('out of scope'));
    const taskId = await world.createTask({
      key_filters: { include_globs: ['photos/**/*.jpg'], exclude_prefixes: ['photos/tmp/'] },
      src_prefix: 'photos/',
      dst_prefix: 'backup/',
      initial_scan: true,
    });
    const { state, source_objects, missing, extra } = await scanned(world, taskId);
    assert.deepEqual(
      { state, source_objects, missing, extra },
      {
        ...{ state: 'complete', source_objects: 2, missing: 2, extra: 0 },
      },
    );
    await world.client.settled(taskId, 2);
    assert.equal(world.to.bytes('backup/a.jpg')?.toString(), 'a');
    assert.equal(world.to.bytes('backup/2026/b.jpg')?.toString(), 'bb');
    fill(world, { 'photos/new.jpg': 'new' });
    const task = await world.sync(taskId, ['photos/new.jpg', 'videos/e.jpg', 'photos/tmp/c.jpg']);
    assert.equal(task.monthly_skip_object, 2);
    assert.equal(world.to.bytes('backup/new.jpg')?.toString(), 'new');
    for (const key of ['videos/e.jpg', 'photos/tmp/c.jpg']) {
      const { outcome, reason } = await world.outcome(taskId, key);
      assert.deepEqual([outcome, reason], ['skipped', 'out-of-scope']);
    }
    assert.deepEqual(keysOf(world).sort(), [
      'backup/2026/b.jpg',
      'backup/a.jpg',
      'backup/new.jpg',
      'backup/photos/d.txt',
      'elsewhere/x',
    ]);
    const verified = await scanned(world, taskId, 'verify');
    assert.deepEqual([verified.equal, verified.missing, verified.extra], [3, 0, 0]);
  });

  test('skips the object whose key is the removed prefix', async () => {
    await using world = await startWorld();
    fill(world, photos);
    const taskId = await world.createTask({ src_prefix: 'photos/' });
    await world.sync(taskId, ['photos/', 'photos/d.txt']);
    assert.equal((await world.outcome(taskId, 'photos/')).reason, 'no-target-key');
    assert.equal(world.to.bytes('d.txt')?.toString(), 'd');
    assert.deepEqual((await scanned(world, taskId, 'reconcile')).source_objects, 4);
  });

  test('copies only what its copy filters permit, and says why of the rest; they can change', async () => {
    await using world = await startWorld();
    fill(world, { small: 'x', large: 'x'.repeat(100), kept: 'x'.repeat(100) });
    world.to.put('kept', Buffer.from('y'));
    const taskId = await world.createTask({ copy_filters: { max_size: 50 }, initial_scan: true });
    const first = await scanned(world, taskId);
    assert.deepEqual(
      [first.missing, first.filtered, first.enqueued, first.extra],
      [1, 2, 1, 0],
      'what is at the source is no extra',
    );
    await world.client.settled(taskId, 1);
    await world.sync(taskId, ['large']);
    const large = await world.outcome(taskId, 'large');
    assert.deepEqual([large.outcome, large.reason], ['skipped', 'filtered-size']);
    assert.deepEqual(keysOf(world).sort(), ['kept', 'small']);
    await world.client.call('PATCH', `/sync-tasks/${taskId}`, { copy_filters: {} });
    assert.equal((await scanned(world, taskId, 'backfill')).enqueued, 2);
    await until('all is copied', () => world.to.bytes('kept')?.length === 100, 60);
    await until('all is copied', () => world.to.bytes('large')?.length === 100, 60);
  });

  test('counts a missing source as skipped where it says so', async () => {
    await using world = await startWorld({ settings: { notFoundWaitMs: 0 } });
    const taskId = await world.createTask({ missing_source: 'skip' });
    const task = await world.sync(taskId, ['none']);
    assert.deepEqual([task.monthly_skip_object, task.monthly_failure_object], [1, 0]);
    assert.equal((await world.outcome(taskId, 'none')).reason, 'source-missing');
    await world.client.call('PATCH', `/sync-tasks/${taskId}`, { missing_source: 'fail' });
    await world.sync(taskId, ['none']);
    assert.equal((await world.outcome(taskId, 'none')).outcome, 'failed');
  });

  test('is created stopped where it says so, and its first scan waits for its start', async () => {
    await using world = await startWorld();
    fill(world, { k: 'x' });
    const taskId = await world.createTask({ start: false, initial_scan: true });
    assert.equal((await world.client.show(taskId)).status, 'STOPPED');
    assert.equal((await world.client.newestScan(taskId)).state, 'paused');
    await world.client.call('POST', `/sync-tasks/${taskId}/start`, {});
    await scanned(world, taskId);
    await world.client.settled(taskId, 1);
    assert.equal(world.to.bytes('k')?.toString(), 'x');
  });

  test('shows the filters with which it was created, and no others', async () => {
    await using world = await startWorld();
    const fields = {
      key_filters: { include_prefixes: ['a/'], exclude_globs: ['**/.*'] },
      src_prefix: 'a/',
      dst_prefix: 'b/',
      copy_filters: { min_size: 1, storage_classes: ['STANDARD'] },
      missing_source: 'skip',
    };
    assert.partialDeepStrictEqual(await world.client.show(await world.createTask(fields)), fields);
    const plain = await world.client.show(await world.createTask());
    assert.deepEqual(
      Object.keys(plain).filter((name) => name in fields),
      [],
    );
  });

  test('ends its running scans as incomplete when its copy filters change, not when its period does', async () => {
    await using world = await startWorld();
    const taskId = await world.createTask();
    world.source.faults.add({
      ...{ kind: 'silence', after: 'request', times: Infinity },
      match: { operation: 'ListObjectsV2' },
    });
    await world.client.call('POST', `/sync-tasks/${taskId}/scans`, { kind: 'backfill' });
    const change = (body: unknown) => world.client.call('PATCH', `/sync-tasks/${taskId}`, body);
    await change({ reconcile_hours: 24 });
    await change({ missing_source: 'fail' });
    assert.ok(['waiting', 'running'].includes((await world.client.newestScan(taskId)).state));
    await change({ copy_filters: { min_size: 1 } });
    const { state, reason } = await world.client.newestScan(taskId);
    assert.equal(state, 'incomplete');
    assert.match(reason ?? '', /copy filters/);
  });

  test('changes at the same moment as a page of a scan is settled', async () => {
    await using world = await startWorld();
    const { database } = world.service;
    const taskId = await world.createTask();
    world.source.faults.add({
      ...{ kind: 'silence', after: 'request', times: Infinity },
      match: { operation: 'ListObjectsV2' },
    });
    await world.client.call('POST', `/sync-tasks/${taskId}/scans`, { kind: 'backfill' });
    const range = await claimed(world);
    const waitsForLocks = (count: number) =>
      until(`${count} wait for locks`, async () => (await lockWaits(world)) === count, 20);
    // Both come to locks that the other one takes next, the change first.
    const both = await database.transaction(async (db) => {
      await db.query('select id from sync_tasks where id = $1 for update', [taskId]);
      const change = { copy_filters: { min_size: 1 } };
      const patching = world.client.call('PATCH', `/sync-tasks/${taskId}`, change);
      const patched = Promise.allSettled([patching]);
      await waitsForLocks(1);
      const settling = database.transaction((other) => settlePage(other, range, range, emptyPage));
      const settled = Promise.allSettled([settling]);
      await waitsForLocks(2);
      return { patched, settled };
    });
    const ends = [...(await both.patched), ...(await both.settled)];
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    );
    assert.equal((await world.client.newestScan(taskId)).state, 'incomplete');
  });

  for (const [fields, expected] of [
    [
      { key_filters: { include_globs: ['a/*', 'b[1]'] } },
      /key_filters\.include_globs\[1\].*"\[".*position 2/,
    ],
    [{ key_filters: { exclude_globs: ['***'] } }, /key_filters\.exclude_globs\[0\].*position 3/],
    [{ key_filters: { include_prefixes: ['b/'] }, src_prefix: 'a/' }, /key_filters.*in scope/],
    [
      {
        key_filters: {
          include_prefixes: Array.from({ length: 60 }, (_, at) => `${at}`),
          exclude_globs: Array.from({ length: 60 }, (_, at) => `${at}`),
        },
      },
      /more than 100/,
    ],
    [
      {
        key_filters: {
          include_globs: Array.from({ length: 16 }, () => 'a'.repeat(1_024)),
          exclude_globs: ['b'],
        },
      },
      /key_filters.*more than 16384 characters in all, and these have 16385/,
    ],
    [{ key_filters: { include_prefixes: ['a\0'] } }, /key_filters.*NUL/],
    [{ key_filters: { exclude_globs: ['\ud800*'] } }, /key_filters.*surrogate/],
    [{ copy_filters: { min_size: 2, max_size: 1 } }, /copy_filters\.min_size/],
    [{ copy_filters: { modified_from: 2, modified_to: 1 } }, /copy_filters\.modified_from/],
    [{ missing_source: 'ignore' }, /missing_source/],
  ] as const) {
    test(`is refused with ${JSON.stringify(fields).slice(0, 60)}`, async () => {
      await using world = await startWorld();
      assert.match(await refusal(world.createTask(fields)), expected);
    });
  }

  test('keeps its keys and prefixes: a change is refused, and the message names the field', async () => {
    await using world = await startWorld();
    const taskId = await world.createTask();
    for (const [name, value] of [
      ['key_filters', { include_prefixes: ['a/'] }],
      ['dst_prefix', 'a/'],
      ['src_prefix', 'a/'],
      ['object_overwrite_mode', 'NO_OVERWRITE'],
    ] as const) {
      const message = await refusal(
        world.client.call('PATCH', `/sync-tasks/${taskId}`, { [name]: value }),
      );
      assert.match(message, new RegExp(`\\[${name}\\] cannot be changed`));
    }
  });

  test('copies within one bucket from one prefix to another, but never its own copies', async () => {
    await using world = await startWorld();
    fill(world, { 'a/1': 'x' });
    const within = { ...taskBetween(world.source, world.source), dst_bucket: 'source' };
    const create = (fields: Readonly<Record<string, unknown>>) =>
      world.client.createTask({ ...within, ...fields });
    assert.match(await refusal(create({})), /same bucket/);
    assert.match(await refusal(create({ dst_prefix: 'copy/' })), /dst_prefix.*copy\//);
    assert.match(
      await refusal(create({ src_prefix: 'a/', dst_prefix: 'a/b/' })),
      /copy its own copies/,
    );
    const taskId = await create({ src_prefix: 'a/', dst_prefix: 'b/', initial_scan: true });
    await world.client.settled(taskId, 1);
    assert.equal(world.from.bytes('b/1')?.toString(), 'x');
    await create({ dst_prefix: 'copy/', key_filters: { exclude_prefixes: ['copy/'] } });
  });
});
