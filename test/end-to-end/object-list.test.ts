import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OmsError, type ShownTask } from '../kit/oms-client.ts';
import { startTestService } from '../kit/service.ts';
import { startWorld, type World } from '../kit/service-between-buckets.ts';

const FIVE_MINUTES = 300_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ALL = 'REQUEST,SUCCESS,FAILURE,SKIP,SIZE';

/** In the order of their UTF-8 bytes. */
const oddKeys = [
  '!',
  '%',
  '%25',
  '/',
  '//',
  'A',
  'Z',
  '\\',
  '_',
  'a',
  'a b',
  'a%b/1',
  'a_b/1',
  'aXb/1',
  'with\nnewline',
  'ä',
  '中文',
  '\uFFFD',
  '🪣',
].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));

let world: World;
/** One task with all three outcomes, for all tests that only look. */
let taskId: string;
let startedAt: number;
const failing = ['failed/1', 'failed/2', 'failed_also/1'];

before(async () => {
  world = await startWorld();
  const { from, to } = world;
  taskId = await world.createTask();
  for (const key of oddKeys) from.put(key, `text of ${key}`);
  from.put('skipped', 'same', { lastModified: Date.now() - HOUR });
  to.put('skipped', 'same', { lastModified: Date.now() });
  startedAt = Date.now();
  await world.sync(taskId, [...oddKeys, 'skipped', ...failing]);
});
after(() => world[Symbol.asyncDispose]());

async function keys(query: Record<string, string>): Promise<string[]> {
  const page = await world.client.objectPage(taskId, new URLSearchParams(query));
  return page.objects.map(({ object_key }) => object_key);
}

describe('the object list', () => {
  test('reports of each object how, why and when its last round ended', async () => {
    const copied = await world.outcome(taskId, '中文');
    const { accept_time, start_time, settle_time, ...rest } = copied;
    assert.deepEqual(rest, {
      object_key: '中文',
      outcome: 'copied',
      reason: null,
      message: null,
      size: Buffer.byteLength('text of 中文'),
      check_method: 'md5',
      check_passed: true,
      check_detail: world.from.object('中文')?.etag,
      proof: 'source_checksum',
      target_etag: `"${world.to.object('中文')?.etag}"`,
      target_version_id: world.to.object('中文')?.versionId,
      crc64: null,
      crc64nvme: null,
      attempts: 1,
      due_time: null,
    });
    assert.ok(settle_time !== null);
    const times = [startedAt - 1000, accept_time, start_time, settle_time, Date.now() + 1000];
    assert.deepEqual(
      times,
      times.toSorted((one, other) => one - other),
    );
    const skipped = await world.outcome(taskId, 'skipped');
    assert.deepEqual(
      [skipped.outcome, skipped.reason, skipped.size, skipped.check_method],
      ['skipped', 'target-up-to-date', 4, null],
    );
    const failed = await world.outcome(taskId, 'failed/1');
    assert.deepEqual(
      [failed.outcome, failed.reason, failed.size, failed.check_passed],
      ['failed', 'not-found', null, null],
    );
  });

  test('can be filtered by outcome', async () => {
    assert.deepEqual(await keys({ outcome: 'failed' }), failing);
    assert.deepEqual(await keys({ outcome: 'skipped' }), ['skipped']);
    assert.deepEqual(await keys({ outcome: 'copied' }), oddKeys);
    await assert.rejects(keys({ outcome: 'lost' }), { status: 400, code: 'OMS.0064' });
  });

  for (const [prefix, expected] of [
    ['a_', ['a_b/1']],
    ['a%', ['a%b/1']],
    ['%', ['%', '%25']],
    ['_', ['_']],
    ['\\', ['\\']],
    ['/', ['/', '//']],
    ['failed/', ['failed/1', 'failed/2']],
    ['中', ['中文']],
    ['nothing', []],
  ] as const) {
    test(`takes the prefix ${prefix} as it is written`, async () => {
      assert.deepEqual(await keys({ prefix }), expected);
    });
  }

  for (const limit of [1, 2, 7, 1000]) {
    test(`comes in pages of ${limit}, in the order of the bytes, each key once`, async () => {
      const seen: string[] = [];
      let cursor: string | null | undefined;
      while (cursor !== null) {
        const query = new URLSearchParams({ limit: String(limit) });
        if (cursor !== undefined) query.set('cursor', cursor);
        const page = await world.client.objectPage(taskId, query);
        assert.ok(page.objects.length <= limit);
        seen.push(...page.objects.map(({ object_key }) => object_key));
        cursor = page.next_cursor;
      }
      const everything = [...oddKeys, 'skipped', ...failing];
      const bytes = (key: string) => Buffer.from(key);
      assert.deepEqual(
        seen,
        everything.sort((one, other) => Buffer.compare(bytes(one), bytes(other))),
      );
    });
  }

  test('pages of a prefix and an outcome end where these end', async () => {
    const query = { prefix: 'failed', outcome: 'failed', limit: '2' };
    const first = await world.client.objectPage(taskId, new URLSearchParams(query));
    assert.equal(first.objects.length, 2);
    const cursor = first.next_cursor ?? '';
    const rest = await world.client.objectPage(taskId, new URLSearchParams({ ...query, cursor }));
    assert.deepEqual(
      rest.objects.map(({ object_key }) => object_key),
      ['failed_also/1'],
    );
    assert.equal(rest.next_cursor, null);
  });

  test('refuses a cursor that it did not give, and a page of no size', async () => {
    const refused = { status: 400, code: 'OMS.0064' };
    await assert.rejects(keys({ cursor: 'no cursor' }), refused);
    await assert.rejects(keys({ limit: '0' }), refused);
    await assert.rejects(keys({ limit: '1001' }), refused);
  });
});

describe('numbers', () => {
  function assertAgree(task: ShownTask, found: Record<string, number>): void {
    assert.deepEqual(
      [
        task.monthly_acceptance_request,
        task.monthly_success_object,
        task.monthly_failure_object,
        task.monthly_skip_object,
        task.monthly_size,
      ],
      ALL.split(',').map((type) => found[type]),
    );
  }

  test('of the month equal the object list', async () => {
    const listed = await world.client.objects(taskId);
    const count = (outcome: string) => listed.filter((one) => one.outcome === outcome).length;
    const bytes = listed
      .filter(({ outcome }) => outcome === 'copied')
      .reduce((sum, { size }) => sum + (size ?? 0), 0);
    assertAgree(await world.client.show(taskId), {
      REQUEST: listed.length,
      SUCCESS: count('copied'),
      FAILURE: count('failed'),
      SKIP: count('skipped'),
      SIZE: bytes,
    });
  });

  for (const [width, step, span] of [
    ['FIVE_MINUTES', FIVE_MINUTES, 3 * DAY],
    ['ONE_HOUR', HOUR, 3 * DAY + 1],
    ['ONE_HOUR', HOUR, 30 * DAY],
  ] as const) {
    test(`of ${span} ms come in points of ${width}, zero where nothing happened`, async () => {
      const to = Date.now();
      const from = to - span;
      const found = await world.client.statistics(taskId, { types: ALL, from, to });
      assert.equal(found.width, width);
      const first = Math.floor(from / step) * step;
      const starts = Array.from(
        { length: Math.floor(to / step) - first / step + 1 },
        (_, index) => first + index * step,
      );
      const sums: Record<string, number> = {};
      for (const [type, points] of Object.entries(found.points)) {
        assert.deepEqual(
          points.map(([start]) => start),
          starts,
        );
        assert.ok(points.slice(0, -3).every(([, count]) => count === 0));
        sums[type] = points.reduce((sum, [, count]) => sum + count, 0);
      }
      assertAgree(await world.client.show(taskId), sums);
    });
  }

  test('of a month without work are zero', async () => {
    const path = `/sync-tasks/${taskId}?query_time=${Date.now() - 40 * DAY}`;
    const task = (await world.client.call('GET', path)) as ShownTask;
    assertAgree(task, { REQUEST: 0, SUCCESS: 0, FAILURE: 0, SKIP: 0, SIZE: 0 });
  });

  test('come in the order of asking, and wrong questions are refused', async () => {
    const { client } = world;
    const to = Date.now();
    const some = await client.statistics(taskId, { types: 'SIZE,SUCCESS', from: to - HOUR, to });
    assert.deepEqual(Object.keys(some.points), ['SIZE', 'SUCCESS']);
    for (const wrong of [
      { types: 'SPEED', from: to - HOUR, to },
      { types: ALL, from: to, to: to - HOUR },
      { types: ALL, from: to - 60 * DAY, to },
      { types: ALL, from: to - 101 * DAY, to: to - 100 * DAY },
    ]) {
      await assert.rejects(client.statistics(taskId, wrong), (error) => {
        assert.ok(error instanceof OmsError);
        return error.status === 400 && error.code === 'OMS.0064';
      });
    }
  });
});

test('a list that takes the database too long is given up, and says what to do', async () => {
  const task = await world.createTask();
  const options = { beside: world.service, works: false, listTimeoutMs: 100 };
  await using service = await startTestService(options);
  await world.service.database.transaction(async (db) => {
    await db.query('lock table objects');
    await assert.rejects(service.client.objects(task), (error) => {
      assert.ok(error instanceof OmsError);
      assert.match(error.message, /too long to find these objects.*prefix/);
      return error.status === 503;
    });
  });
  assert.deepEqual(await service.client.objects(task), []);
});

describe('retry-failed', () => {
  test('makes the failed objects of a prefix due again, and no others', async () => {
    const { from, client } = world;
    const task = await world.createTask();
    const some = ['again/1', 'again/2', 'again_other', 'keep/1'];
    await world.sync(task, some);
    for (const key of some) from.put(key, key);
    assert.equal(await client.retryFailed(task, 'again/'), 2);
    const after = await client.settled(task, some.length + 2);
    assert.deepEqual([after.monthly_success_object, after.monthly_failure_object], [2, 4]);
    assert.equal((await world.outcome(task, 'again_other')).outcome, 'failed');
    assert.equal(await client.retryFailed(task, 'again_'), 1);
    assert.equal(await client.retryFailed(task, 'nothing'), 0);
    await client.settled(task, some.length + 3);
    assert.equal(await client.retryFailed(task), 1);
    const end = await client.settled(task, some.length + 4);
    assert.equal(end.monthly_success_object, 4);
    assert.equal(end.monthly_acceptance_request, some.length);
    assert.equal(await client.retryFailed(task), 0);
  });

  test('is refused while the task is stopped', async () => {
    const task = await world.createTask();
    await world.client.stop(task);
    await assert.rejects(world.client.retryFailed(task), (error) => {
      assert.ok(error instanceof OmsError);
      assert.match(error.message, /is stopped and tries nothing again/);
      return error.status === 400 && error.code === 'OMS.0066';
    });
  });
});
