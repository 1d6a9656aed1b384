import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startWorld, type World } from '../kit/service-between-buckets.ts';
import { until } from '../kit/until.ts';

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}/${at}`);

function fill(world: World, keys: readonly string[]): void {
  for (const key of keys) world.from.put(key, Buffer.from(key));
}

const copied = (world: World, keys: readonly string[]): number =>
  keys.filter((key) => world.to.object(key) !== undefined).length;

interface Waiting {
  readonly waiting_events: number;
  readonly waiting_scans: number;
}

describe('lanes', () => {
  test('a backfill gets on while events of its task never end', async () => {
    await using world = await startWorld({ settings: { concurrency: 8 } });
    const [scanned, named] = [names('scanned', 40), names('named', 2_000)];
    fill(world, scanned);
    world.source.faults.add({ kind: 'delay', ms: 20, match: { key: /./ }, times: Infinity });
    const taskId = await world.createTask({ object_overwrite_mode: 'FULL_OVERWRITE' });
    fill(world, named);
    // More events than the test has time for, so that some always wait.
    for (let at = 0; at < named.length; at += 100)
      await world.client.sendEvents(taskId, named.slice(at, at + 100));
    await world.client.call('POST', `/sync-tasks/${taskId}/scans`, { kind: 'backfill' });
    await until('the backfill has copied its keys', () => copied(world, scanned) === 40, 60);
    const progress = (await world.client.call('GET', `/sync-tasks/${taskId}/progress`)) as Waiting;
    assert.ok(progress.waiting_events > 0, 'events waited all the time');
    assert.ok(copied(world, named) > 200, 'and went first');
  });

  test('an event is copied at once while keys of a scan hang', async () => {
    await using world = await startWorld({ settings: { concurrency: 8 } });
    const scanned = names('scanned', 50);
    fill(world, scanned);
    const hang = world.source.faults.add({
      ...{ kind: 'silence', after: 'request', times: Infinity },
      match: { key: /^scanned\// },
    });
    const taskId = await world.createTask({ initial_scan: true });
    await until('the keys of the scan hang', () => hang.fired >= 4, 60);
    fill(world, ['event']);
    await world.sync(taskId, ['event']);
    assert.equal(world.to.bytes('event')?.toString(), 'event');
    assert.equal(copied(world, scanned), 0);
  });
});
