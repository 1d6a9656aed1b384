import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTestService, type TestService } from '../kit/service.ts';
import { clientOf, makeKey } from './clients.ts';
import type { OmsNodeClient } from './oms-node-client.ts';
import { refused } from './refused.ts';

/** The eight operations, as the core of the official Node SDK sends and reads them. */

const keys = { src_ak: 'a', src_sk: 'b', dst_ak: 'c', dst_sk: 'd' };
const minimal = {
  ...keys,
  src_cloud_type: 'HuaweiCloud',
  src_region: 'cn-north-1',
  src_bucket: 'src-b',
  dst_region: 'cn-north-4',
  dst_bucket: 'dst-b',
};
const nobody = '31e9b7e6-6ffb-452f-9842-6ce354d99d75';

let service: TestService;
let oms: OmsNodeClient;
before(async () => {
  service = await startTestService({ works: false });
  oms = clientOf(service, await makeKey(service));
});
after(() => service[Symbol.asyncDispose]());

/** A message that names a field as ours do: `[limit]`. */
function naming(field: string): RegExp {
  return new RegExp(`\\[${field.replaceAll(/[[\]]/g, '\\$&')}\\]`);
}

let made = 0;

/** Makes each creation different, because a second creation with the same signature is not executed. */
function create(fields: object = {}) {
  made += 1;
  return oms.createSyncTask({ ...minimal, description: `task ${made}`, ...fields });
}

/** Runs with a task that is gone afterwards. */
async function withTask(
  run: (taskId: string) => Promise<void>,
  fields: object = {},
): Promise<void> {
  const { sync_task_id: taskId } = await create(fields);
  try {
    await run(taskId);
  } finally {
    await oms.stopSyncTask(taskId).catch(() => undefined);
    await oms.deleteSyncTask(taskId);
  }
}

describe('a task', () => {
  test('is created, shown, listed, stopped, started and deleted', async () => {
    const created = await oms.createSyncTask({ ...minimal, description: 'every night, 每晚' });
    const { sync_task_id: taskId } = created;
    assert.deepEqual(Object.keys(created), ['sync_task_id', 'httpStatusCode']);
    assert.match(taskId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const shown = await oms.showSyncTask(taskId, Date.now());
    assert.equal(shown.status, 'SYNCHRONIZING', 'it starts by itself');
    assert.equal(shown['description'], 'every night, 每晚');
    assert.equal(shown['last_start_time'], shown['create_time']);
    assert.deepEqual(await oms.stopSyncTask(taskId), { httpStatusCode: 200 });
    assert.equal((await oms.showSyncTask(taskId, Date.now())).status, 'STOPPED', 'at once');
    const { tasks, count } = await oms.listSyncTasks({ status: 'STOPPED', limit: 10, offset: 0 });
    assert.equal(count, 1);
    assert.equal(tasks[0]?.sync_task_id, taskId);
    assert.equal((await oms.listSyncTasks({ status: 'SYNCHRONIZING' })).count, 0);
    assert.deepEqual(await oms.startSyncTask(taskId, keys), { httpStatusCode: 200 });
    const started = await oms.showSyncTask(taskId, Date.now());
    assert.ok(Number(started['last_start_time']) > Number(started['create_time']));
    await oms.stopSyncTask(taskId);
    assert.deepEqual(await oms.deleteSyncTask(taskId), { httpStatusCode: 200 });
    assert.equal((await oms.listSyncTasks()).count, 0);
  });

  test('takes events and counts them', () =>
    withTask(async (taskId) => {
      const start_time = Date.now();
      for (const object_keys of [['test%2F001.txt', 'test%2F002.txt'], ['test%2B001.txt']]) {
        assert.deepEqual(await oms.createSyncEvents(taskId, { object_keys }), {
          httpStatusCode: 200,
        });
      }
      const shown = await oms.showSyncTask(taskId, Date.now());
      assert.equal(shown['monthly_acceptance_request'], 3);
      const end_time = Date.now() + 300_000;
      const data_type = 'REQUEST,SUCCESS';
      const statistic = { data_type, start_time, end_time };
      const told = await oms.listSyncTaskStatistic(taskId, statistic);
      assert.equal(told.sync_task_id, taskId);
      assert.equal(told.statistic_time_type, 'FIVE_MINUTES');
      assert.deepEqual(
        told.statistic_datas.map(({ data_type }) => data_type),
        ['REQUEST', 'SUCCESS'],
      );
      const [requests = [], successes = []] = told.statistic_datas.map(({ data }) =>
        data.map(({ statistic_num }) => statistic_num),
      );
      assert.equal(
        requests.reduce((sum, one) => sum + one),
        3,
      );
      assert.ok(successes.every((one) => one === 0));
      // Its month is that of query_time.
      const longAgo = await oms.showSyncTask(taskId, Date.UTC(2020, 0));
      assert.equal(longAgo['monthly_acceptance_request'], 0);
    }));

  test('is found on the page where it is', async () => {
    for (let i = 0; i < 3; i++) await create();
    const whole = await oms.listSyncTasks();
    const pages = [
      await oms.listSyncTasks({ limit: 2, offset: 0 }),
      await oms.listSyncTasks({ limit: 2, offset: 2 }),
    ];
    assert.deepEqual(
      pages.map(({ count }) => count),
      [3, 3],
    );
    assert.deepEqual(
      pages.flatMap(({ tasks }) => tasks),
      whole.tasks,
    );
    for (const { sync_task_id } of whole.tasks) {
      await oms.stopSyncTask(sync_task_id);
      await oms.deleteSyncTask(sync_task_id);
    }
  });
});

describe('what the state of a task forbids', () => {
  test('running: a start is OMS.0065, a deletion OMS.0063', () =>
    withTask(async (taskId) => {
      await refused(oms.startSyncTask(taskId, keys), { status: 400, code: 'OMS.0065' });
      await refused(oms.deleteSyncTask(taskId), { status: 400, code: 'OMS.0063' });
    }));

  test('stopped: a stop and an event are OMS.0066', () =>
    withTask(async (taskId) => {
      await oms.stopSyncTask(taskId);
      await refused(oms.stopSyncTask(taskId), { status: 400, code: 'OMS.0066' });
      const events = oms.createSyncEvents(taskId, { object_keys: ['a'] });
      await refused(events, { status: 400, code: 'OMS.0066' });
    }));

  test('the sixth is OMS.1021, until one is deleted', async () => {
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push((await create()).sync_task_id);
    await refused(create(), { status: 400, code: 'OMS.1021' });
    for (const taskId of ids) {
      await oms.stopSyncTask(taskId);
      await oms.deleteSyncTask(taskId);
    }
    await withTask(async () => undefined);
  });
});

describe('a task that is not there', () => {
  const calls: Readonly<Record<string, (taskId: string) => Promise<unknown>>> = {
    showSyncTask: (taskId) => oms.showSyncTask(taskId, Date.now()),
    startSyncTask: (taskId) => oms.startSyncTask(taskId, keys),
    stopSyncTask: (taskId) => oms.stopSyncTask(taskId),
    deleteSyncTask: (taskId) => oms.deleteSyncTask(taskId),
    createSyncEvents: (taskId) => oms.createSyncEvents(taskId, { object_keys: ['a'] }),
    listSyncTaskStatistic: (taskId) =>
      oms.listSyncTaskStatistic(taskId, {
        data_type: 'SIZE',
        start_time: Date.now() - 1000,
        end_time: Date.now(),
      }),
  };
  for (const [name, call] of Object.entries(calls)) {
    test(`${name} is 404 OMS.1009, whatever the ID looks like`, async () => {
      for (const taskId of [nobody, 'no-uuid', 'a%25b', '任务', 'a b']) {
        await refused(call(taskId), { status: 404, code: 'OMS.1009' });
      }
    });
  }

  test('one that was deleted is not there either', async () => {
    const { sync_task_id: taskId } = await create();
    await oms.stopSyncTask(taskId);
    await oms.deleteSyncTask(taskId);
    for (const call of Object.values(calls)) {
      await refused(call(taskId), { status: 404, code: 'OMS.1009' });
    }
  });
});

describe('what a request may not say', () => {
  const events = (object_keys: unknown) => oms.createSyncEvents(nobody, { object_keys });
  const creation = (fields: object) => oms.createSyncTask({ ...minimal, ...fields });
  const statistic = (fields: object) =>
    oms.listSyncTaskStatistic(nobody, {
      ...{ data_type: 'SIZE', start_time: Date.now() - 1000, end_time: Date.now() },
      ...fields,
    });
  const cases: [name: string, code: string, field: string, call: () => Promise<unknown>][] = [
    ['an unknown cloud', 'OMS.0064', 'src_cloud_type', () => creation({ src_cloud_type: 'AOL' })],
    ['a missing bucket', 'OMS.1004', 'src_bucket', () => creation({ src_bucket: undefined })],
    ['a null for one that is needed', 'OMS.1004', 'dst_ak', () => creation({ dst_ak: null })],
    ['a number for a text', 'OMS.1002', 'src_region', () => creation({ src_region: 7 })],
    ['a text for a boolean', 'OMS.1002', 'enable_kms', () => creation({ enable_kms: 'true' })],
    ['a key of 101 characters', 'OMS.0064', 'src_ak', () => creation({ src_ak: 'k'.repeat(101) })],
    [
      'a description of 256',
      'OMS.0064',
      'description',
      () => creation({ description: 'd'.repeat(256) }),
    ],
    ['a forbidden character', 'OMS.0078', 'description', () => creation({ description: "it's" })],
    ['no app_id of Tencent', 'OMS.1004', 'app_id', () => creation({ src_cloud_type: 'Tencent' })],
    [
      'an unknown policy',
      'OMS.0064',
      'dst_storage_policy',
      () => creation({ dst_storage_policy: 'COLD' }),
    ],
    [
      'an unknown check',
      'OMS.0064',
      'consistency_check',
      () => creation({ consistency_check: 'md5' }),
    ],
    ['no query_time', 'OMS.1004', 'query_time', () => oms.showSyncTask(nobody)],
    ['a word for query_time', 'OMS.1002', 'query_time', () => oms.showSyncTask(nobody, 'now')],
    ['a limit of 0', 'OMS.0064', 'limit', () => oms.listSyncTasks({ limit: 0 })],
    ['a limit of 101', 'OMS.0064', 'limit', () => oms.listSyncTasks({ limit: 101 })],
    ['an offset of 10001', 'OMS.0064', 'offset', () => oms.listSyncTasks({ offset: 10_001 })],
    ['an offset below 0', 'OMS.0064', 'offset', () => oms.listSyncTasks({ offset: -1 })],
    ['an unknown status', 'OMS.0064', 'status', () => oms.listSyncTasks({ status: 'PAUSED' })],
    ['no object_keys', 'OMS.1004', 'object_keys', () => oms.createSyncEvents(nobody, {})],
    ['an empty list of keys', 'OMS.0064', 'object_keys', () => events([])],
    ['101 keys', 'OMS.0064', 'object_keys', () => events(Array.from({ length: 101 }, () => 'a'))],
    ['a key that is no text', 'OMS.1002', 'object_keys[1]', () => events(['a', 7])],
    ['keys that are no list', 'OMS.1002', 'object_keys', () => events('a')],
    ['a broken escape', 'OMS.0064', 'object_keys[1]', () => events(['a', '%2'])],
    ['an escape that is no UTF-8', 'OMS.0064', 'object_keys[0]', () => events(['%FF'])],
    ['an escaped NUL', 'OMS.0064', 'object_keys[0]', () => events(['a%00b'])],
    ['no data_type', 'OMS.1004', 'data_type', () => statistic({ data_type: undefined })],
    ['an unknown data_type', 'OMS.0064', 'data_type', () => statistic({ data_type: 'SIZE,SPEED' })],
    ['no start_time', 'OMS.1004', 'start_time', () => statistic({ start_time: undefined })],
    ['no end_time', 'OMS.1004', 'end_time', () => statistic({ end_time: undefined })],
    ['a start after the end', 'OMS.0064', 'start_time', () => statistic({ end_time: 1e12 })],
    [
      'a start with half the keys',
      'OMS.1004',
      'src_sk',
      () => oms.startSyncTask(nobody, { src_ak: 'a' }),
    ],
  ];
  for (const [name, code, field, call] of cases) {
    test(`${name} is ${code}, and the message names ${field}`, async () => {
      await refused(call(), { status: 400, code, message: naming(field) });
    });
  }
});
