import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { NotReady } from '../../domain/tasks/sync/sync-task-service.ts';
import { minimalBody, openApi, PROJECT } from '../../../test/kit/api-in-memory.ts';

describe('every answer', () => {
  test('has an X-Request-Id of its own; one of our form is kept, no other', async () => {
    await using api = await openApi();
    const idFor = async (given?: string) => {
      const headers = given === undefined ? {} : { 'x-request-id': given };
      return (await api.call('GET', 'sync-tasks', { headers })).headers['x-request-id'];
    };
    const ours = await idFor();
    assert.match(String(ours), /^[0-9a-f]{32}$/);
    assert.notEqual(await idFor(), ours);
    assert.equal(
      await idFor('0123456789abcdef0123456789abcdef'),
      '0123456789abcdef0123456789abcdef',
    );
    assert.match(String(await idFor('<script>alert(1)</script>')), /^[0-9a-f]{32}$/);
  });

  test('is a line in the log and a time in the metrics', async () => {
    await using api = await openApi();
    const id = await api.createTask();
    await api.call('POST', `sync-tasks/${id}/events`, { payload: { object_keys: ['a-key'] } });
    await api.call('GET', '/nowhere');
    assert.match(
      api.log(),
      /"event":"api.answered","method":"POST","route":"\/v2\/:project_id\/sync-tasks\/:sync_task_id\/events","status":200,"ms":/,
    );
    assert.doesNotMatch(api.log(), /a-key/);
    const text = (await api.call('GET', '/metrics')).body;
    assert.match(
      text,
      /brigade_api_request_duration_seconds_count\{route="\/v2\/:project_id\/sync-tasks\/:sync_task_id\/events",method="POST",status="200"\} 1/,
    );
    assert.match(text, /\{route="unknown",method="GET",status="404"\} 1/);
    assert.doesNotMatch(text, new RegExp(PROJECT));
  });

  test('that refuses has its reason in the log: the code, the name, and the parameter', async () => {
    await using api = await openApi();
    for (const [path, refusal] of [
      [
        'sync-tasks?limit=0',
        {
          errorCode: 'OMS.0064',
          problem: 'invalid-parameter',
          detail: /^request parameter \[limit\]/,
        },
      ],
      ['/nowhere', { errorCode: 'APIGW.0101', problem: 'no-such-route', detail: /^no GET/ }],
      ['sync-tasks/x?query_time=1700000000000', { errorCode: 'OMS.1009', problem: 'unknown-task' }],
    ] as const) {
      await api.call('GET', path);
      const line = JSON.parse(api.log().trimEnd().split('\n').at(-1) ?? '') as typeof refusal;
      assert.equal(line.errorCode, refusal.errorCode);
      assert.equal(line.problem, refusal.problem);
      if ('detail' in refusal) assert.match(String(Reflect.get(line, 'detail')), refusal.detail);
      else assert.ok(!('detail' in line));
    }
  });

  test('is waited for as long as the documents say, by slow clients too', async () => {
    await using api = await openApi();
    const { headersTimeout, requestTimeout, keepAliveTimeout, timeout } = api.app.server;
    assert.deepEqual(
      [headersTimeout, requestTimeout, keepAliveTimeout, timeout],
      [30_000, 60_000, 75_000, 120_000],
    );
  });

  test('has safe headers', async () => {
    await using api = await openApi();
    const { headers } = await api.call('GET', 'sync-tasks');
    assert.equal(headers['content-type'], 'application/json; charset=utf-8');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['content-security-policy'], "default-src 'none'");
  });
});

describe('operations', () => {
  test('is always live, and ready when the check succeeds; the log has each reason once', async () => {
    await using api = await openApi();
    assert.deepEqual((await api.app.inject('/healthz')).json(), { status: 'ok' });
    assert.deepEqual((await api.app.inject('/readyz')).json(), { status: 'ready' });
    api.health.ready = () => Promise.reject(new Error('db-7 is away'));
    const reply = await api.app.inject('/readyz');
    assert.equal(reply.statusCode, 503);
    const reason = 'The check of readiness failed.';
    assert.deepEqual(reply.json(), { status: 'not ready', reason });
    assert.match(api.log(), /"event":"api.not-ready".*db-7 is away/);
    assert.equal((await api.app.inject({ method: 'HEAD', url: '/healthz' })).statusCode, 200);
    assert.equal((await api.app.inject({ method: 'HEAD', url: '/readyz' })).statusCode, 503);
    assert.equal((await api.app.inject({ method: 'HEAD', url: '/openapi.json' })).statusCode, 200);
    assert.equal(api.log().split('api.not-ready').length - 1, 1);
    api.health.ready = () => Promise.reject(new NotReady('The database is read-only.'));
    assert.deepEqual((await api.app.inject('/readyz')).json(), {
      ...{ status: 'not ready', reason: 'The database is read-only.' },
    });
    assert.equal(api.log().split('api.not-ready').length - 1, 2);
    api.health.ready = () => Promise.resolve();
    assert.equal((await api.app.inject('/readyz')).statusCode, 200);
    assert.match(api.log(), /"event":"api.ready"/);
  });

  test('more routes can be added, such as those of a console', async () => {
    await using api = await openApi();
    api.app.get('/console', { config: { action: 'public' } }, () => 'here');
    assert.equal((await api.app.inject('/console')).body, 'here');
  });

  test('lists its versions', async () => {
    await using api = await openApi();
    const v2 = {
      id: 'v2',
      links: [{ rel: 'self', href: 'http://brigade.example:8080/v2/' }],
      status: 'CURRENT',
      updated: '2026-06-30T00:00:00Z',
    };
    const headers = { host: 'brigade.example:8080' };
    assert.deepEqual((await api.app.inject({ url: '/', headers })).json(), { versions: [v2] });
    assert.deepEqual((await api.app.inject({ url: '/v2', headers })).json(), v2);
    assert.deepEqual((await api.app.inject({ url: '/v2/', headers })).json(), v2);
  });
});

describe('for any request', () => {
  const paths = [
    '',
    '/x',
    '/x/start',
    '/x/stop',
    '/x/events',
    '/x/statistics',
    '/x/objects',
    '/x/retry-failed',
  ];
  const names = [...Object.keys(minimalBody), 'object_keys', 'source_cdn', 'prefix', 'description'];
  const body = fc.oneof(
    fc.json(),
    fc.dictionary(fc.constantFrom(...names), fc.jsonValue()).map((value) => JSON.stringify(value)),
    fc.string({ unit: 'binary' }),
  );
  const query = fc.dictionary(
    fc.constantFrom('limit', 'offset', 'status', 'query_time', 'data_type', 'cursor', 'prefix'),
    fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.bigInt().map(String),
      fc.double().map(String),
      fc.constantFrom('SIZE,SKIP', '0', 'a,b'),
    ),
  );

  test('the answer is never a 5xx, and an error always has a code', async () => {
    await using api = await openApi();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET' as const, 'POST' as const, 'DELETE' as const),
        fc.constantFrom(...paths),
        query,
        body,
        async (method, path, parameters, payload) => {
          const search = new URLSearchParams(parameters).toString();
          const reply = await api.call(method, `sync-tasks${path}?${search}`, {
            headers: { 'content-type': 'application/json' },
            ...(method === 'POST' ? { payload } : {}),
          });
          assert.ok(reply.statusCode < 500, reply.body);
          if (reply.statusCode >= 400) {
            assert.match(
              reply.json<Record<string, string>>()['error_code'] ?? '',
              /^(OMS|APIGW)\./,
            );
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
