import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createLogger } from '../../src/platform/base/log.ts';
import { startTestService, type TestService } from '../kit/service.ts';

/** What the reference of OMS shows, literally: sent as it is, and answered as it is. */

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const logged: string[] = [];
const log = createLogger(
  'info',
  new Writable({
    write(chunk: Buffer, _encoding, written) {
      logged.push(chunk.toString());
      written();
    },
  }),
);

let service: TestService;
before(async () => {
  const endpoints = [
    { cloud: 'Tencent', region: 'ap-guangzhou', endpoint: 'http://127.0.0.1:9' },
    { cloud: 'Aliyun', region: 'cn-hangzhou', endpoint: 'http://127.0.0.1:9' },
  ] as const;
  service = await startTestService({ log, works: false, settings: { endpoints } });
});
after(() => service[Symbol.asyncDispose]());
beforeEach(async () => {
  await service.database.query('delete from sync_tasks');
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function send(method: string, path: string, body?: string): Promise<Answer> {
  const response = await fetch(`${service.url}/v2/${service.projectId}/sync-tasks${path}`, {
    method,
    headers: { 'x-auth-token': service.token, 'content-type': 'application/json' },
    ...(body !== undefined && { body }),
  });
  return { status: response.status, text: await response.text() };
}

async function create(fields: object): Promise<string> {
  const created = await send('POST', '', JSON.stringify(fields));
  assert.equal(created.status, 200, created.text);
  const { sync_task_id: taskId } = JSON.parse(created.text) as { sync_task_id: string };
  assert.match(taskId, UUID);
  assert.equal(created.text, JSON.stringify({ sync_task_id: taskId }));
  return taskId;
}

async function shown(taskId: string): Promise<Record<string, unknown>> {
  const answer = await send('GET', `/${taskId}?query_time=1700000000000`);
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text) as Record<string, unknown>;
}

const keys = { src_ak: 'a', src_sk: 'b', dst_ak: 'c', dst_sk: 'd' };
const minimal = {
  ...{ src_cloud_type: 'HuaweiCloud', src_region: 'cn-north-1', src_bucket: 'src-b' },
  ...keys,
  ...{ dst_region: 'cn-north-4', dst_bucket: 'dst-b' },
};

describe('the examples of the reference', () => {
  test('a list is answered letter by letter: the order, enable_kms, explicit nulls', async () => {
    const sync_task_id = await create({
      ...keys,
      src_cloud_type: 'HuaweiCloud',
      src_region: 'cn-north-7',
      src_bucket: 'oms-sdk-test-src',
      dst_bucket: 'oms-sdk-test-dst',
      dst_region: 'cn-north-7',
      description: 'sync task test',
    });
    const answer = await send('GET', '?offset=0&limit=5&status=SYNCHRONIZING');
    const { create_time, last_start_time } = await shown(sync_task_id);
    assert.equal(typeof create_time, 'number');
    assert.equal(last_start_time, create_time);
    const task = {
      sync_task_id,
      src_cloud_type: 'HuaweiCloud',
      src_region: 'cn-north-7',
      src_bucket: 'oms-sdk-test-src',
      create_time,
      last_start_time,
      dst_bucket: 'oms-sdk-test-dst',
      dst_region: 'cn-north-7',
      description: 'sync task test',
      status: 'SYNCHRONIZING',
      enable_kms: false,
      enable_metadata_migration: false,
      enable_restore: false,
      app_id: null,
      source_cdn: null,
      object_overwrite_mode: 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE',
      dst_storage_policy: null,
      consistency_check: 'size_last_modified',
    };
    assert.deepEqual(answer, { status: 200, text: JSON.stringify({ tasks: [task], count: 1 }) });
  });

  test('an empty list is a list', async () => {
    const empty = { status: 200, text: '{"tasks":[],"count":0}' };
    assert.deepEqual(await send('GET', '?limit=10&offset=0&status=SYNCHRONIZING'), empty);
    assert.deepEqual(await send('GET', ''), empty);
  });

  test('show has what the list has, without source_cdn, and the numbers of the month', async () => {
    const fields = await shown(await create(minimal));
    assert.equal('source_cdn' in fields, false);
    const numbers = Object.entries(fields).filter(([name]) => name.startsWith('monthly_'));
    assert.deepEqual(Object.fromEntries(numbers), {
      monthly_acceptance_request: 0,
      monthly_success_object: 0,
      monthly_failure_object: 0,
      monthly_skip_object: 0,
      monthly_size: 0,
    });
  });

  test('a full creation, of Tencent', async () => {
    const full = {
      ...minimal,
      src_cloud_type: 'Tencent',
      src_region: 'ap-guangzhou',
      app_id: '1250000000',
      description: 'd1',
      enable_metadata_migration: true,
      enable_kms: false,
      enable_restore: false,
      dst_storage_policy: 'STANDARD',
      consistency_check: 'crc64',
    };
    const fields = await shown(await create(full));
    for (const [name, value] of Object.entries(full)) {
      if (name in keys) assert.equal(name in fields, false, `${name} is never told`);
      else assert.equal(fields[name], value, name);
    }
    // As the example reads from a CDN, and another example a CDN with a key of its own.
    const cdn = { domain: 'cdn.example.com', protocol: 'https', authentication_type: 'NONE' };
    await create({ ...full, source_cdn: { ...cdn, authentication_key: null } });
    const listed = JSON.parse((await send('GET', '?limit=1')).text) as { tasks: [object] };
    assert.deepEqual(Reflect.get(listed.tasks[0], 'source_cdn'), cdn);
  });

  test('a cloud that is not named is Aliyun', async () => {
    const unnamed = { src_cloud_type: undefined, src_region: 'cn-hangzhou' };
    const taskId = await create({ ...minimal, ...unnamed });
    assert.equal((await shown(taskId))['src_cloud_type'], 'Aliyun');
  });

  test('events, stop, start and deletion answer 200 and zero bytes', async () => {
    const nothing = { status: 200, text: '' };
    const taskId = await create(minimal);
    const slashes = '{"object_keys":["test%2F001.txt","test%2F002.txt"]}';
    assert.deepEqual(await send('POST', `/${taskId}/events`, slashes), nothing);
    const plus = '{"object_keys":["test%2B001.txt"]}';
    assert.deepEqual(await send('POST', `/${taskId}/events`, plus), nothing);
    const { rows } = await service.database.query<{ object_key: string }>(
      'select object_key from changes where task_id = $1 order by object_key',
      [taskId],
    );
    assert.deepEqual(
      rows.map(({ object_key }) => object_key),
      ['test+001.txt', 'test/001.txt', 'test/002.txt'],
    );
    assert.deepEqual(await send('POST', `/${taskId}/stop`), nothing);
    const body = '{"src_ak":"a","src_sk":"b","dst_ak":"c","dst_sk":"d"}';
    assert.deepEqual(await send('POST', `/${taskId}/start`, body), nothing);
    assert.deepEqual(await send('POST', `/${taskId}/stop`), nothing);
    assert.deepEqual(await send('DELETE', `/${taskId}`), nothing);
  });

  test('statistics of an hour', async () => {
    const taskId = await create(minimal);
    const end = Date.now();
    const range = `start_time=${end - 3_600_000}&end_time=${end}`;
    const answer = await send('GET', `/${taskId}/statistics?data_type=REQUEST%2CSUCCESS&${range}`);
    assert.equal(answer.status, 200, answer.text);
    const told = JSON.parse(answer.text) as {
      statistic_datas: { data_type: string; data: object[] }[];
    };
    assert.deepEqual(Object.keys(told), ['sync_task_id', 'statistic_time_type', 'statistic_datas']);
    for (const { data } of told.statistic_datas) {
      assert.deepEqual(Object.keys(data[0] ?? {}), ['time_stamp', 'statistic_num']);
    }
  });

  test('errors have the members of the reference', async () => {
    const unknown = await send(
      'GET',
      '/31e9b7e6-6ffb-452f-9842-6ce354d99d75?query_time=1700000000000',
    );
    assert.equal(unknown.status, 404);
    assert.deepEqual(Object.keys(JSON.parse(unknown.text) as object), ['error_code', 'error_msg']);
    const wrong = await send('POST', '', JSON.stringify({ ...minimal, description: '<' }));
    assert.equal(wrong.status, 400);
    const members = JSON.parse(wrong.text) as Record<string, string>;
    assert.deepEqual(Object.keys(members), ['error_code', 'error_msg', 'error_detail']);
    assert.match(members['error_detail'] ?? '', /^request parameter \[description\]/);
  });
});

describe('where two pages or two SDKs disagree, both are taken', () => {
  const taken: readonly [what: string, sent: object, answered: object][] = [
    ['transmission', { consistency_check: 'transmission' }, { consistency_check: 'no_check' }],
    ['no_check', { consistency_check: 'no_check' }, { consistency_check: 'no_check' }],
    ['enable_kms, until 3.1.194', { enable_kms: false }, { enable_kms: false }],
    [
      'crypto types, since 3.1.195',
      { src_crypto_type: 'DEFAULT', dst_crypto_type: 'DEFAULT', src_kms_key_id: null },
      { enable_kms: false },
    ],
    [
      'an overwrite mode, which only answers have',
      { object_overwrite_mode: 'FULL_OVERWRITE' },
      { object_overwrite_mode: 'FULL_OVERWRITE' },
    ],
    [
      'null for absent',
      { app_id: null, source_cdn: null, dst_storage_policy: null, description: null },
      { app_id: null, dst_storage_policy: null, description: '' },
    ],
    ['an empty app_id', { app_id: '' }, { app_id: null }],
  ];
  for (const [what, sent, answered] of taken) {
    test(what, async () => {
      assert.partialDeepStrictEqual(await shown(await create({ ...minimal, ...sent })), answered);
    });
  }

  test('a field with a function that is not supported is refused with its name, in either reading', async () => {
    for (const field of ['src_crypto_type', 'dst_crypto_type']) {
      const asked = { [field]: 'KMS' };
      const answer = await send('POST', '', JSON.stringify({ ...minimal, ...asked }));
      assert.equal(answer.status, 400);
      assert.match(answer.text, new RegExp(`"error_code":"OMS.0064".*"error_detail":"${field}: `));
    }
  });

  test('query_time as a Long: of any month; as a String: the same digits', async () => {
    const taskId = await create(minimal);
    for (const time of ['1000000000000', '1700000000000', '253402300799999']) {
      assert.equal((await send('GET', `/${taskId}?query_time=${time}`)).status, 200, time);
    }
    for (const time of ['', 'x', '1e3', '1700000000000.5', '-1', '0', '1700000000']) {
      const answer = await send('GET', `/${taskId}?query_time=${time}`);
      assert.equal(answer.status, 400, time);
      assert.match(answer.text, /\[query_time\]/);
    }
  });

  test('an event of 10 names, and of 100', async () => {
    const taskId = await create(minimal);
    for (const count of [1, 10, 100]) {
      const object_keys = Array.from({ length: count }, (_, i) => `key-${i}`);
      const answer = await send('POST', `/${taskId}/events`, JSON.stringify({ object_keys }));
      assert.equal(answer.status, 200, answer.text);
    }
  });

  test('a start with the fields of every age', async () => {
    const taskId = await create(minimal);
    const ages = [
      keys,
      { ...keys, src_crypto_type: 'DEFAULT', dst_crypto_type: 'DEFAULT', dst_kms_key_id: null },
      { ...keys, source_cdn_authentication_key: '', source_cdn_crypto_type: 'DEFAULT' },
      { ...keys, source_cdn_authentication_key: null, source_cdn_kms_key_id: null },
    ];
    for (const body of ages) {
      await send('POST', `/${taskId}/stop`);
      const answer = await send('POST', `/${taskId}/start`, JSON.stringify(body));
      assert.deepEqual(answer, { status: 200, text: '' });
    }
  });
});

test('unknown fields are accepted, and named once in the log without their values', async () => {
  const newer = { smn_config: { topic_urn: 'SECRET-VALUE' }, enable_requester_pays: true };
  const taskId = await create({ ...minimal, ...newer });
  await create({ ...minimal, ...newer });
  const events = JSON.stringify({ object_keys: ['a'], event_source: 'SECRET-VALUE' });
  for (let i = 0; i < 2; i++) {
    assert.equal((await send('POST', `/${taskId}/events`, events)).status, 200);
  }
  assert.equal(
    (await send('GET', `/${taskId}?query_time=1700000000000&x=SECRET-VALUE`)).status,
    200,
  );
  const lines = logged.filter((line) => line.includes('api.field-ignored'));
  const named = lines.map((line) => (JSON.parse(line) as { field: string }).field);
  assert.deepEqual(named.sort(), ['enable_requester_pays', 'event_source', 'smn_config']);
  assert.doesNotMatch(logged.join(''), /SECRET-VALUE/);
});
