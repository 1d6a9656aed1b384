import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { InjectOptions } from 'fastify';
import { startTestService, type TestService } from '../../../../test/kit/service.ts';

const statement = { Effect: 'Allow', Action: ['oms:synctask:list'] };
const policy = { Version: '5.0', Statement: [statement] };

describe('users and rights', () => {
  let service: TestService;
  before(async () => {
    service = await startTestService({ works: false });
  });
  after(() => service[Symbol.asyncDispose]());

  async function call(method: InjectOptions['method'] & string, path: string, payload?: object) {
    const headers = { 'x-auth-token': service.token };
    const url = `/iam/v1/${path}`;
    const reply = await service.api.inject({ method, url, headers, ...(payload && { payload }) });
    const body = reply.body === '' ? {} : reply.json<Record<string, unknown>>();
    const { error_detail: detail } = body;
    return { status: reply.statusCode, body, detail: typeof detail === 'string' ? detail : '' };
  }

  test('names have letters, digits and ._@ - only, in every place where one is made', async () => {
    for (const name of ['a', 'jane.doe@example.org', 'ops_1', 'Night Shift', '-', '9']) {
      assert.equal((await call('POST', 'users', { name })).status, 200, name);
      assert.equal((await call('POST', 'groups', { name })).status, 200, name);
      assert.equal((await call('POST', 'projects', { name })).status, 200, name);
      const { status } = await call('PUT', `policies/${encodeURIComponent(name)}`, policy);
      assert.equal(status, 200, name);
    }
    for (const name of ['a/b', ' a', 'a ', '中', 'a\nb', '<b>', "o'hara", '*', 'x'.repeat(65)]) {
      for (const what of ['users', 'groups', 'projects']) {
        const { status, body, detail } = await call('POST', what, { name });
        assert.deepEqual([status, body['error_code']], [400, 'OMS.0064'], name);
        assert.match(detail, /^request parameter \[name\] must/);
      }
      const { status } = await call('PUT', `policies/${encodeURIComponent(name)}`, policy);
      assert.equal(status, 400, name);
    }
    for (const id of ['a:b', 'a*', 'a/b', '']) {
      assert.equal((await call('POST', 'projects', { name: 'new', id })).status, 400, id);
    }
  });

  test('a name that is taken, and one that does not exist, are named in the error', async () => {
    for (const what of ['users', 'groups', 'projects']) {
      await call('POST', what, { name: 'taken' });
      const { status, body } = await call('POST', what, { name: 'taken' });
      assert.equal(status, 409);
      assert.match(String(body['error_msg']), /There is a \w+ taken already/);
    }
    for (const [method, path] of [
      ['DELETE', 'users/nobody'],
      ['DELETE', 'groups/nobody'],
      ['DELETE', 'policies/nobody'],
      ['DELETE', 'grants/nobody'],
      ['DELETE', 'access-keys/nobody'],
      ['PUT', 'groups/taken/members/nobody'],
    ] as const) {
      const { status, body } = await call(method, path);
      assert.equal(status, 404, path);
      assert.match(String(body['error_msg']), /There is no [\w ]+ nobody\./, path);
    }
  });

  test('a quota is -1 or a number in its range', async () => {
    await call('POST', 'projects', { name: 'quotas' });
    for (const [quotas, status] of [
      [{ event_keys_max: 0 }, 400],
      [{ event_keys_max: -2 }, 400],
      [{ event_keys_max: 10_001 }, 400],
      [{ event_keys_max: 1e300 }, 400],
      [{ event_keys_max: 1 }, 200],
      [{ event_keys_max: -1 }, 200],
      [{ tasks_max: -2 }, 400],
      [{ tasks_max: 1_000_001 }, 400],
      [{ tasks_max: 0 }, 200],
      [{ tasks_max: -1 }, 200],
    ] as const) {
      const reply = await call('POST', 'projects/quotas', quotas);
      assert.equal(reply.status, status, JSON.stringify(quotas));
    }
    const { detail } = await call('POST', 'projects/quotas', { event_keys_max: 0 });
    assert.match(detail, /\[event_keys_max\] must be -1, or from 1 to 10000/);
  });

  test('an ID takes precedence over a name: a user named like the ID of another is not mistaken for it', async () => {
    const { body: victim } = await call('POST', 'users', { name: 'victim' });
    await call('POST', 'users', { name: victim['id'] });
    await call('POST', `users/${String(victim['id'])}`, { enabled: false });
    const users = (await call('GET', 'users')).body['users'] as {
      name: string;
      enabled: boolean;
    }[];
    assert.equal(users.find(({ name }) => name === 'victim')?.enabled, false);
    assert.equal(users.find(({ name }) => name === victim['id'])?.enabled, true);
  });

  for (const [what, document, detail] of [
    [
      'a condition',
      { ...policy, Statement: [{ ...statement, Condition: {} }] },
      /\[Statement\[0\]\.Condition\] is not known here/,
    ],
    ['an unknown field', { ...policy, Owner: 'me' }, /\[Owner\] is not known here/],
    ['NotAction', { ...policy, Statement: [{ Effect: 'Deny', NotAction: ['*'] }] }, /Action/],
    [
      'another effect',
      { ...policy, Statement: [{ ...statement, Effect: 'Maybe' }] },
      /Statement\[0\]\.Effect\] must be one of Allow, Deny/,
    ],
    [
      'another version',
      { ...policy, Version: '2012-10-17' },
      /\[Version\] must be one of 1\.1, 5\.0/,
    ],
    ['no statement', { Version: '5.0', Statement: [] }, /\[Statement\]/],
    [
      'an action as text',
      { ...policy, Statement: [{ ...statement, Action: '*' }] },
      /Statement\[0\]\.Action\] must be an array/,
    ],
    [
      'no action',
      { ...policy, Statement: [{ ...statement, Action: [] }] },
      /Statement\[0\]\.Action\]/,
    ],
    [
      'an action that is none',
      { ...policy, Statement: [{ ...statement, Action: ['oms:synctask:lst'] }] },
      /Statement\[0\]\.Action\[0\]\] matches no action; the actions are oms:synctask:list/,
    ],
    [
      'a resource that is none',
      { ...policy, Statement: [{ ...statement, Resource: ['x'] }] },
      /Statement\[0\]\.Resource\[0\]\] matches no resource; resources are oms:local:\*:synctask:\*/,
    ],
    [
      'a NUL',
      { ...policy, Statement: [{ ...statement, Resource: ['*\0'] }] },
      /Statement\[0\]\.Resource\[0\]\] must match/,
    ],
  ] as const) {
    test(`a policy with ${what} is refused with what is wrong`, async () => {
      const reply = await call('PUT', 'policies/bad', document);
      assert.equal(reply.status, 400);
      assert.match(`${reply.detail} ${String(reply.body['error_code'])}`, detail);
      const { body } = await call('GET', 'policies');
      assert.doesNotMatch(JSON.stringify(body), /"bad"/);
    });
  }

  test('a null counts as an absent field at every depth', async () => {
    const document = { ...policy, Statement: [{ ...statement, Resource: null }] };
    assert.equal((await call('PUT', 'policies/nulls', document)).status, 200);
    const user = { name: 'nobody', id: null, password: 'x', domain: null };
    const identity = { methods: ['password'], password: { user } };
    const payload = { auth: { identity, scope: { project: null, domain: null } } };
    const reply = await service.api.inject({ method: 'POST', url: '/v3/auth/tokens', payload });
    assert.equal(reply.statusCode, 401);
    const deep = `{"Version":"5.0","x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
    const headers = { 'x-auth-token': service.token, 'content-type': 'application/json' };
    const url = '/iam/v1/policies/deep';
    const refused = await service.api.inject({ method: 'PUT', url, headers, payload: deep });
    assert.equal(refused.statusCode, 400);
  });

  test('a system role cannot be written, and a granted policy cannot be removed', async () => {
    const role = 'policies/OMS%20Administrator';
    assert.equal((await call('PUT', role, policy)).status, 409);
    assert.equal((await call('DELETE', role)).status, 409);
    await call('POST', 'users', { name: 'holder' });
    await call('PUT', 'policies/granted', policy);
    const grant = { user: 'holder', project: service.projectId, policy: 'granted' };
    const { body } = await call('POST', 'grants', grant);
    assert.equal((await call('DELETE', 'policies/granted')).status, 409);
    assert.equal((await call('POST', 'grants', grant)).status, 409);
    await call('DELETE', `grants/${String(body['id'])}`);
    assert.equal((await call('DELETE', 'policies/granted')).status, 200);
  });

  test('a grant has one holder: a user or a group', async () => {
    const grant = { project: service.projectId, policy: 'OMS Administrator' };
    await call('POST', 'groups', { name: 'both' });
    for (const holder of [{}, { user: 'holder', group: 'both' }]) {
      assert.equal((await call('POST', 'grants', { ...grant, ...holder })).status, 400);
    }
    assert.equal((await call('POST', 'grants', { ...grant, group: 'both' })).status, 200);
    for (const [field, value] of [
      ['policy', 'None'],
      ['project', 'none'],
      ['group', 'none'],
    ]) {
      const other = { ...grant, group: 'both', [field ?? '']: value };
      assert.equal((await call('POST', 'grants', other)).status, 404, field);
    }
  });

  test('a value that PostgreSQL cannot store is refused at every depth', async () => {
    for (const [name, id] of [
      ['a\0b', 'p'],
      ['a', 'p\0'],
    ]) {
      const user = { name, password: 'x' };
      const identity = { methods: ['password'], password: { user } };
      const payload = { auth: { identity, scope: { project: { id } } } };
      const reply = await service.api.inject({ method: 'POST', url: '/v3/auth/tokens', payload });
      assert.equal(reply.statusCode, 400);
    }
    const { status } = await call('GET', `audit?before=${'9'.repeat(19)}`);
    assert.equal(status, 400);
  });

  test('a password has 12 to 1024 characters, and no answer contains it', async () => {
    for (const password of ['', 'eleven-char', 'x'.repeat(1025)]) {
      const { status, detail } = await call('POST', 'users', { name: 'weak', password });
      assert.equal(status, 400);
      assert.match(detail, /\[password\] must not have (fewer than 12|more than 1024) characters/);
    }
    await call('POST', 'users', { name: 'strong', password: 'twelve-chars' });
    assert.equal((await call('POST', 'users/strong', { password: 'short' })).status, 400);
    const { body } = await call('GET', 'users');
    assert.doesNotMatch(JSON.stringify(body), /twelve-chars|scrypt/);
    const { rows } = await service.database.query<{ hash: string }>(
      `select password_hash as hash from users where name = 'strong'`,
    );
    assert.match(rows[0]?.hash ?? '', /^scrypt\$32768\$8\$1\$/);
  });
});
