import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { MiB } from '../../src/platform/base/bytes.ts';
import { NOBODY_LISTENS } from '../kit/ports.ts';
import { startTestService } from '../kit/service.ts';
import { assertOnlyWhole, startWorld } from '../kit/service-between-buckets.ts';
import { until } from '../kit/until.ts';

/** An address that takes connections and never says a word. */
async function startSilence(): Promise<{ url: string } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function startNothing(): Promise<{ url: string } & AsyncDisposable> {
  return { url: NOBODY_LISTENS, [Symbol.asyncDispose]: async () => undefined };
}

function keysOf(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}/${String(i).padStart(4, '0')}`);
}

describe('isolation', () => {
  const settings = { concurrency: 16, taskConcurrency: 12, drainMs: 100, attemptsMax: 8 };

  for (const [what, startDead] of [
    ['does not answer', startSilence],
    ['refuses connections', startNothing],
  ] as const) {
    test(`an endpoint that ${what} delays no other task`, async () => {
      await using dead = await startDead();
      await using world = await startWorld({ settings });
      const { from, client } = world;
      const hanging = await world.createTask({ src_endpoint: dead.url });
      const live = await world.createTask();
      const keys = keysOf('live', 500);
      for (const key of keys) from.put(key, key);
      await client.sendEvents(hanging, keys);
      await client.sendEvents(live, keys);
      const task = await client.settled(live, keys.length, 15);
      assert.equal(task.monthly_success_object, keys.length);
      assert.equal((await client.show(hanging)).monthly_success_object, 0);
    });
  }

  test('an object that fails again and again delays no other object of its task', async () => {
    await using world = await startWorld({ settings });
    const { from, to, source, client } = world;
    const taskId = await world.createTask();
    const keys = keysOf('poison', 300);
    for (const key of keys) from.put(key, key);
    const poisoned = new Set(keys.filter((_, i) => i % 30 === 0));
    for (const key of poisoned) {
      source.faults.add({ kind: 'reset', when: 'before-body', times: Infinity, match: { key } });
    }
    await client.sendEvents(taskId, keys);
    const healthy = keys.length - poisoned.size;
    const task = await client.settled(taskId, healthy, 15);
    assert.equal(task.monthly_success_object, healthy);
    assert.equal(task.monthly_failure_object, 0, 'the poisoned are still tried');
    assert.deepEqual(
      to.keys('poison/'),
      keys.filter((key) => !poisoned.has(key)),
    );
    source.faults.clear();
    const end = await client.settled(taskId, keys.length);
    assert.equal(end.monthly_success_object, keys.length);
  });
});

describe('several processes on one database', () => {
  test('share the work, and everything is counted once', async () => {
    await using world = await startWorld({ settings: { concurrency: 8, taskConcurrency: 8 } });
    await using second = await startTestService({
      beside: world.service,
      settings: { concurrency: 8, taskConcurrency: 8 },
    });
    const { from, to, source, client } = world;
    const taskId = await world.createTask({ object_overwrite_mode: 'FULL_OVERWRITE' });
    const keys = keysOf('shared', 400);
    for (const key of keys) from.put(key, key);
    source.faults.add({ kind: 'delay', ms: 10, times: Infinity });
    const halves = [keys.slice(0, 200), keys.slice(200)] as const;
    await Promise.all([
      client.sendEvents(taskId, halves[0]),
      second.client.sendEvents(taskId, halves[1]),
    ]);
    const task = await client.settled(taskId, keys.length);
    assert.equal(task.monthly_success_object, keys.length);
    assert.equal(task.monthly_acceptance_request, keys.length);
    assert.equal(source.requests.of('GetObject'), keys.length);
    assert.deepEqual(to.keys('shared/'), keys);
    for (const key of keys) assert.equal(to.versions(key).length, 1);
    const copied = await Promise.all(
      [world.service, second].map(
        async ({ metrics }) => (await metrics.copiedObjects.get()).values,
      ),
    );
    const counts = copied.map(([value]) => value?.value ?? 0);
    assert.equal((counts[0] ?? 0) + (counts[1] ?? 0), keys.length);
    assert.ok(
      counts.every((count) => count > 0),
      `both worked: ${counts.join(' and ')}`,
    );
  });

  test('a stop in one is heard by the other', async () => {
    await using world = await startWorld({ settings: { concurrency: 2, taskConcurrency: 2 } });
    await using second = await startTestService({ beside: world.service, works: false });
    const { from, source, client } = world;
    const taskId = await world.createTask();
    const keys = keysOf('far-stop', 40);
    for (const key of keys) from.put(key, key);
    source.faults.add({ kind: 'delay', ms: 150, times: Infinity });
    await second.client.sendEvents(taskId, keys);
    await until('objects are in flight', () => source.requests.of('GetObject') >= 2);
    await second.client.stop(taskId);
    await until('nothing is claimed any more', async () => {
      const { rows } = await second.database.query(
        'select from changes where task_id = $1 and lease_until > now()',
        [taskId],
      );
      return rows.length === 0;
    });
    const done = (await client.show(taskId)).monthly_success_object;
    assert.ok(done < keys.length / 2, `${done} were copied after the stop`);
    assert.equal(source.requests.of('GetObject'), done);
  });
});

describe('a graceful stop', () => {
  test('in the middle of 60 MiB: the next process continues from the finished parts', async () => {
    const settings = { drainMs: 100 };
    await using world = await startWorld({ settings });
    const { from, to, target, client, service } = world;
    const bytes = randomBytes(60 * MiB);
    from.put('sixty', bytes);
    const taskId = await world.createTask();
    const slow = target.faults.add({
      ...{ kind: 'delay', ms: 200, times: Infinity },
      match: { operation: 'UploadPart' },
    });
    await client.sendEvents(taskId, ['sixty']);
    const held = () => to.openUploads()[0]?.parts.size ?? 0;
    await until('some parts are there', () => held() >= 5);
    await service[Symbol.asyncDispose]();
    slow.remove();
    const finished = held();
    const before = target.requests.of('UploadPart');
    assert.ok(finished < 12, `${finished} of 12 parts before the stop`);
    assert.equal(to.object('sixty'), undefined);
    await using next = await startTestService({ beside: service, settings });
    const task = await next.client.settled(taskId, 1, 15);
    assert.equal(task.monthly_success_object, 1);
    assert.equal(task.monthly_size, bytes.length);
    const again = target.requests.of('UploadPart') - before;
    assert.ok(again <= 12 - 5, `${again} parts were sent after ${finished} were there`);
    assert.equal(target.requests.of('CreateMultipartUpload'), 1);
    assert.equal(to.versions('sixty').length, 1);
    assertOnlyWhole(to, 'sixty', [bytes]);
    assert.deepEqual(to.openUploads(), []);
  });

  test('gives back what waits, and lets what is in work end', async () => {
    await using world = await startWorld({ settings: { concurrency: 4, taskConcurrency: 4 } });
    const { from, to, source, client, service } = world;
    const taskId = await world.createTask();
    const keys = keysOf('drain', 50);
    for (const key of keys) from.put(key, key);
    source.faults.add({ kind: 'delay', ms: 200, times: Infinity });
    await client.sendEvents(taskId, keys);
    await until('objects are in flight', () => source.requests.of('GetObject') >= 4);
    await service[Symbol.asyncDispose]();
    const copied = to.keys('drain/').length;
    assert.equal(source.requests.of('GetObject'), copied, 'nothing was broken off');
    source.faults.clear();
    await using next = await startTestService({ beside: service });
    const task = await next.client.settled(taskId, keys.length, 15);
    assert.equal(task.monthly_success_object, keys.length);
    assert.equal(source.requests.of('GetObject'), keys.length);
    const listed = await next.client.objects(taskId);
    assert.ok(listed.every(({ attempts }) => attempts === 1));
  });
});
