import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AUDIENCE, type OidcIssuer, startOidcIssuer } from '../kit/oidc-issuer.ts';
import { forkOidcIssuer } from '../kit/oidc-issuer-process.ts';
import { startTestService, type TestService } from '../kit/service.ts';

/** Tokens of an issuer, against the whole service. */

describe('single sign-on', () => {
  let issuer: OidcIssuer;
  let service: TestService;
  let tasks: string;
  before(async () => {
    issuer = await startOidcIssuer();
    service = await startTestService({
      works: false,
      issuers: [
        {
          ...{ issuer: issuer.issuer, audience: AUDIENCE, userClaim: 'email' },
          ...{ groupsClaim: 'groups', projectClaim: 'project' },
        },
      ],
    });
    const { identity } = service.brigade;
    const { projectId } = service;
    await identity.createGroup('watchers');
    const policy = 'OMS ReadOnlyAccess';
    await identity.createGrant({ user: undefined, group: 'watchers', projectId, policy });
    tasks = `/v2/${projectId}/sync-tasks`;
  });
  after(async () => {
    await service[Symbol.asyncDispose]();
    await issuer[Symbol.asyncDispose]();
  });

  const ann = { email: 'ann@corp.example', groups: ['watchers', 'unknown here'] };

  async function call(method: string, path: string, token: string): Promise<Response> {
    return await fetch(`${service.url}${path}`, { method, headers: { 'x-auth-token': token } });
  }

  test('allows what was granted to the groups of the caller', async () => {
    const token = await issuer.sign(ann);
    assert.equal((await call('GET', tasks, token)).status, 200);
    const stop = await call('POST', `${tasks}/none/stop`, token);
    assert.equal(stop.status, 403);
    const { projects } = (await (await call('GET', '/v3/projects', token)).json()) as {
      projects: { id: string }[];
    };
    assert.deepEqual(
      projects.map(({ id }) => id),
      [service.projectId],
    );
  });

  test('allows nothing without such a group, or for another project', async () => {
    for (const claims of [
      { ...ann, groups: ['unknown here'] },
      { ...ann, groups: undefined },
      { ...ann, project: 'another' },
    ]) {
      assert.equal((await call('GET', tasks, await issuer.sign(claims))).status, 403);
    }
    const mine = await issuer.sign({ ...ann, project: service.projectId });
    assert.equal((await call('GET', tasks, mine)).status, 200);
  });

  test('reports what is wrong with a token, but not the token', async () => {
    const token = await issuer.sign({ ...ann, exp: 1 });
    const response = await call('GET', tasks, token);
    assert.equal(response.status, 401);
    const text = await response.text();
    assert.match(text, /APIGW\.0301.*decrypt token fail; the JWT .* has expired; get another/);
    assert.ok(!text.includes(token.split('.')[1] ?? ''));
  });

  test('in a separate process accepts existing users by their names, and groups with its prefix', async () => {
    await using apart = await forkOidcIssuer();
    const trusted = {
      ...{ issuer: apart.issuer, audience: AUDIENCE, userClaim: 'email', mapsUsers: true },
      ...{ groupsClaim: 'groups', groupsPrefix: 'corp.' },
    };
    await using other = await startTestService({ works: false, issuers: [trusted] });
    const { projectId, url } = other;
    const { identity } = other.brigade;
    const policy = 'OMS ReadOnlyAccess';
    const { id } = await identity.createUser({ name: 'ann@corp.example', password: undefined });
    await identity.createGrant({ user: id, group: undefined, projectId, policy });
    for (const name of ['ops', 'corp.ops']) await identity.createGroup(name);
    await identity.createGrant({ user: undefined, group: 'corp.ops', projectId, policy });
    const status = async (claims: Record<string, unknown>) => {
      const headers = { 'x-auth-token': await apart.sign(claims) };
      return (await fetch(`${url}/v2/${projectId}/sync-tasks`, { headers })).status;
    };
    assert.equal(await status({ email: 'ann@corp.example' }), 200);
    assert.equal(await status({ email: 'ben@corp.example' }), 403);
    assert.equal(await status({ email: id }), 403, 'the ID is no name');
    assert.equal(await status({ email: 'ben@corp.example', groups: ['ops'] }), 200);
    assert.equal(await status({ email: 'ben@corp.example', groups: ['corp.ops'] }), 403);
    await identity.updateUser(id, { enabled: false });
    assert.equal(await status({ email: 'ann@corp.example' }), 401);
    assert.equal(await status({ email: 'ann\0@corp.example' }), 401);
  });

  test('answers 503 while the issuer does not provide its keys', async () => {
    await using silent = await startOidcIssuer();
    silent.down = true;
    const trusted = { issuer: silent.issuer, audience: AUDIENCE, userClaim: 'sub' };
    await using other = await startTestService({ works: false, issuers: [trusted] });
    const headers = { 'x-auth-token': await silent.sign() };
    const response = await fetch(`${other.url}/v2/${other.projectId}/sync-tasks`, { headers });
    assert.equal(response.status, 503);
    assert.ok(Number(response.headers.get('retry-after')) > 0);
    assert.deepEqual(await other.client.call('GET', '/sync-tasks'), { tasks: [], count: 0 });
  });
});
