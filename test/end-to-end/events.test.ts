import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OmsError } from '../kit/oms-client.ts';
import { startTestService, taskBetween, type TestService } from '../kit/service.ts';
import { startWorld, type World } from '../kit/service-between-buckets.ts';
import { until } from '../kit/until.ts';

const KEYS_MAX = 10;

describe('sync events', () => {
  let world: World;
  before(async () => {
    world = await startWorld({ settings: { eventKeysMax: KEYS_MAX } });
  });
  after(() => world[Symbol.asyncDispose]());

  function send(taskId: string, object_keys: readonly unknown[]): Promise<unknown> {
    return world.client.call('POST', `/sync-tasks/${taskId}/events`, { object_keys });
  }

  async function waiting(taskId: string): Promise<string[]> {
    const { rows } = await world.service.database.query<{ key: string }>(
      'select object_key as key from changes where task_id = $1 order by object_key',
      [taskId],
    );
    return rows.map(({ key }) => key);
  }

  test('many events for a key that is in work make exactly one more round', async () => {
    const { from, to, source } = world;
    const taskId = await world.createTask({ object_overwrite_mode: 'FULL_OVERWRITE' });
    from.put('busy', 'first');
    const held = source.faults.add({ kind: 'delay', ms: 500, match: { key: 'busy' } });
    await send(taskId, ['busy']);
    await until('the source is read', () => held.fired === 1);
    from.put('busy', 'second');
    for (let i = 0; i < 5; i++) await send(taskId, ['busy', 'busy']);
    await world.client.settled(taskId, 2);
    const task = await world.client.show(taskId);
    assert.equal(task.monthly_success_object, 2);
    assert.equal(task.monthly_acceptance_request, 11);
    assert.equal(held.seen, 2);
    assert.equal(to.bytes('busy')?.toString(), 'second');
    assert.deepEqual(await waiting(taskId), []);
  });

  test('keys are URL-decoded once, form style', async () => {
    const { from, to } = world;
    const taskId = await world.createTask();
    const sent = {
      'a+b': 'a b',
      'a%2Bb': 'a+b',
      'a%20c': 'a c',
      '100%2525': '100%25',
      'dir%2Ffile': 'dir/file',
      'plain/slash': 'plain/slash',
      '%E4%B8%AD%E6%96%87': '中文',
      '中文 raw': '中文 raw',
    };
    for (const key of Object.values(sent)) from.put(key, key);
    await send(taskId, Object.keys(sent));
    const task = await world.client.settled(taskId, KEYS_MAX - 2);
    assert.equal(task.monthly_success_object, Object.keys(sent).length);
    for (const key of Object.values(sent)) assert.equal(to.bytes(key)?.toString(), key);
  });

  for (const [what, key] of [
    ['a broken escape', 'bad%zz'],
    ['an escape that is cut off', 'bad%2'],
    ['bytes that are no UTF-8', '%FF'],
    ['half a surrogate pair', '%ED%A0%80'],
    ['NUL', 'a%00b'],
    ['1,025 bytes', 'x'.repeat(1025)],
    ['1,026 bytes in 342 characters', encodeURIComponent('中'.repeat(342))],
    ['nothing', ''],
    ['a number', 7],
  ] as const) {
    test(`an event with ${what} is refused as a whole, by the index of the key`, async () => {
      const taskId = await world.createTask();
      await assert.rejects(send(taskId, ['good', key]), (error) => {
        assert.ok(error instanceof OmsError);
        assert.equal(error.status, 400);
        assert.match(error.code, /^OMS\.(0064|1002)$/);
        assert.match(error.detail ?? '', /\[object_keys\[1\]\]/);
        return true;
      });
      assert.equal((await world.client.show(taskId)).monthly_acceptance_request, 0);
    });
  }

  test('an event may name no fewer than one object and no more than the setting says', async () => {
    const taskId = await world.createTask();
    const many = Array.from({ length: KEYS_MAX + 1 }, (_, i) => `missing/${i}`);
    const refused = { status: 400, code: 'OMS.0064' };
    await assert.rejects(send(taskId, many), refused);
    await assert.rejects(send(taskId, []), refused);
    const none = world.client.call('POST', `/sync-tasks/${taskId}/events`, {});
    await assert.rejects(none, { status: 400, code: 'OMS.1004' });
    await send(taskId, many.slice(1));
    const task = await world.client.settled(taskId, KEYS_MAX);
    assert.equal(task.monthly_acceptance_request, KEYS_MAX);
  });

  test('the longest key that is possible is copied', async () => {
    const taskId = await world.createTask();
    const key = '中'.repeat(341) + 'x';
    world.from.put(key, 'long');
    const task = await world.sync(taskId, [key]);
    assert.equal(task.monthly_success_object, 1);
  });

  test('a stopped task takes no events, and says so', async () => {
    const taskId = await world.createTask();
    await world.client.stop(taskId);
    await assert.rejects(send(taskId, ['x']), { status: 400, code: 'OMS.0066' });
    assert.deepEqual(await waiting(taskId), []);
  });

  test('events to a task that is not there are 404, and to another project 403', async () => {
    const nowhere = '00000000-0000-4000-8000-000000000000';
    await assert.rejects(send(nowhere, ['x']), { status: 404, code: 'OMS.1009' });
    await assert.rejects(send('no-uuid', ['x']), { status: 404, code: 'OMS.1009' });
    const taskId = await world.createTask();
    const { url, token } = world.service;
    const other = await fetch(`${url}/v2/another/sync-tasks/${taskId}/events`, {
      method: 'POST',
      headers: { 'x-auth-token': token, 'content-type': 'application/json' },
      body: JSON.stringify({ object_keys: ['x'] }),
    });
    assert.equal(other.status, 403);
  });
});

describe('events that no worker processes yet', () => {
  let world: World;
  let idle: TestService;
  before(async () => {
    world = await startWorld();
    // The worker of the world is stopped: only the API lives, as of a process of that role.
    idle = await startTestService({ beside: world.service, works: false });
    await world.service[Symbol.asyncDispose]();
  });
  after(async () => {
    await idle[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  test('are durable before they are answered, one row a key, and worked on once', async () => {
    const { client, database } = idle;
    const taskId = await client.createTask(taskBetween(world.source, world.target));
    const keys = Array.from({ length: 30 }, (_, i) => `object-${i % 3}`);
    for (const key of new Set(keys)) world.from.put(key, key);
    for (let i = 0; i < 5; i++) {
      await client.sendEvents(taskId, [`single-${i}`]);
      const { rows } = await database.query(
        `select from changes where task_id = $1 and object_key = $2`,
        [taskId, `single-${i}`],
      );
      assert.equal(rows.length, 1, 'written when the answer is here');
    }
    await Promise.all(keys.map((key) => client.sendEvents(taskId, [key, key])));
    const { rows } = await database.query<{ waiting: number }>(
      `select count(*)::int as waiting from changes where task_id = $1`,
      [taskId],
    );
    assert.equal(rows[0]?.waiting, 5 + 3);
    assert.equal((await client.show(taskId)).monthly_acceptance_request, 5 + 60);
    await using worker = await startTestService({ beside: idle });
    await client.settled(taskId, 8);
    const left = await database.query('select from changes where task_id = $1', [taskId]);
    assert.equal(left.rows.length, 0, 'nothing waits that could be copied again');
    const task = await worker.client.show(taskId);
    assert.equal(task.monthly_success_object, 3);
    assert.equal(task.monthly_failure_object, 5);
    assert.equal(world.source.requests.of('GetObject'), 8);
  });
});
