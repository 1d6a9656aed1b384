import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import {
  assertOnlyWhole,
  betweenHuawei,
  smallSizes,
  startWorldOfSmallParts,
  type World,
} from '../kit/service-between-buckets.ts';
import { until } from '../kit/until.ts';

describe('a source that changes while it is copied', () => {
  let world: World;
  before(async () => {
    world = await startWorldOfSmallParts({ attemptsMax: 50 });
  });
  after(() => world[Symbol.asyncDispose]());

  /** All have the same size: only the pin can distinguish them. */
  function versions(count: number): Buffer[] {
    return Array.from({ length: count }, () => randomBytes(smallSizes.large));
  }

  test('in parts: the new version arrives, without any part of the old one', async () => {
    const { from, to, target, source, client } = world;
    const taskId = await world.createTask(betweenHuawei);
    const [first, second] = versions(2);
    assert.ok(first && second);
    from.put('parts', first);
    const match = { key: 'parts', operation: 'GetObject' } as const;
    const slow = source.faults.add({ kind: 'delay', ms: 150, nth: 2, times: Infinity, match });
    await client.sendEvents(taskId, ['parts']);
    await until('a part is there', () => target.requests.of('UploadPart') > 0);
    from.put('parts', second);
    slow.remove();
    const task = await client.settled(taskId, 1);
    assert.equal(task.monthly_success_object, 1);
    assert.ok(to.bytes('parts')?.equals(second));
    assertOnlyWhole(to, 'parts', [second]);
    const { attempts } = await world.outcome(taskId, 'parts');
    assert.ok(attempts !== null && attempts > 1, 'it was noticed');
    assert.deepEqual(to.openUploads(), []);
  });

  test('again and again: each version that is ever seen is whole, and the last one stays', async () => {
    const { from, to, source, client } = world;
    const taskId = await world.createTask(betweenHuawei);
    const all = versions(12);
    const keys = ['again/1', 'again/2', 'again/3'];
    for (const [round, bytes] of all.entries()) {
      for (const key of keys) from.put(key, bytes);
      const before = source.requests.of('GetObject');
      await client.sendEvents(taskId, keys);
      // The next version comes at once, while this one is read, or when it is there.
      const isRead = () => source.requests.of('GetObject') > before;
      const isThere = () => to.bytes('again/1')?.equals(bytes) === true;
      if (round % 3 === 1) await until('it is read', isRead);
      if (round % 3 === 2) await until('it is there', isThere);
    }
    const last = all.at(-1);
    assert.ok(last);
    await until('the last version is everywhere', () =>
      keys.every((key) => to.bytes(key)?.equals(last)),
    );
    for (const key of keys) assertOnlyWhole(to, key, all);
    await until('nothing is open', () => to.openUploads().length === 0);
    assert.deepEqual(await client.objects(taskId, 'failed'), []);
  });

  test('by a deletion: nothing is published, and no upload stays', async () => {
    const { from, to, source, client } = world;
    const taskId = await world.createTask(betweenHuawei);
    const [only] = versions(1);
    assert.ok(only);
    from.put('deleted', only);
    const match = { key: 'deleted', operation: 'GetObject' } as const;
    const slow = source.faults.add({ kind: 'delay', ms: 150, nth: 3, times: Infinity, match });
    await client.sendEvents(taskId, ['deleted']);
    await until('parts are read', () => slow.fired > 0);
    from.delete('deleted');
    const task = await client.settled(taskId, 1);
    assert.equal(task.monthly_failure_object, 1);
    assert.equal((await world.outcome(taskId, 'deleted')).reason, 'not-found');
    assert.deepEqual(to.versions('deleted'), []);
    assert.deepEqual(to.openUploads(), []);
  });

  test('between two attempts: the parts of the old version are thrown away', async () => {
    const { from, to, target, client } = world;
    const taskId = await world.createTask(betweenHuawei);
    const [first, second] = versions(2);
    assert.ok(first && second);
    from.put('between', first);
    const match = { key: 'between', operation: 'UploadPart' } as const;
    const broken = target.faults.add({
      ...{ kind: 'status', status: 500, code: 'InternalError' },
      ...{ nth: 3, times: Infinity, match },
    });
    await client.sendEvents(taskId, ['between']);
    await until('an attempt failed', () => broken.fired >= 4);
    from.put('between', second);
    broken.remove();
    await client.sendEvents(taskId, ['between']); // All of the first may have been read by now.
    await until('the new version is there', () => to.bytes('between')?.equals(second) ?? false);
    await until('nothing is open', () => to.openUploads().length === 0);
    assertOnlyWhole(to, 'between', [first, second]);
  });

  test('while it is held in memory or streamed: what was read is what is published', async () => {
    const { from, to, target, client } = world;
    const taskId = await world.createTask(betweenHuawei);
    for (const size of [smallSizes.small, smallSizes.medium]) {
      const key = `short/${size}`;
      const [first, second] = [randomBytes(size), randomBytes(size)];
      from.put(key, first);
      const match = { key, operation: 'PutObject' } as const;
      const held = target.faults.add({ kind: 'delay', ms: 150, match });
      await client.sendEvents(taskId, [key]);
      await until('the put is held', () => held.fired > 0);
      from.put(key, second);
      await client.sendEvents(taskId, [key]);
      await until('the second version is there', () => to.bytes(key)?.equals(second) ?? false);
      assertOnlyWhole(to, key, [first, second]);
    }
  });
});
