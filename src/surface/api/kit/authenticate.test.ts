import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { actions } from '../../../platform/model/policy.ts';
import { minimalBody, openApi, PROJECT, TOKEN } from '../../../../test/kit/api-in-memory.ts';

const url = `/v2/${PROJECT}/sync-tasks`;

describe('credentials', () => {
  test('without a known one, or with a signature, a request is 401', async () => {
    await using api = await openApi();
    for (const [headers, reason] of [
      [{}, /Unauthorized/],
      [{ 'x-auth-token': '' }, /Unauthorized/],
      [{ 'x-auth-token': 'some-other-token' }, /not known/],
      [{ 'x-auth-token': 'x'.repeat(16_385) }, /16384 characters at most/],
      [{ authorization: 'SDK-HMAC-SHA256 Access=AK, SignedHeaders=host' }, /lacks Signature/],
    ] as const) {
      const reply = await api.app.inject({ url, headers });
      assert.equal(reply.statusCode, 401);
      const body = reply.json<Record<string, string>>();
      assert.deepEqual(Object.keys(body), ['error_code', 'error_msg', 'request_id']);
      assert.equal(body['error_code'], 'APIGW.0301');
      assert.match(body['error_msg'] ?? '', reason);
      assert.equal(body['request_id'], reply.headers['x-request-id']);
      assert.doesNotMatch(reply.body, /some-other-token/);
    }
  });

  test('of another project a credential is 403, whether or not that project exists', async () => {
    await using api = await openApi();
    for (const project of ['f697f813554a4f05bac882a183b20878', '%E4%B8%AD', 'x'.repeat(1024)]) {
      const reply = await api.call('GET', `/v2/${project}/sync-tasks`);
      assert.equal(reply.statusCode, 403);
      assert.equal(reply.json<Record<string, string>>()['error_code'], 'OMS.0072');
    }
  });

  test('the credential is looked at before the body', async () => {
    await using api = await openApi();
    const headers = { 'content-type': 'application/json' };
    const reply = await api.app.inject({ method: 'POST', url, payload: '{broken', headers });
    assert.equal(reply.statusCode, 401);
  });

  test('every route has an action, and rejects callers without a credential', async () => {
    await using api = await openApi();
    const { paths } = (await api.app.inject('/openapi.json')).json<{
      paths: Record<string, Record<string, { 'security'?: unknown[]; 'x-action': string }>>;
    }>();
    const known = new Set<string>(actions);
    const used = new Set<string>();
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const action = operation['x-action'];
        used.add(action);
        const [route, open] = [`${method} ${path}`, action === 'public'];
        assert.equal(open, operation.security?.length === 0, route);
        assert.ok(open || action === 'anybody' || known.has(action), route);
        assert.equal(/^(?:oms|audit):/.test(action), path.includes('{project_id}'), route);
        assert.equal(action.startsWith('iam:'), /^\/(?:iam|operations)\//.test(path), route);
        const reads = /:(?:list|get|read|statistics)$/.test(action);
        assert.ok(!known.has(action) || reads === (method === 'get'), route);
        const url = path.replaceAll(/[{}]/g, '');
        const reply = await api.app.inject({ method: method as 'GET', url });
        assert.equal(reply.statusCode === 401, !open, `${route}: ${reply.statusCode}`);
      }
    }
    assert.deepEqual(
      [...known].filter((action) => !used.has(action)),
      [],
    );
  });

  test('a route without an action cannot be built', async () => {
    await using api = await openApi();
    assert.throws(() => api.app.get('/open', () => 'secret'), /does not declare its action/);
  });
});

describe('secrets of callers', () => {
  test('neither answers nor logs contain tokens, keys or bodies', async () => {
    await using api = await openApi();
    const secret = 'SECRET-THAT-NOBODY-MAY-SEE';
    for (const change of [
      {},
      { src_sk: secret.repeat(100) },
      { src_sk: { nested: secret } },
      { src_ak: [secret] },
      { consistency_check: secret },
      { description: `<${secret}` },
      { unknown_key: secret },
      { src_crypto_type: 'KMS' },
    ]) {
      const payload = { ...minimalBody, src_sk: secret, dst_sk: secret, ...change };
      const reply = await api.call('POST', 'sync-tasks', { payload });
      assert.ok(!reply.body.includes(secret), reply.body);
    }
    await api.call('POST', 'sync-tasks', {
      payload: `{"src_sk": "${secret}`,
      headers: { 'content-type': 'application/json' },
    });
    api.syncTasks.failure = new Error('something else');
    await api.call('GET', `sync-tasks?${secret}=${secret}`);
    await api.app.inject({ url, headers: { 'x-auth-token': secret } });
    await api.call('GET', `/no/such/path?${secret}`);
    assert.ok(!api.log().includes(secret), 'a secret in the log');
    assert.ok(!api.log().includes(TOKEN), 'the token in the log');
  });
});
