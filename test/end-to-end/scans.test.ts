import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Scan } from '../../src/surface/api/oms/schemas/scans.ts';
import { OmsError } from '../kit/oms-client.ts';
import { startWorld, type World } from '../kit/service-between-buckets.ts';

async function start(world: World, taskId: string, kind: string): Promise<Scan> {
  await world.client.call('POST', `/sync-tasks/${taskId}/scans`, { kind });
  return await world.client.endedScan(taskId);
}

const odd = [
  'a b',
  'a+b',
  '%41',
  'Ünï/cödé',
  '\u{1F600}',
  '\uFFFD',
  'q\'uo"te',
  'x/',
  '&<>',
  'z'.repeat(1024),
];

function fill(world: World, keys: readonly string[]): void {
  for (const key of keys) world.from.put(key, Buffer.from(key));
}

describe('scans', () => {
  test('a task with an initial scan copies what the source has, without any event', async () => {
    await using world = await startWorld();
    const keys = [...odd, ...Array.from({ length: 1_300 }, (_, at) => `logs/${at}`)];
    fill(world, keys);
    const taskId = await world.createTask({ initial_scan: true, reconcile_hours: 24 });
    const scan = await world.client.endedScan(taskId);
    assert.deepEqual(
      [scan.kind, scan.state, scan.source_objects, scan.missing, scan.enqueued],
      ['backfill', 'complete', keys.length, keys.length, keys.length],
    );
    assert.match(scan.digest ?? '', /^[0-9a-f]{64}$/);
    assert.partialDeepStrictEqual(
      await world.client.call('GET', `/sync-tasks/${taskId}/progress`),
      {
        scan: null,
      },
    );
    const task = await world.client.settled(taskId, keys.length);
    assert.equal(task.monthly_success_object, keys.length);
    assert.equal(task.monthly_acceptance_request, 0);
    for (const key of keys) assert.equal(world.to.bytes(key)?.toString(), key);
  });

  test('a reconcile copies what no event has named, and leaves the rest', async () => {
    await using world = await startWorld();
    fill(world, ['one', 'two', ...odd]);
    const taskId = await world.createTask();
    await world.sync(taskId, ['one', ...odd]);
    const scan = await start(world, taskId, 'reconcile');
    assert.deepEqual(
      [scan.state, scan.equal, scan.missing, scan.enqueued],
      ['complete', odd.length + 1, 1, 1],
    );
    await world.client.settled(taskId, odd.length + 2);
    assert.equal(world.to.bytes('two')?.toString(), 'two');
    assert.equal((await start(world, taskId, 'reconcile')).enqueued, 0);
  });

  test('a verification finds each planted difference, also while the task is stopped', async () => {
    await using world = await startWorld();
    fill(world, ['equal', 'missing', 'other size']);
    const taskId = await world.createTask();
    await world.sync(taskId, ['equal']);
    world.to.put('other size', Buffer.from('x'));
    world.to.put('extra', Buffer.from('x'));
    await world.client.call('POST', `/sync-tasks/${taskId}/stop`);
    const { state, equal, missing, different, extra, enqueued } = await start(
      world,
      taskId,
      'verify',
    );
    assert.deepEqual(
      { state, equal, missing, different, extra, enqueued },
      { state: 'complete', equal: 1, missing: 1, different: 1, extra: 1, enqueued: 0 },
    );
    assert.equal(world.to.object('missing'), undefined);
    const { scan_id } = await world.client.newestScan(taskId);
    const report = `/sync-tasks/${taskId}/scans/${scan_id}/differences`;
    const { differences, next_cursor } = (await world.client.call('GET', `${report}?limit=2`)) as {
      readonly differences: readonly Record<string, unknown>[];
      readonly next_cursor: string;
    };
    assert.deepEqual(
      differences.map(({ object_key, comparison, source_size, target_size }) => [
        ...[object_key, comparison, source_size, target_size],
      ]),
      [
        ['extra', 'extra', null, 1],
        ['missing', 'missing', 7, null],
      ],
    );
    const rest = await world.client.call('GET', `${report}?cursor=${next_cursor}`);
    assert.match(JSON.stringify(rest), /"object_key":"other size","comparison":"different"/);
    await world.client.call('POST', `/sync-tasks/${taskId}/start`, {});
    assert.partialDeepStrictEqual(await world.client.call('POST', `${report}/enqueue`), {
      enqueueing: { state: 'running' },
    });
    await world.client.settled(taskId, 3);
    assert.partialDeepStrictEqual(await world.client.newestScan(taskId), {
      enqueueing: { state: 'done', enqueued: 2 },
    });
    assert.equal(world.to.bytes('missing')?.toString(), 'missing');
    assert.equal(world.to.bytes('other size')?.toString(), 'other size');
    assert.equal(world.to.bytes('extra')?.toString(), 'x');
  });

  test('what cannot be done is refused, with what to do instead', async () => {
    await using world = await startWorld();
    fill(world, ['one']);
    const taskId = await world.createTask();
    // The scan does not end before it is canceled.
    world.source.faults.add({
      kind: 'silence',
      after: 'request',
      match: { operation: 'ListObjectsV2' },
      times: Infinity,
    });
    await world.client.call('POST', `/sync-tasks/${taskId}/scans`, { kind: 'backfill' });
    const path = `/sync-tasks/${taskId}`;
    const refused = async (method: string, rest: string, body?: unknown): Promise<unknown[]> => {
      const error: unknown = await world.client.call(method, path + rest, body).then(
        () => undefined,
        (failure: unknown) => failure,
      );
      assert.ok(error instanceof OmsError);
      return [error.status, error.code];
    };
    const scan = await world.client.newestScan(taskId);
    assert.deepEqual(await refused('POST', '/scans', { kind: 'reconcile' }), [409, 'OMS.0064']);
    assert.deepEqual(await refused('POST', '/scans', { kind: 'wipe' }), [400, 'OMS.0064']);
    assert.deepEqual(await refused('GET', '/scans/no-such-scan'), [404, 'OMS.1009']);
    await world.client.call('POST', `${path}/scans/${scan.scan_id}/stop`);
    assert.equal((await world.client.newestScan(taskId)).state, 'paused');
    assert.partialDeepStrictEqual(await world.client.call('GET', `${path}/progress`), {
      scan: { scan_id: scan.scan_id, state: 'paused', position: null },
    });
    assert.deepEqual(await refused('POST', `/scans/${scan.scan_id}/stop`), [409, 'OMS.0064']);
    await world.client.call('POST', `${path}/scans/${scan.scan_id}/cancel`);
    assert.equal((await world.client.newestScan(taskId)).state, 'canceled');
    await world.client.call('POST', `${path}/stop`);
    assert.deepEqual(await refused('POST', '/scans', { kind: 'reconcile' }), [400, 'OMS.0066']);
  });

  test('a task shows how often it is reconciled, which can be changed', async () => {
    await using world = await startWorld();
    const taskId = await world.createTask();
    const shown = async (): Promise<unknown> =>
      Object.entries(await world.client.show(taskId)).find(
        ([name]) => name === 'reconcile_hours',
      )?.[1];
    assert.equal(await shown(), undefined);
    await world.client.call('PATCH', `/sync-tasks/${taskId}`, { reconcile_hours: 6 });
    assert.equal(await shown(), 6);
  });
});
