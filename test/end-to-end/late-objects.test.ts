import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startWorld, type World } from '../kit/service-between-buckets.ts';
import { until } from '../kit/until.ts';

describe('an event that comes before its object', () => {
  let world: World;

  before(async () => {
    // One attempt: waiting for an object counts none.
    world = await startWorld({ settings: { notFoundWaitMs: 2_000, attemptsMax: 1 } });
  });
  after(() => world[Symbol.asyncDispose]());

  const retrying = async (taskId: string) =>
    (await world.client.objects(taskId, 'retrying')).map(({ object_key, reason }) => [
      object_key,
      reason,
    ]);

  test('has the object copied when it appears, and listed as retrying until then', async () => {
    const taskId = await world.createTask();
    await world.client.sendEvents(taskId, ['late']);
    await until('the key is retried', async () => (await retrying(taskId)).length === 1);
    assert.deepEqual(await retrying(taskId), [['late', 'not-found']]);
    world.from.put('late', 'here I am');
    await world.client.settled(taskId, 1);
    const { outcome, attempts } = await world.outcome(taskId, 'late');
    assert.deepEqual([outcome, attempts], ['copied', 1]);
    assert.deepEqual(await retrying(taskId), []);
  });

  test('fails as not-found when the wait is over', async () => {
    const taskId = await world.createTask();
    const since = Date.now();
    await world.sync(taskId, ['never']);
    const { outcome, reason, attempts } = await world.outcome(taskId, 'never');
    assert.deepEqual([outcome, reason, attempts], ['failed', 'not-found', 1]);
    assert.ok(Date.now() - since >= 2_000);
  });
});
