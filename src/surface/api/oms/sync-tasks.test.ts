import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { minimalBody, NOW, openApi, PROJECT } from '../../../../test/kit/api-in-memory.ts';

const shownInfo = {
  sync_task_id: '31e9b7e6-6ffb-452f-9842-6ce354d99d70',
  src_cloud_type: 'HuaweiCloud',
  src_region: 'cn-north-1',
  src_bucket: 'src-b',
  create_time: NOW,
  last_start_time: NOW,
  dst_bucket: 'dst-b',
  dst_region: 'cn-north-4',
  description: '',
  status: 'SYNCHRONIZING',
  enable_kms: false,
  enable_metadata_migration: false,
  enable_restore: false,
  app_id: null,
  object_overwrite_mode: 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE',
  dst_storage_policy: null,
  consistency_check: 'size_last_modified',
};

const cdn = { domain: 'cdn.example.com', protocol: 'https', authentication_type: 'NONE' };
const minimalInfo = { ...shownInfo, source_cdn: null };

describe('CreateSyncTask', () => {
  test('takes the smallest body and fills in the defaults', async () => {
    await using api = await openApi();
    const reply = await api.call('POST', 'sync-tasks', { payload: minimalBody });
    assert.equal(reply.statusCode, 200);
    assert.deepEqual(reply.json(), { sync_task_id: minimalInfo.sync_task_id });
    const [{ credentials, ...plan } = assert.fail()] = api.syncTasks.created;
    assert.deepEqual(plan, {
      source: {
        cloud: 'HuaweiCloud',
        region: 'cn-north-1',
        bucket: 'src-b',
        endpoint: undefined,
      },
      target: {
        cloud: 'HuaweiCloud',
        region: 'cn-north-4',
        bucket: 'dst-b',
        endpoint: undefined,
      },
      sourceCdn: undefined,
      description: '',
      metadataMigration: false,
      kms: false,
      restore: false,
      overwriteMode: 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE',
      consistencyCheck: 'size_last_modified',
      missingSource: 'fail',
      start: true,
      initialScan: false,
      reconcileHours: 0,
    });
    assert.equal(credentials.source.accessKeyId, 'source-access-key');
    assert.equal(credentials.source.secretAccessKey.reveal(), 'source-secret-key');
    assert.equal(credentials.target.accessKeyId, 'target-access-key');
    assert.equal(credentials.target.secretAccessKey.reveal(), 'target-secret-key');
  });

  test('the cloud of the source is Aliyun by default', async () => {
    await using api = await openApi();
    await api.createTask({ src_cloud_type: undefined });
    assert.equal(api.syncTasks.created[0]?.source.cloud, 'Aliyun');
  });

  test('takes every field, the extensions too', async () => {
    await using api = await openApi();
    await api.createTask({
      src_cloud_type: 'Tencent',
      src_endpoint: 'https://cos.example.com',
      src_crypto_type: 'DEFAULT',
      dst_crypto_type: 'DEFAULT',
      app_id: '1250000000',
      description: 'nightly: 日本',
      dst_cloud_type: 'AWS',
      dst_endpoint: 'https://s3.example.com',
      enable_metadata_migration: true,
      enable_kms: false,
      enable_restore: false,
      dst_storage_policy: 'IA',
      object_overwrite_mode: 'FULL_OVERWRITE',
      consistency_check: 'transmission',
    });
    const list = await api.call('GET', 'sync-tasks');
    assert.deepEqual(list.json(), {
      tasks: [
        {
          ...minimalInfo,
          src_cloud_type: 'Tencent',
          app_id: '1250000000',
          description: 'nightly: 日本',
          enable_metadata_migration: true,
          object_overwrite_mode: 'FULL_OVERWRITE',
          dst_storage_policy: 'IA',
          consistency_check: 'no_check',
          src_endpoint: 'https://cos.example.com',
          dst_cloud_type: 'AWS',
          dst_endpoint: 'https://s3.example.com',
        },
      ],
      count: 1,
    });
  });

  test('a null counts as an absent field', async () => {
    await using api = await openApi();
    const reply = await api.call('POST', 'sync-tasks', {
      payload: {
        ...minimalBody,
        src_cloud_type: null,
        description: null,
        enable_kms: null,
        source_cdn: null,
        app_id: null,
        dst_storage_policy: null,
        consistency_check: null,
        src_kms_key_id: null,
      },
    });
    assert.equal(reply.statusCode, 200);
    assert.equal(api.syncTasks.created[0]?.source.cloud, 'Aliyun');
  });

  test('takes a CDN and lists it without its key; an empty key counts as absent', async () => {
    await using api = await openApi();
    for (const authentication_key of ['a-key-of-the-cdn', '', null]) {
      await api.createTask({ source_cdn: { ...cdn, authentication_key } });
    }
    const keys = api.syncTasks.created.map(({ credentials }) => credentials.cdnKey?.reveal());
    assert.deepEqual(keys, ['a-key-of-the-cdn', undefined, undefined]);
    const list = await api.call('GET', 'sync-tasks');
    for (const { source_cdn } of list.json<{ tasks: { source_cdn: unknown }[] }>().tasks) {
      assert.deepEqual(source_cdn, cdn);
    }
    assert.doesNotMatch(list.body, /a-key-of/);
  });

  test('a feature that this version lacks is refused with its field and what to do instead', async () => {
    for (const [field, value] of [
      ['source_cdn', { ...cdn, crypto_type: 'KMS', kms_key_id: 'k' }],
      ['src_crypto_type', 'KMS'],
      ['dst_crypto_type', 'KMS'],
    ] as const) {
      await using api = await openApi();
      const payload = { ...minimalBody, [field]: value };
      const reply = await api.call('POST', 'sync-tasks', { payload });
      assert.equal(reply.statusCode, 400, field);
      const problem = reply.json<Record<string, string>>();
      assert.equal(problem['error_code'], 'OMS.0064');
      assert.match(problem['error_detail'] ?? '', new RegExp(`^${field}[.\\w]*: \\w`));
      assert.equal(api.syncTasks.created.length, 0);
    }
  });

  test('unknown fields are accepted and named in the log once, without their values', async () => {
    await using api = await openApi();
    const payload = { ...minimalBody, requester_pays: 'a-value-nobody-logs' };
    for (let i = 0; i < 3; i += 1) {
      assert.equal((await api.call('POST', 'sync-tasks', { payload })).statusCode, 200);
    }
    assert.equal(api.log().split('requester_pays').length - 1, 1);
    assert.doesNotMatch(api.log(), /a-value-nobody-logs/);
  });

  test('a long unknown field is one name too: it does not fill the log', async () => {
    await using api = await openApi();
    const long = 'x'.repeat(64);
    const payload = { ...minimalBody, [`${long}a`]: 1, [`${long}b`]: 2 };
    for (let i = 0; i < 3; i += 1) await api.call('POST', 'sync-tasks', { payload });
    assert.equal(api.log().split('api.field-ignored').length - 1, 1);
  });
});

describe('ListSyncTasks', () => {
  test('has exactly the fields of OMS, with explicit nulls', async () => {
    await using api = await openApi();
    await api.createTask();
    const reply = await api.call('GET', 'sync-tasks?offset=0&limit=5&status=SYNCHRONIZING');
    assert.equal(reply.statusCode, 200);
    assert.deepEqual(reply.json(), { tasks: [minimalInfo], count: 1 });
    assert.deepEqual(Object.keys(reply.json<{ tasks: object[] }>().tasks[0] ?? {}).sort(), [
      ...Object.keys(minimalInfo).sort(),
    ]);
  });

  test('pages, counts all that match, and filters by status', async () => {
    await using api = await openApi();
    const ids = [await api.createTask(), await api.createTask(), await api.createTask()];
    await api.call('POST', `sync-tasks/${ids[1] ?? ''}/stop`);
    const page = async (query: string) => {
      const reply = await api.call('GET', `sync-tasks?${query}`);
      const { tasks, count } = reply.json<{ tasks: (typeof minimalInfo)[]; count: number }>();
      return [...tasks.map((task) => task.sync_task_id), count];
    };
    assert.deepEqual(await page('limit=2'), [ids[2], ids[1], 3]);
    assert.deepEqual(await page('limit=2&offset=2'), [ids[0], 3]);
    assert.deepEqual(await page('status=STOPPED'), [ids[1], 1]);
    assert.deepEqual(await page('status=&unknown=parameter'), [ids[2], ids[1], ids[0], 3]);
  });
});

test('ShowSyncTask has the monthly numbers and no source_cdn', async () => {
  await using api = await openApi();
  const id = await api.createTask();
  // A Long beyond every calendar is as late as can be, and no mistake.
  const late = await api.call('GET', `sync-tasks/${id}?query_time=9223372036854775807`);
  assert.equal(late.statusCode, 200);
  const reply = await api.call('GET', `sync-tasks/${id}?query_time=${NOW}`);
  assert.equal(reply.statusCode, 200);
  assert.deepEqual(reply.json(), {
    ...shownInfo,
    monthly_acceptance_request: 11,
    monthly_success_object: 7,
    monthly_failure_object: 1,
    monthly_skip_object: 3,
    monthly_size: 4096,
  });
});

describe('start, stop and delete', () => {
  const keys = { src_ak: 'a', src_sk: 'b', dst_ak: 'c', dst_sk: 'd' };

  test('answer 200 and zero bytes, whatever the content type of no body', async () => {
    for (const headers of [
      {},
      { 'content-type': 'application/json', 'content-length': '0' },
      { 'content-type': 'application/json;charset=UTF-8', 'content-length': '0' },
      { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '0' },
    ]) {
      await using api = await openApi();
      const id = await api.createTask();
      for (const [method, path] of [
        ['POST', `sync-tasks/${id}/stop`],
        ['POST', `sync-tasks/${id}/start`],
        ['POST', `sync-tasks/${id}/stop`],
        ['DELETE', `sync-tasks/${id}`],
      ] as const) {
        const reply = await api.call(method, path, { headers });
        assert.equal(reply.statusCode, 200, `${method} ${path}`);
        assert.equal(reply.body, '');
        assert.equal(reply.headers['content-length'], '0');
      }
      assert.equal(api.syncTasks.tasks.size, 0);
    }
  });

  test('start takes new credentials, or uses the sealed ones', async () => {
    await using api = await openApi();
    const id = await api.createTask();
    for (const payload of [keys, {}, { src_ak: null, src_sk: null, dst_ak: null, dst_sk: null }]) {
      await api.call('POST', `sync-tasks/${id}/stop`);
      const reply = await api.call('POST', `sync-tasks/${id}/start`, { payload });
      assert.equal(reply.statusCode, 200);
    }
    const [given, ...sealed] = api.syncTasks.started;
    assert.equal(given?.source?.accessKeyId, 'a');
    assert.equal(given.target?.secretAccessKey.reveal(), 'd');
    assert.deepEqual(sealed, [{ cdnKey: undefined }, { cdnKey: undefined }]);
  });

  test('start takes a key of the CDN, with the others or alone', async () => {
    await using api = await openApi();
    const id = await api.createTask({ source_cdn: cdn });
    for (const others of [keys, {}]) {
      await api.call('POST', `sync-tasks/${id}/stop`);
      const payload = { ...others, source_cdn_authentication_key: 'another' };
      const reply = await api.call('POST', `sync-tasks/${id}/start`, { payload });
      assert.equal(reply.statusCode, 200);
    }
    const [all, alone] = api.syncTasks.started;
    assert.equal(all?.source?.accessKeyId, 'a');
    assert.equal(all.cdnKey?.reveal(), 'another');
    assert.equal(alone?.cdnKey?.reveal(), 'another');
    assert.equal(alone.source, undefined);
  });

  test('start refuses some of the four, and keys of KMS', async () => {
    await using api = await openApi();
    const id = await api.createTask();
    await api.call('POST', `sync-tasks/${id}/stop`);
    for (const [payload, code, detail] of [
      [
        { src_ak: 'a', src_sk: 'b' },
        'OMS.1004',
        'request parameters [dst_ak], [dst_sk] are missing',
      ],
      [{ ...keys, dst_sk: null }, 'OMS.1004', 'request parameter [dst_sk] is missing'],
      [{ ...keys, src_crypto_type: 'KMS', src_kms_key_id: 'k' }, 'OMS.0064', /^src_crypto_type/],
      [{ ...keys, source_cdn_crypto_type: 'KMS' }, 'OMS.0064', /^source_cdn_crypto_type/],
    ] as const) {
      const reply = await api.call('POST', `sync-tasks/${id}/start`, { payload });
      assert.equal(reply.statusCode, 400);
      const problem = reply.json<Record<string, string>>();
      assert.equal(problem['error_code'], code);
      assert.match(problem['error_detail'] ?? '', typeof detail === 'string' ? /.*/ : detail);
      if (typeof detail === 'string') assert.equal(problem['error_detail'], detail);
    }
    assert.equal(api.syncTasks.started.length, 0);
  });

  test('a slash at the end of a path is tolerated', async () => {
    await using api = await openApi();
    assert.equal((await api.call('GET', `/v2/${PROJECT}/sync-tasks/`)).statusCode, 200);
  });
});
