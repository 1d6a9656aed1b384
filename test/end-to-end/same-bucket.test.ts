import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Operation } from '../kit/s3-server/operations.ts';
import { startWorld, type World } from '../kit/service-between-buckets.ts';

/** A key of an object or of an upload that a check has written. */
const probes = /^brigade-probe-/;

describe('a bucket under two addresses', () => {
  let world: World;
  before(async () => {
    world = await startWorld({ settings: { checkBuckets: true } });
  });
  after(() => world[Symbol.asyncDispose]());
  beforeEach(() => {
    world.source.faults.clear();
    world.source.requests.clear();
    for (const key of ['film', ...keysOf(world)]) world.from.delete(key);
  });

  const keysOf = ({ from }: World): string[] => [...from.keys()];
  const byName = (): string => world.source.url.replace('127.0.0.1', 'localhost');
  const toItself = () => world.createTask({ dst_endpoint: byName(), dst_bucket: 'source' });
  const deny = (operation: Operation): void => {
    const fault = { kind: 'status', status: 403, code: 'AccessDenied', times: Infinity } as const;
    world.source.faults.add({ ...fault, match: { operation } });
  };
  const assertNoTrace = (): void => {
    assert.deepEqual(world.from.openUploads(), []);
    assert.deepEqual(
      keysOf(world).filter((key) => probes.test(key)),
      [],
    );
  };

  test('is refused as source and target, and the check leaves nothing behind', async () => {
    world.from.put('film', 'frames', { userMetadata: { title: 'Reel 1' } });
    await assert.rejects(
      toItself(),
      /^OmsError: 400 OMS\.0064 Source and target are the same bucket\./,
    );
    assert.equal(world.source.requests.of('PutObject'), 0);
    assertNoTrace();
  });

  test('is refused while it is empty', async () => {
    await assert.rejects(toItself(), /the same bucket/);
    assertNoTrace();
  });

  test('is refused the other way round, too', async () => {
    const task = { src_endpoint: byName(), dst_endpoint: world.source.url, dst_bucket: 'source' };
    await assert.rejects(world.createTask(task), /the same bucket/);
  });

  test('is recognized by an object where the source may not list uploads', async () => {
    world.from.put('film', 'frames');
    deny('ListMultipartUploads');
    await assert.rejects(toItself(), /the same bucket/);
    assert.equal(world.source.requests.of('PutObject'), 1);
    assertNoTrace();
  });

  test('is recognized by an object while it is empty and the source may not list uploads', async () => {
    deny('ListMultipartUploads');
    await assert.rejects(toItself(), /the same bucket/);
    assert.equal(world.source.requests.of('PutObject'), 1);
    assertNoTrace();
  });

  test('is refused with the key of an object that cannot be removed', async () => {
    world.from.put('film', 'frames');
    deny('ListMultipartUploads');
    deny('DeleteObject');
    deny('DeleteObjects');
    await assert.rejects(toItself(), ({ message }: Error) => {
      const [left = ''] = keysOf(world).filter((key) => probes.test(key));
      assert.match(message, /the same bucket/);
      assert.ok(left !== '' && message.includes(`could not remove "${left}"`), message);
      return true;
    });
  });

  test('is accepted if the rights do not allow to recognize it, and no object is written', async () => {
    world.from.put('film', 'frames');
    deny('ListMultipartUploads');
    deny('HeadObject');
    await world.createTask({ dst_endpoint: byName(), dst_bucket: 'source' });
    assert.equal(world.source.requests.of('PutObject'), 0);
    assertNoTrace();
  });

  test('is refused at a start, once the credentials allow to recognize it', async () => {
    deny('ListMultipartUploads');
    deny('HeadObject');
    const taskId = await toItself();
    await world.client.stop(taskId);
    world.source.faults.clear();
    const { accessKeyId, secretAccessKey } = world.source.accessKey;
    const keys = { src_ak: accessKeyId, src_sk: secretAccessKey };
    const start = world.client.start(taskId, {
      ...keys,
      ...{ dst_ak: accessKeyId, dst_sk: secretAccessKey },
    });
    await assert.rejects(start, /OMS\.0064 Source and target are the same bucket/);
    assert.equal((await world.client.show(taskId)).status, 'STOPPED');
  });

  test('does not keep another bucket of that server from being a target', async () => {
    world.source.createBucket('second');
    world.from.put('film', 'frames');
    world.source.bucket('second').put('film', 'frames');
    for (const denied of [false, true]) {
      if (denied) deny('ListMultipartUploads');
      await world.createTask({ dst_endpoint: byName(), dst_bucket: 'second' });
    }
    assert.deepEqual([...world.source.bucket('second').keys()], ['film']);
    assert.deepEqual(world.source.bucket('second').openUploads(), []);
  });

  test('is looked for by an object where another bucket has a replica, which is removed', async () => {
    const lastModified = Date.parse('2024-01-01T00:00:00Z');
    const replica = world.source.createBucket('replica');
    for (const bucket of [world.from, replica]) bucket.put('film', 'frames', { lastModified });
    deny('ListMultipartUploads');
    const task = { dst_endpoint: byName(), dst_bucket: 'replica' };
    await world.createTask(task);
    assert.equal(world.source.requests.of('PutObject'), 1);
    assert.deepEqual([...replica.keys()], ['film']);
    deny('DeleteObject');
    deny('DeleteObjects');
    await assert.rejects(
      world.createTask(task),
      /OMS\.1020 .*\[dst_ak\] invalid: it lacks the right to remove objects; remove the object whose name begins with brigade-probe-/,
    );
  });

  test('costs one request of the source where buckets are two', async () => {
    world.from.put('film', 'frames');
    await world.createTask();
    assert.equal(world.source.requests.of('ListMultipartUploads'), 1);
    assert.deepEqual(world.to.openUploads(), []);
    assert.deepEqual([...world.to.keys()], []);
  });
});
