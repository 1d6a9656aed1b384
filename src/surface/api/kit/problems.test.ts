import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { DatabaseError } from '../../../platform/postgres/db-error.ts';
import { ServiceError } from '../../../domain/service-error.ts';
import { minimalBody, NOW, openApi, PROJECT, TOKEN } from '../../../../test/kit/api-in-memory.ts';

type Body = Record<string, string>;

describe('states and limits of tasks', () => {
  test('each refusal has its code', async () => {
    await using api = await openApi();
    const id = await api.createTask();
    const refused = async (method: 'GET' | 'POST' | 'DELETE', path: string, payload?: object) => {
      const reply = await api.call(method, path, payload === undefined ? {} : { payload });
      return [reply.statusCode, reply.json<Body>()['error_code']];
    };
    const events = { object_keys: ['k'] };
    assert.deepEqual(await refused('DELETE', `sync-tasks/${id}`), [400, 'OMS.0063']);
    assert.deepEqual(await refused('POST', `sync-tasks/${id}/start`), [400, 'OMS.0065']);
    await api.call('POST', `sync-tasks/${id}/stop`);
    assert.deepEqual(await refused('POST', `sync-tasks/${id}/stop`), [400, 'OMS.0066']);
    assert.deepEqual(await refused('POST', `sync-tasks/${id}/events`, events), [400, 'OMS.0066']);
    for (let i = 0; i < 4; i += 1) await api.createTask();
    assert.deepEqual(await refused('POST', 'sync-tasks', minimalBody), [400, 'OMS.1021']);
  });

  test('an unknown task is 404 on every path that names one', async () => {
    await using api = await openApi();
    const id = '31e9b7e6-6ffb-452f-9842-6ce354d99d99';
    const range = `data_type=SIZE&start_time=${NOW}&end_time=${NOW}`;
    for (const [method, rest, payload] of [
      ['GET', `?query_time=${NOW}`, undefined],
      ['DELETE', '', undefined],
      ['POST', '/start', undefined],
      ['POST', '/stop', undefined],
      ['POST', '/events', { object_keys: ['k'] }],
      ['GET', `/statistics?${range}`, undefined],
      ['GET', '/objects', undefined],
      ['POST', '/retry-failed', undefined],
    ] as const) {
      const options = payload === undefined ? {} : { payload };
      const reply = await api.call(method, `sync-tasks/${id}${rest}`, options);
      assert.equal(reply.statusCode, 404, rest);
      assert.deepEqual(reply.json(), {
        error_code: 'OMS.1009',
        error_msg: 'refused: unknown-task Detail of unknown-task',
        error_detail: 'detail of unknown-task',
      });
    }
  });

  test('a refusal of the service keeps its message', async () => {
    for (const problem of [
      'invalid-request',
      'endpoint-unknown',
      'endpoint-refused',
      'not-supported',
      'bad-object-key',
      'range-too-long',
      'range-too-old',
    ] as const) {
      await using api = await openApi();
      api.syncTasks.failure = new ServiceError(problem, 'what', 'what to do');
      const reply = await api.call('GET', 'sync-tasks');
      assert.equal(reply.statusCode, 400);
      assert.deepEqual(reply.json(), {
        error_code: 'OMS.0064',
        error_msg: 'what What to do',
        error_detail: 'what to do',
      });
    }
  });

  test('too busy is 503 with Retry-After', async () => {
    await using api = await openApi();
    api.syncTasks.failure = new ServiceError('overloaded', 'Too many events wait to be stored.');
    const reply = await api.call('GET', 'sync-tasks');
    assert.equal(reply.statusCode, 503);
    assert.equal(reply.headers['retry-after'], '1');
    assert.deepEqual(reply.json(), {
      error_code: 'OMS.1001',
      error_msg: 'Too many events wait to be stored.',
    });
  });

  test('a state of the database is 503 with Retry-After, and names the state but nothing else', async () => {
    await using api = await openApi();
    for (const [fault, retryAfter, state] of [
      ['unavailable', '5', /^The database does not answer\. Send the request again/],
      ['restarting', '5', /^The database is starting or shutting down\. /],
      ['timed-out', '5', /^The database took too long to answer\. /],
      ['contended', '5', /^The database is busy with conflicting changes\. /],
      ['out-of-memory', '5', /^The database is out of memory\. /],
      ['too-many-connections', '5', /^The database accepts no more connections\. /],
      ['exhausted', '5', /^The database has reached a limit of its resources\. /],
      ['read-only', '30', /^The database is read-only\. Ask the operator of this service/],
      ['disk-full', '30', /^The disk of the database is full\. /],
      ['login-rejected', '30', /^The database rejects the login of this service\. /],
      ['no-database', '30', /^The database of this service does not exist\. /],
      ['no-privilege', '30', /^The database user of this service lacks a privilege\. /],
      ['wrong-schema', '30', /^The tables in the database are not those of this version\. /],
      ['misconfigured', '30', /^The database is not configured as this service needs it\. /],
      ['io-error', '30', /^The database has an input\/output error\. /],
      ['damaged', '30', /^The database reports damaged data or an internal error\. /],
    ] as const) {
      api.syncTasks.failure = new DatabaseError(fault, `db-7 is ${fault}`, { code: '99999' });
      const reply = await api.call('GET', 'sync-tasks');
      assert.equal(reply.statusCode, 503, fault);
      assert.equal(reply.headers['retry-after'], retryAfter, fault);
      const { error_code: code, error_msg: message = '' } = reply.json<Body>();
      assert.equal(code, 'OMS.1001');
      assert.match(message, state);
      assert.doesNotMatch(reply.body, /db-7|99999/);
      assert.doesNotMatch(api.log(), /"event":"api.failed"/);
    }
  });

  test('a fault of one SQL statement is an internal error', async () => {
    await using api = await openApi();
    for (const fault of ['statement', 'duplicate', 'constraint'] as const) {
      api.syncTasks.failure = new DatabaseError(fault, `db-7 is ${fault}`);
      const reply = await api.call('GET', 'sync-tasks');
      assert.equal(reply.statusCode, 500, fault);
      assert.doesNotMatch(reply.body, /db-7/);
      assert.match(api.log(), new RegExp(`"event":"api.failed".*"message":"db-7 is ${fault}"`));
    }
  });

  test('an internal error is 500 without details; the log records it once', async () => {
    await using api = await openApi();
    api.syncTasks.failure = new Error('the disk of db-7 is full');
    const reply = await api.call('GET', 'sync-tasks');
    assert.equal(reply.statusCode, 500);
    assert.equal(reply.json<Body>()['error_code'], 'OMS.1001');
    assert.doesNotMatch(reply.body, /db-7|\.ts/);
    assert.equal(api.log().split('"event":"api.failed"').length - 1, 1);
    assert.match(api.log(), new RegExp(`"requestId":"${String(reply.headers['x-request-id'])}"`));
  });
});

describe('an invalid request', () => {
  test('a body that breaks a rule is 400 and names the field', async () => {
    await using api = await openApi();
    const long = 'x'.repeat(256);
    const cdn = { domain: 'cdn.example.com', protocol: 'http', authentication_type: 'NONE' };
    for (const [change, code, detail] of [
      [{ src_region: undefined }, 'OMS.1004', '[src_region] is missing'],
      [{ dst_sk: null }, 'OMS.1004', '[dst_sk] is missing'],
      [{ src_cloud_type: 'Tencent' }, 'OMS.1004', '[app_id] is missing'],
      [
        { src_cloud_type: 'Tencent', app_id: '1/@x' },
        'OMS.0064',
        /^\[app_id\] must be the account's/,
      ],
      [
        { src_bucket: undefined, dst_ak: null, dst_region: undefined },
        'OMS.1004',
        'request parameters [src_bucket], [dst_region], [dst_ak] are missing',
      ],
      [
        { src_cloud_type: 'MinIO' },
        'OMS.0064',
        /: AWS stands for every S3-compatible store, such as MinIO, .* in src_endpoint$/,
      ],
      [
        { dst_cloud_type: 'Wasabi' },
        'OMS.0064',
        /: AWS stands for every S3-compatible store, such as MinIO, .* in dst_endpoint$/,
      ],
      [{ src_ak: 5 }, 'OMS.1002', '[src_ak] must be a string'],
      [{ enable_metadata_migration: 'true' }, 'OMS.1002', /must be a boolean$/],
      [{ enable_kms: 1 }, 'OMS.1002', '[enable_kms] must be a boolean'],
      [{ source_cdn: 'x' }, 'OMS.1002', '[source_cdn] must be an object'],
      [
        { source_cdn: { protocol: 'http' } },
        'OMS.1004',
        /\[source_cdn.domain\], \[source_cdn.authentication_type\] are missing/,
      ],
      [{ source_cdn: { ...cdn, protocol: 'ftp' } }, 'OMS.0064', /^\[source_cdn.protocol\] must be/],
      [{ source_cdn: { ...cdn, authentication_key: long } }, 'OMS.0064', /than 255 characters$/],
      [{ src_cloud_type: 'aws' }, 'OMS.0064', /^\[src_cloud_type\] must be one of AWS, Azure, /],
      [{ consistency_check: 'md5' }, 'OMS.0064', /one of size_last_modified, crc64, no_check/],
      [{ dst_storage_policy: 'COLD' }, 'OMS.0064', /^\[dst_storage_policy\] must be one of/],
      [{ src_bucket: '' }, 'OMS.0064', '[src_bucket] must not have fewer than 1 characters'],
      [{ dst_bucket: long }, 'OMS.0064', '[dst_bucket] must not have more than 255 characters'],
      [{ src_region: '' }, 'OMS.0064', '[src_region] must not have fewer than 1 characters'],
      [{ description: long }, 'OMS.0064', '[description] must not have more than 255 characters'],
      [{ src_bucket: 'a\0b' }, 'OMS.0064', /NUL/],
      [{ src_region: '\ud800' }, 'OMS.0064', /surrogate/],
      ...['<', '>', '(', ')', '"', "'", '&'].map(
        (character) =>
          [
            { description: `a${character}` },
            'OMS.0078',
            `[description] must not have any of the characters < > ( ) " ' &`,
          ] as const,
      ),
    ] as const) {
      const payload = { ...minimalBody, ...change };
      const reply = await api.call('POST', 'sync-tasks', { payload });
      assert.equal(reply.statusCode, 400, JSON.stringify(change));
      const problem = reply.json<Body>();
      assert.equal(problem['error_code'], code, JSON.stringify(change));
      const said = (problem['error_detail'] ?? '').replace('request parameter ', '');
      if (typeof detail === 'string') assert.equal(said, detail);
      else assert.match(said, detail);
    }
    assert.equal(api.syncTasks.created.length, 0);
  });

  test('a query that breaks a rule is 400 and names the parameter', async () => {
    await using api = await openApi();
    const milliseconds = 'milliseconds since 1970, which have 13 digits; a time in seconds has 10';
    for (const [path, code, detail] of [
      ['sync-tasks?limit=0', 'OMS.0064', '[limit] must be at least 1'],
      ['sync-tasks?limit=101', 'OMS.0064', '[limit] must be at most 100'],
      ['sync-tasks?limit=ten', 'OMS.1002', '[limit] must be an integer'],
      ['sync-tasks?limit=1e1', 'OMS.1002', '[limit] must be an integer'],
      ['sync-tasks?offset=-1', 'OMS.0064', '[offset] must be at least 0'],
      ['sync-tasks?offset=10001', 'OMS.0064', '[offset] must be at most 10000'],
      ['sync-tasks?status=RUNNING', 'OMS.0064', '[status] must be one of SYNCHRONIZING, STOPPED'],
      ['sync-tasks/x', 'OMS.1004', '[query_time] is missing'],
      ['sync-tasks/x?query_time=today', 'OMS.1002', '[query_time] must be an integer'],
      [
        'sync-tasks/x?query_time=-1',
        'OMS.0064',
        `[query_time] must be at least 1000000000000: ${milliseconds}`,
      ],
      [
        `sync-tasks/x?query_time=${NOW / 1000}`,
        'OMS.0064',
        `[query_time] must be at least 1000000000000: ${milliseconds}`,
      ],
      ['sync-tasks?limit=1&limit=2', 'OMS.0064', '[limit] is given twice; send it once'],
      ['sync-tasks?limit=1&limit=1&limit=2', 'OMS.0064', '[limit] is given 3 times; send it once'],
      [`sync-tasks?limit=${'9'.repeat(400)}`, 'OMS.0064', '[limit] must be at most 100'],
      [`sync-tasks?offset=-${'9'.repeat(400)}`, 'OMS.0064', '[offset] must be at least 0'],
      [`sync-tasks?limit=${'9'.repeat(20)}`, 'OMS.0064', '[limit] must be at most 100'],
      ['sync-tasks/%00?query_time=1', 'OMS.0064', /NUL/],
      [`sync-tasks/${'x'.repeat(1025)}?query_time=${NOW}`, 'OMS.0064', /more than 1024 characters/],
    ] as const) {
      const reply = await api.call('GET', path);
      assert.equal(reply.statusCode, 400, path);
      const problem = reply.json<Body>();
      assert.equal(problem['error_code'], code, path);
      const said = (problem['error_detail'] ?? '').replace('request parameter ', '');
      if (typeof detail === 'string') assert.equal(said, detail);
      else assert.match(said, detail);
    }
  });

  test('a body that is not JSON is OMS.0067', async () => {
    await using api = await openApi();
    for (const [payload, type, status] of [
      ['{"src_ak": "source-se', 'application/json', 400],
      ['', 'application/json', undefined],
      [Buffer.of(0x22, 0xff, 0x22), 'application/json', 400],
      ['a=b', 'application/x-www-form-urlencoded', 400],
      ['<a/>', 'application/xml', 400],
      ['{}', 'not a type', 400],
    ] as const) {
      const headers = { 'content-type': type };
      const reply = await api.call('POST', 'sync-tasks', { payload, headers });
      const { error_code: code } = reply.json<Body>();
      if (status === undefined) {
        assert.deepEqual([reply.statusCode, code], [400, 'OMS.1004'], 'no body lacks its fields');
      } else {
        assert.deepEqual([reply.statusCode, code], [status, 'OMS.0067'], type);
      }
      assert.doesNotMatch(reply.body, /source-se/);
    }
    for (const [encoding, error] of [
      ['gzip', 'OMS.0067'],
      ['identity, br', 'OMS.0067'],
      ['Identity', 'OMS.1004'],
    ] as const) {
      const headers = { 'content-type': 'application/json', 'content-encoding': encoding };
      const reply = await api.call('POST', 'sync-tasks', { payload: '{}', headers });
      const { error_code: code, error_detail: detail = '' } = reply.json<Body>();
      assert.deepEqual([reply.statusCode, code], [400, error], encoding);
      if (code === 'OMS.0067') assert.match(detail, /without a Content-Encoding/);
    }
    // Valid JSON, but empty once `__proto__` and `constructor` are removed.
    const payload = '{"__proto__": {"src_ak": "a"}, "constructor": {"prototype": {}}}';
    const headers = { 'content-type': 'application/json' };
    const reply = await api.call('POST', 'sync-tasks', { payload, headers });
    assert.equal(reply.json<Body>()['error_code'], 'OMS.1004');
    for (const payload of ['[]', '5', '"text"']) {
      const headers = { 'content-type': 'application/json' };
      const reply = await api.call('POST', 'sync-tasks', { payload, headers });
      assert.equal(reply.json<Body>()['error_code'], 'OMS.1002');
    }
  });

  test('a body with more bytes than its call accepts is 413', async () => {
    await using api = await openApi();
    const payload = { ...minimalBody, more: 'x'.repeat(256 * 1024) };
    const reply = await api.call('POST', 'sync-tasks', { payload });
    assert.equal(reply.statusCode, 413);
    assert.equal(reply.json<Body>()['error_code'], 'APIGW.0201');
  });

  test('HEAD has the status and the head of GET, and no body', async () => {
    await using api = await openApi();
    for (const url of [
      ...['/v2', '/healthz', '/metrics', '/openapi.json', `/v2/${PROJECT}/sync-tasks`],
      ...['/iam/v1/users', '/v3/projects', `/v2/${PROJECT}/sync-tasks/none?query_time=${NOW}`],
    ]) {
      const headers = { 'x-auth-token': TOKEN };
      const got = await api.app.inject({ method: 'GET', url, headers });
      const head = await api.app.inject({ method: 'HEAD', url, headers });
      assert.deepEqual(
        [head.statusCode, head.headers['content-type'], head.body],
        [got.statusCode, got.headers['content-type'], ''],
        url,
      );
      assert.notEqual(got.body, '');
    }
    const { statusCode } = await api.app.inject({ method: 'HEAD', url: '/iam/v1/users' });
    assert.equal(statusCode, 401);
  });

  test('an unknown path, and a wrong method, are 404 with or without a credential', async () => {
    await using api = await openApi();
    for (const [method, url] of [
      ['GET', '/v3'],
      ['GET', `/v2/${PROJECT}/unknown`],
      ['POST', `/v2/${PROJECT}/unknown`],
      ['PUT', `/v2/${PROJECT}/sync-tasks`],
      ['POST', '/v2'],
    ] as const) {
      const reply = await api.app.inject(
        method === 'POST' ? { method, url, payload: '{broken' } : { method, url },
      );
      assert.equal(reply.statusCode, 404, `${method} ${url}`);
      const body = reply.json<Body>();
      assert.equal(body['error_code'], 'APIGW.0101');
      assert.equal(body['request_id'], reply.headers['x-request-id']);
    }
  });

  test('a path that is not a URL, or too long, has an error body, too', async () => {
    await using api = await openApi();
    for (const [url, status] of [
      [`/v2/${PROJECT}/sync-tasks/%zz`, 400],
      [`/v2/${PROJECT}/sync-tasks/${'x'.repeat(10_000)}`, 414],
    ] as const) {
      const reply = await api.call('GET', url);
      assert.equal(reply.statusCode, status);
      const body = reply.json<Body>();
      assert.equal(body['error_code'], 'APIGW.0201');
      assert.equal(body['request_id'], reply.headers['x-request-id']);
    }
  });

  test('bytes that are not HTTP, and heads that are too large, have an error body too', async () => {
    await using api = await openApi();
    const address = await api.app.listen({ port: 0, host: '127.0.0.1' });
    for (const [bytes, status] of [
      ['what is this\r\n\r\n', 400],
      [`GET / HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${'x'.repeat(33_000)}\r\n\r\n`, 431],
    ] as const) {
      const socket = connect(Number(new URL(address).port), '127.0.0.1').setEncoding('utf8');
      let answer = '';
      socket.on('data', (text: string) => {
        answer += text;
      });
      socket.write(bytes);
      await once(socket, 'close');
      assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer.slice(0, 80));
      assert.match(answer, /X-Request-Id: [0-9a-f]{32}\r\n/);
      assert.match(answer, /"error_code":"APIGW.0201"/);
    }
  });
});
