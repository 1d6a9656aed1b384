import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTestService, type TestService } from '../kit/service.ts';

/** The part of the cloud's identity API that clients use by themselves, against the whole service. */

const PASSWORD = 'correct horse battery staple';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const body: unknown = text === '' ? undefined : JSON.parse(text);
  return { status: response.status, headers: response.headers, body };
}

interface LogIn {
  readonly user?: object;
  readonly scope?: object;
  readonly methods?: readonly string[];
}

async function logIn({ url }: TestService, { user, scope, methods }: LogIn = {}): Promise<Answer> {
  const given = { name: 'ann', password: PASSWORD, domain: { name: 'any' }, ...user };
  const identity = { methods: methods ?? ['password'], password: { user: given } };
  const body = JSON.stringify({ auth: { identity, ...(scope !== undefined && { scope }) } });
  const headers = { 'content-type': 'application/json;charset=utf8' };
  return answerOf(
    await fetch(`${url}/v3/auth/tokens?nocatalog=true`, { method: 'POST', headers, body }),
  );
}

async function tokenOf(service: TestService): Promise<string> {
  const { headers } = await logIn(service);
  return headers.get('x-subject-token') ?? '';
}

async function get({ url }: TestService, path: string, token: string): Promise<Answer> {
  return answerOf(await fetch(`${url}${path}`, { headers: { 'x-auth-token': token } }));
}

function codeOf({ body }: Answer): string | undefined {
  return (body as { readonly error_code?: string } | undefined)?.error_code;
}

describe('a token for a password', () => {
  let service: TestService;
  let tasks: string;
  before(async () => {
    service = await startTestService({ works: false });
    tasks = `/v2/${service.projectId}/sync-tasks`;
    const { identity } = service.brigade;
    await identity.updateProject(service.projectId, { name: 'cn-north-4' });
    await identity.createProject({ name: 'elsewhere', id: undefined });
    await identity.createUser({ name: 'ann', password: PASSWORD });
    await identity.createUser({ name: 'rightless', password: PASSWORD });
    const { projectId } = service;
    const policy = 'OMS ReadOnlyAccess';
    await identity.createGrant({ user: 'ann', group: undefined, projectId, policy });
  });
  after(() => service[Symbol.asyncDispose]());

  test('is in a header, is valid for a day, and the body names the user and the project', async () => {
    const asked = Date.now();
    const { status, headers, body } = await logIn(service);
    assert.equal(status, 201);
    assert.match(headers.get('x-subject-token') ?? '', /^bb_[\w-]{43}$/);
    assert.equal(headers.get('cache-control'), 'no-store');
    const { token } = body as { token: Record<string, unknown> };
    const domain = { id: 'bucket-brigade', name: 'bucket-brigade' };
    const { issued_at: issued, expires_at: expires, user, ...rest } = token;
    assert.deepEqual(rest, {
      methods: ['password'],
      project: { id: service.projectId, name: 'cn-north-4', domain },
      roles: [],
      catalog: [],
    });
    const { id, ...named } = user as { id: string };
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.deepEqual(named, { name: 'ann', domain });
    for (const time of [issued, expires]) {
      assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    }
    assert.equal(Date.parse(String(expires)) - Date.parse(String(issued)), 24 * 3_600_000);
    assert.ok(Date.parse(String(issued)) >= asked);
  });

  test('lets its holder do what was granted, in that project, and nothing else', async () => {
    const token = await tokenOf(service);
    assert.equal((await get(service, tasks, token)).status, 200);
    const stop = await fetch(`${service.url}${tasks}/none/stop`, {
      ...{ method: 'POST', headers: { 'x-auth-token': token } },
    });
    assert.equal(stop.status, 403);
    const others = await get(service, '/v2/no-such-project/sync-tasks', token);
    assert.deepEqual([others.status, codeOf(others)], [403, 'OMS.0072']);
  });

  test('is for the project whose name or ID is given; without one, for the only project', async () => {
    const projectOf = ({ body }: Answer) =>
      (body as { token: { project: { id: string } } }).token.project.id;
    const user = { name: undefined, id: (await service.brigade.identity.listUsers())[0]?.id };
    for (const asked of [
      { scope: { project: { name: 'cn-north-4' } } },
      { scope: { project: { id: service.projectId } } },
      { scope: { project: { name: 'cn-north-4', domain: { name: 'any' } } } },
      {},
      { user },
    ]) {
      const answer = await logIn(service, asked);
      assert.equal(answer.status, 201);
      assert.equal(projectOf(answer), service.projectId);
    }
    for (const project of [{ name: 'elsewhere' }, { id: 'no-such-project' }]) {
      const answer = await logIn(service, { scope: { project } });
      assert.deepEqual([answer.status, codeOf(answer)], [401, 'APIGW.0301']);
    }
  });

  test('is not issued to a user without any rights', async () => {
    const answer = await logIn(service, { user: { name: 'rightless' } });
    assert.deepEqual([answer.status, codeOf(answer)], [401, 'APIGW.0301']);
    assert.match(JSON.stringify(answer.body), /no rights/);
  });

  test('is refused alike for a wrong name and a wrong password, and as slowly', async () => {
    const attempts = { name: { name: 'nobody' }, password: { password: 'wrong' } };
    const seconds = { name: [] as number[], password: [] as number[] };
    const answers = new Set<string>();
    for (let round = 0; round < 5; round++) {
      for (const kind of ['name', 'password'] as const) {
        const begun = performance.now();
        const answer = await logIn(service, { user: attempts[kind] });
        seconds[kind].push(performance.now() - begun);
        assert.equal(answer.headers.get('x-subject-token'), null);
        const { error_code: code, error_msg: message } = answer.body as Record<string, string>;
        answers.add(JSON.stringify([answer.status, code, message]));
      }
    }
    assert.equal(answers.size, 1, [...answers].join());
    assert.match([...answers].join(), /401.*APIGW\.0301/);
    const [name, password] = [Math.min(...seconds.name), Math.min(...seconds.password)];
    assert.ok(name > password / 3 && password > name / 3, `${name} ms, ${password} ms`);
  });

  test('is not issued to a user who is disabled or has no password', async () => {
    const { identity } = service.brigade;
    await identity.createUser({ name: 'machine', password: undefined });
    const { projectId } = service;
    const policy = 'OMS Administrator';
    await identity.createGrant({ user: 'machine', group: undefined, projectId, policy });
    assert.equal((await logIn(service, { user: { name: 'machine' } })).status, 401);
    const token = await tokenOf(service);
    assert.equal((await get(service, tasks, token)).status, 200);
    await identity.updateUser('ann', { enabled: false });
    assert.equal((await get(service, tasks, token)).status, 401);
    assert.equal((await logIn(service)).status, 401);
    await identity.updateUser('ann', { enabled: true });
    assert.equal((await logIn(service)).status, 201);
  });

  test('an invalid log-in request is refused, and the message says what to change', async () => {
    const totp = await logIn(service, { methods: ['totp'] });
    assert.deepEqual([totp.status, codeOf(totp)], [400, 'OMS.0064']);
    assert.match(JSON.stringify(totp.body), /auth\.identity\.methods.*password/);
    const nameless = await logIn(service, { user: { name: undefined } });
    assert.equal(nameless.status, 400);
    const numeric = await logIn(service, { user: { password: 5 } });
    assert.equal(numeric.status, 400);
    assert.match(JSON.stringify(numeric.body), /password/);
  });

  test('ends when it is deleted, and the first token does not', async () => {
    const token = await tokenOf(service);
    const end = (subject: string) =>
      fetch(`${service.url}/v3/auth/tokens`, {
        method: 'DELETE',
        headers: { 'x-auth-token': token, 'x-subject-token': subject },
      });
    assert.equal((await get(service, tasks, token)).status, 200);
    const first = await end(service.token);
    assert.equal(first.status, 400);
    assert.match(await first.text(), /first token.*BRIGADE_FIRST_TOKENS=false/);
    assert.equal((await end('never-was-one')).status, 404);
    assert.equal((await get(service, tasks, service.token)).status, 200);
    assert.equal((await end(token)).status, 204);
    const after = await get(service, tasks, token);
    assert.deepEqual([after.status, codeOf(after)], [401, 'APIGW.0301']);
    assert.equal((await end(token)).status, 401);
  });

  test('ends after its time', async () => {
    const token = await tokenOf(service);
    await service.database.query(
      `update tokens set expires_at = now() - interval '1 second' where user_id is not null`,
    );
    assert.equal((await get(service, tasks, token)).status, 401);
    assert.equal((await get(service, tasks, service.token)).status, 200);
  });
});

describe('where a client is', () => {
  let service: TestService;
  let token: string;
  before(async () => {
    service = await startTestService({ works: false });
    const { identity } = service.brigade;
    await identity.updateProject(service.projectId, { name: 'cn-north-4' });
    await identity.createProject({ name: 'elsewhere', id: undefined });
    await identity.createUser({ name: 'ann', password: PASSWORD });
    const { projectId } = service;
    const policy = 'OMS ReadOnlyAccess';
    await identity.createGrant({ user: 'ann', group: undefined, projectId, policy });
    token = await tokenOf(service);
  });
  after(() => service[Symbol.asyncDispose]());

  test('projects can be searched by their names, and only those in which the caller has rights are listed', async () => {
    for (const holder of [token, service.token]) {
      for (const [name, ids] of [
        ['?name=cn-north-4', [service.projectId]],
        ['', [service.projectId]],
        ['?name=elsewhere', []],
      ] as const) {
        const { status, body } = await get(service, `/v3/projects${name}`, holder);
        assert.equal(status, 200);
        const { projects } = body as { projects: { id: string }[] };
        assert.deepEqual(
          projects.map(({ id }) => id),
          ids,
          name,
        );
      }
    }
  });

  test('a project, a domain and a region have the fields that SDKs read', async () => {
    const links = (path: string) => ({ self: `${service.url}${path}`, next: null, previous: null });
    const common = { enabled: true, description: '' };
    const domain = 'bucket-brigade';
    const project = { id: service.projectId, name: 'cn-north-4' };
    assert.deepEqual((await get(service, '/v3/projects?name=cn-north-4', token)).body, {
      projects: [
        {
          ...{ ...project, ...common, domain_id: domain, parent_id: domain, is_domain: false },
          links: { self: `${service.url}/v3/projects/${service.projectId}` },
        },
      ],
      links: links('/v3/projects?name=cn-north-4'),
    });
    assert.deepEqual((await get(service, '/v3/auth/domains', token)).body, {
      domains: [
        {
          id: domain,
          name: domain,
          ...common,
          links: { self: `${service.url}/v3/domains/${domain}` },
        },
      ],
      links: links('/v3/auth/domains'),
    });
    const { regions } = (await get(service, '/v3/regions', token)).body as { regions: object[] };
    assert.deepEqual(regions.length, 1);
    assert.partialDeepStrictEqual(regions[0], {
      id: 'cn-north-4',
      locales: { 'en-us': 'cn-north-4' },
    });
  });

  test('projects, domains and regions are not listed without a credential', async () => {
    for (const path of ['/v3/projects', '/v3/auth/domains', '/v3/regions']) {
      assert.equal((await fetch(`${service.url}${path}`)).status, 401);
    }
  });
});

test('first tokens are rejected if they are switched off', async () => {
  await using service = await startTestService({ works: false });
  const path = `/v2/${service.projectId}/sync-tasks`;
  assert.equal((await get(service, path, service.token)).status, 200);
  await using off = await startTestService({
    ...{ works: false, beside: service, settings: { firstTokens: false } },
  });
  assert.equal((await get(off, path, service.token)).status, 401);
});
