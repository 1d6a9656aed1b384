import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { InjectOptions } from 'fastify';
import { startTestService, type TestService } from '../../../../test/kit/service.ts';
import { until } from '../../../../test/kit/until.ts';
import type { AuditRow } from '../../../domain/access/audit-table.ts';
import { DatabaseAudit } from '../../../domain/access/audit.ts';

const PASSWORD = 'a-secret-PASSWORD-nobody-may-see';
const taskBody = {
  ...{ src_cloud_type: 'AWS', src_region: 'r', src_bucket: 'source', dst_region: 'r' },
  ...{ dst_cloud_type: 'AWS', dst_bucket: 'target', src_endpoint: 'http://127.0.0.1:1' },
  ...{ dst_endpoint: 'http://127.0.0.1:2', src_ak: 'ak-SECRET', src_sk: 'sk-SECRET' },
  ...{ dst_ak: 'ak-SECRET', dst_sk: 'sk-SECRET' },
};
const policy = { Version: '5.0', Statement: [{ Effect: 'Allow', Action: ['oms:synctask:list'] }] };

interface Call {
  readonly token?: string;
  readonly payload?: object;
  readonly headers?: Record<string, string>;
}

describe('the audit', () => {
  let service: TestService;
  before(async () => {
    service = await startTestService({ works: false });
  });
  after(() => service[Symbol.asyncDispose]());

  async function call(method: InjectOptions['method'] & string, path: string, given: Call = {}) {
    const { token = service.token, payload, headers } = given;
    const url = path.startsWith('/') ? path : `/v2/${service.projectId}/${path}`;
    const reply = await service.api.inject({
      ...{ method, url, headers: { 'x-auth-token': token, ...headers } },
      ...(payload && { payload }),
    });
    return {
      status: reply.statusCode,
      requestId: reply.headers['x-request-id'],
      headers: reply.headers,
      body: reply.body === '' ? {} : reply.json<Record<string, unknown>>(),
    };
  }

  /** Writes down what is gathered, without the wait. */
  async function gathered(): Promise<void> {
    const { audit } = service.brigade;
    assert.ok(audit instanceof DatabaseAudit);
    await audit[Symbol.asyncDispose]();
  }

  async function newest(): Promise<AuditRow> {
    const [row] = await service.brigade.audit.list(undefined, { limit: 1, before: undefined });
    assert.ok(row !== undefined);
    return row;
  }

  const count = async () => {
    const sql = 'select count(*)::int as n from audit';
    return (await service.database.query<{ n: number }>(sql)).rows[0]?.n ?? 0;
  };

  /** What was done is written down when its answer comes. */
  async function audited(
    operation: string,
    resource: string | RegExp | undefined,
    reply: Awaited<ReturnType<typeof call>>,
  ): Promise<void> {
    const row = await newest();
    assert.equal(row.operation, operation);
    if (resource instanceof RegExp) assert.match(row.resource ?? '', resource);
    else assert.equal(row.resource, resource);
    assert.equal(row.status, reply.status);
    assert.equal(row.requestId, reply.requestId);
    assert.equal(row.errorCode, reply.body['error_code']);
    assert.equal(row.actor, 'first token');
    assert.equal(row.actorKind, 'first-token');
    assert.equal(row.address, '127.0.0.1');
    assert.equal(row.projectId, service.projectId);
    assert.equal(row.requests, 1);
    assert.ok(Math.abs(row.at - Date.now()) < 60_000);
  }

  test('has every call that changes a task', async () => {
    const made = await call('POST', 'sync-tasks', { payload: taskBody });
    const id = String(made.body['sync_task_id']);
    await audited('CreateSyncTask', id, made);
    const path = `sync-tasks/${id}`;
    await audited('StopSyncTask', id, await call('POST', `${path}/stop`));
    const again = await call('POST', `${path}/stop`);
    assert.equal(again.body['error_code'], 'OMS.0066');
    await gathered();
    await audited('StopSyncTask', id, again);
    await audited('StartSyncTask', id, await call('POST', `${path}/start`));
    await audited('RetryFailedObjects', id, await call('POST', `${path}/retry-failed`));
    const running = await call('DELETE', path);
    await gathered();
    await audited('DeleteSyncTask', id, running);
    await call('POST', `${path}/stop`);
    await audited('DeleteSyncTask', id, await call('DELETE', path));
    const bad = await call('POST', 'sync-tasks', { payload: { ...taskBody, src_region: 5 } });
    assert.equal(bad.status, 400);
    await gathered();
    await audited('CreateSyncTask', undefined, bad);
  });

  test('has every call that changes users and rights', async () => {
    const iam = '/iam/v1';
    const change = async (
      operation: string,
      resource: string | RegExp,
      [method, path, payload]: readonly [InjectOptions['method'] & string, string, object?],
    ) => {
      const reply = await call(method, `${iam}/${path}`, { ...(payload && { payload }) });
      assert.equal(reply.status, 200, operation);
      await audited(operation, resource, reply);
      return reply.body;
    };
    await change('CreateIamProject', /^[0-9a-f]{32}: audited$/, [
      ...['POST', 'projects', { name: 'audited' }],
    ] as never);
    const quota = ['POST', 'projects/audited', { tasks_max: 3, note: PASSWORD }] as const;
    await change('UpdateIamProject', 'audited: {"tasks_max":3}', quota);
    const login = { name: 'jane', password: PASSWORD };
    await change('CreateIamUser', 'jane', ['POST', 'users', login]);
    await change('CreateIamGroup', 'ops', ['POST', 'groups', { name: 'ops' }]);
    await change('AddIamMember', 'ops/jane', ['PUT', 'groups/ops/members/jane']);
    await change('RemoveIamMember', 'ops/jane', ['DELETE', 'groups/ops/members/jane']);
    await change('PutIamPolicy', 'readers', ['PUT', 'policies/readers', policy]);
    const grant = { user: 'jane', project: 'audited', policy: 'readers' };
    const words = /^[0-9a-f]{32}: readers in [0-9a-f]{32} to user jane$/;
    const { id } = await change('CreateIamGrant', words, ['POST', 'grants', grant]);
    await change('DeleteIamGrant', words, ['DELETE', `grants/${String(id)}`]);
    const made = await change('CreateIamAccessKey', /^[0-9A-F]{20} of jane$/, [
      ...['POST', 'access-keys', { user: 'jane' }],
    ] as never);
    const key = String(made['id']);
    const off = { enabled: false };
    await change('UpdateIamAccessKey', `${key}: disabled`, ['POST', `access-keys/${key}`, off]);
    await change('DeleteIamAccessKey', key, ['DELETE', `access-keys/${key}`]);
    const both = { enabled: false, password: PASSWORD };
    await change('UpdateIamUser', 'jane: disabled, password', ['POST', 'users/jane', both]);
    await change('DeleteIamPolicy', 'readers', ['DELETE', 'policies/readers']);
    await change('DeleteIamGroup', 'ops', ['DELETE', 'groups/ops']);
    await change('DeleteIamUser', 'jane', ['DELETE', 'users/jane']);
  });

  test('names a user that logged in with a password, and its changes', async () => {
    const { identity } = service.brigade;
    await identity.createUser({ name: 'joe', password: PASSWORD });
    const { projectId } = service;
    await identity.createGrant({
      ...{ user: 'joe', group: undefined, projectId, policy: 'OMS Administrator' },
    });
    const user = { name: 'joe', password: PASSWORD };
    const auth = { identity: { methods: ['password'], password: { user } } };
    const reply = await call('POST', '/v3/auth/tokens', { payload: { auth }, token: '' });
    assert.equal(reply.status, 201);
    const { operation, actor, actorKind, status } = await newest();
    assert.deepEqual(
      [operation, actor, actorKind, status],
      ['CreateToken', 'joe', 'password', 201],
    );
    const token = String(reply.headers['x-subject-token']);
    const id = '00000000-0000-4000-8000-000000000000';
    await call('DELETE', `sync-tasks/${id}`, { token });
    await gathered();
    const done = await newest();
    assert.deepEqual([done.actor, done.actorKind, done.resource], ['joe', 'token', id]);
    assert.deepEqual([done.status, done.errorCode], [404, 'OMS.1009']);
    await call('DELETE', '/v3/auth/tokens', { token, headers: { 'x-subject-token': token } });
    assert.equal((await newest()).operation, 'RevokeToken');
  });

  test('gathers events and refusals of some seconds, and has no calls that only read', async () => {
    await gathered();
    const id = String(
      (await call('POST', 'sync-tasks', { payload: taskBody })).body['sync_task_id'],
    );
    const from = await count();
    for (let i = 0; i < 20; i++) {
      await call('POST', `sync-tasks/${id}/events`, { payload: { object_keys: ['a', 'b'] } });
      await call('GET', `/v2/of-another/sync-tasks`);
      await call('DELETE', `/v2/of-another/sync-tasks/${id}`);
      await call('GET', 'sync-tasks');
      await call('GET', '/iam/v1/users');
      await call('GET', '/v3/projects');
    }
    assert.equal(await count(), from);
    await until('they are written down', async () => (await count()) > from, 10);
    const rows = await service.brigade.audit.list(undefined, { limit: 3, before: undefined });
    assert.equal(await count(), from + 3);
    assert.deepEqual(
      rows
        .map(({ operation, projectId, resource, status, errorCode, requests }) =>
          [operation, projectId, resource, status, errorCode, requests].join(' '),
        )
        .sort(),
      [
        `CreateSyncEvents ${service.projectId} ${id} 200  20`,
        `DeleteSyncTask of-another ${id} 403 OMS.0072 20`,
        `ListSyncTasks of-another  403 OMS.0072 20`,
      ].sort(),
    );
  });

  test('has what was refused with a NUL in its path, and all that was refused with it', async () => {
    const { identity } = service.brigade;
    const { projectId } = service;
    const user = 'reader';
    await identity.createUser({ name: user, password: PASSWORD });
    const policy = 'OMS ReadOnlyAccess';
    await identity.createGrant({ user, group: undefined, projectId, policy });
    const { token } = await identity.logIn({ user, password: PASSWORD, project: undefined });
    await gathered();
    const from = await count();
    await call('POST', 'sync-tasks', { token, payload: taskBody });
    for (const path of ['sync-tasks/%00', `sync-tasks/${'x'.repeat(255)}%F0%9F%98%80`]) {
      const { status } = await call('DELETE', path, { token });
      assert.ok(status === 400 || status === 403);
    }
    await call('GET', '/iam/v1/users', { token });
    await gathered();
    assert.equal(await count(), from + 4);
    const rows = await service.brigade.audit.list(undefined, { limit: 4, before: undefined });
    assert.ok(rows.every(({ actor }) => actor === 'reader'));
    assert.deepEqual(rows.map(({ operation, status }) => `${operation} ${status}`).sort(), [
      'CreateSyncTask 403',
      'DeleteSyncTask 400',
      'DeleteSyncTask 403',
      'ListIamUsers 403',
    ]);
  });

  test('comes page by page, in the project and of all', async () => {
    const { projectId } = service;
    const seen: number[] = [];
    let query = 'limit=7';
    for (;;) {
      const { body } = await call('GET', `audit?${query}`);
      const entries = body['entries'] as { id: number; project_id: string }[];
      assert.ok(entries.every(({ project_id: project }) => project === projectId));
      seen.push(...entries.map(({ id }) => id));
      if (body['next_before'] === null) break;
      query = `limit=7&before=${JSON.stringify(body['next_before'])}`;
    }
    const sql = 'select id::int from audit where project_id = $1 order by id desc';
    const { rows } = await service.database.query<{ id: number }>(sql, [projectId]);
    assert.deepEqual(
      seen,
      rows.map(({ id }) => id),
    );
    const { body } = await call('GET', '/iam/v1/audit?limit=1000');
    assert.equal((body['entries'] as unknown[]).length, await count());
    assert.ok((await count()) > seen.length);
    assert.equal((await call('GET', '/v2/of-another/audit')).status, 403);
  });

  test('is append-only', async () => {
    for (const sql of [
      `update audit set actor = 'nobody'`,
      'delete from audit',
      'truncate audit',
      `insert into audit (id, actor, actor_kind, address, operation, status, request_id) overriding system value
       select id, 'x', 'x', 'x', 'x', 1, 'x' from audit on conflict (id) do update set actor = 'nobody'`,
    ]) {
      await assert.rejects(service.database.query(sql), /append-only/, sql);
    }
    const sql = `select count(*)::int as n from audit where actor in ('nobody', 'x')`;
    assert.equal((await service.database.query<{ n: number }>(sql)).rows[0]?.n, 0);
  });

  test('contains no secret', async () => {
    const { rows } = await service.database.query('select audit::text as line from audit');
    const all = JSON.stringify(rows);
    assert.ok(all.includes('jane') && !all.includes('SECRET') && !all.includes(PASSWORD));
    assert.ok(!all.includes(service.token) && !/scrypt/.test(all));
  });
});
