import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { minimalBody, openApi } from '../../../test/kit/api-in-memory.ts';
import { headOf, rawConnection } from '../../../test/kit/raw-connection.ts';
import { startTestService, type TestService } from '../../../test/kit/service.ts';
import { type AccessKey, signedHeaders } from '../../../test/kit/sign-request.ts';
import { until } from '../../../test/kit/until.ts';

/** What is sent. Absent: what is right. */
interface Faults {
  readonly path?: string;
  readonly token?: string;
  readonly key?: AccessKey;
  readonly at?: number;
  readonly type?: string;
  readonly length?: number;
  readonly body?: string;
}

/** A request with all the faults from here on is refused because of the first: `status`, and a text of the answer. */
interface Step {
  readonly what: string;
  readonly faults: Faults;
  readonly refused: readonly [status: number, reason: RegExp];
}

const good = JSON.stringify(minimalBody);
const HOUR_MS = 3_600_000;

/** Steps that a body is needed for. Each body has the faults of those after it too. */
const bodySteps: readonly Step[] = [
  {
    what: 'its depth',
    faults: { body: `${'['.repeat(33)}x` },
    refused: [400, /nested deeper than 32 levels/],
  },
  { what: 'JSON', faults: { body: '{"src_endpiont"' }, refused: [400, /OMS\.0067/] },
  {
    what: 'names of fields',
    faults: { body: '{"src_endpiont":"x"}' },
    refused: [400, /did you mean \[src_endpoint\]/],
  },
  { what: 'the schema', faults: { body: '{}' }, refused: [400, /OMS\.1004/] },
];

const headSteps: readonly Step[] = [
  { what: 'its length', faults: { length: 1e9 }, refused: [413, /more than \d+ bytes/] },
  { what: 'its type', faults: { type: 'image/png' }, refused: [400, /Content-Type/] },
];

describe('errors of a request are found in the order of the hooks', () => {
  /** Its limit of calls is used up. */
  let limited: TestService;
  let free: TestService;
  const keys: Record<string, AccessKey> = {};

  before(async () => {
    limited = await startTestService({ works: false, limits: { callsPerMinute: 1 } });
    free = await startTestService({ works: false, beside: limited });
    const { projectId, brigade, url, token } = limited;
    for (const [user, policy] of [
      ['reader', 'OMS ReadOnlyAccess'],
      ['writer', 'OMS Administrator'],
    ] as const) {
      await brigade.identity.createUser({ name: user, password: undefined });
      await brigade.identity.createGrant({ user, group: undefined, projectId, policy });
      const { id, secret } = await brigade.identity.createAccessKey(user);
      keys[user] = { id, secret: secret.reveal() };
    }
    const last = await fetch(`${url}/v2/${projectId}/sync-tasks/none/start`, {
      ...{ method: 'POST', headers: { 'x-auth-token': token } },
    });
    assert.equal(last.status, 404);
  });
  after(async () => {
    await free[Symbol.asyncDispose]();
    await limited[Symbol.asyncDispose]();
  });

  function keyOf(user: string): AccessKey {
    const key = keys[user];
    assert.ok(key !== undefined);
    return key;
  }

  /** Sends one request, its body too unless only the head matters, and gives all that is answered. */
  async function answerTo(service: TestService, faults: Faults, whole: boolean): Promise<string> {
    const { path = `/v2/${service.projectId}/sync-tasks`, body = good, key, token } = faults;
    const request = { method: 'POST', url: service.url + path, at: faults.at ?? Date.now(), body };
    using connection = rawConnection(service.url);
    const head = headOf(request, {
      ...(key === undefined ? {} : signedHeaders(request, key)),
      ...(token !== undefined && { 'x-auth-token': token }),
      'content-type': faults.type ?? 'application/json',
      'content-length': faults.length ?? Buffer.byteLength(body),
    });
    connection.socket.write(whole ? head + body : head);
    return await connection.until(/\r\n\r\n.*\}$/s);
  }

  /** Has all the faults from each step on, and is refused for the first of these. */
  async function climb(steps: readonly Step[], right: Faults): Promise<void> {
    const overLimit = steps.findIndex(({ what }) => what === 'the limit of calls');
    for (const [index, { what, refused }] of steps.entries()) {
      const rest = steps.slice(index).map(({ faults }) => faults);
      const faults = rest.reduceRight<Faults>((all, one) => ({ ...all, ...one }), right);
      const whole = index > overLimit + headSteps.length;
      const answer = await answerTo(index <= overLimit ? limited : free, faults, whole);
      const [status, reason] = refused;
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `), `${what}: ${answer}`);
      assert.match(answer, reason, what);
      // What was refused, and by which hook, is in the log under this ID, and the headers are safe.
      assert.match(answer, /\r\nx-request-id: [0-9a-f]{32}\r\n/, what);
      assert.match(answer, /\r\ncontent-security-policy: default-src 'none'\r\n/i, what);
    }
    assert.match(await answerTo(free, right, true), /^HTTP\/1.1 200 .*"sync_task_id"/s);
  }

  test('with a token: path, token, right, limit, all before the body; then the body', async () => {
    const { identity } = limited.brigade;
    const password = 'a password of 20 characters';
    await identity.updateUser('reader', { password });
    const logIn = { user: 'reader', password, project: undefined };
    const { token: readersToken } = await identity.logIn(logIn);
    await climb(
      [
        { what: 'the path', faults: { path: '/nowhere' }, refused: [404, /APIGW\.0101/] },
        { what: 'the token', faults: { token: 'guess' }, refused: [401, /not known/] },
        { what: 'the right', faults: { token: readersToken }, refused: [403, /may not do/] },
        { what: 'the limit of calls', faults: {}, refused: [429, /too many calls/] },
        ...headSteps,
        ...bodySteps,
      ],
      { token: limited.token },
    );
  });

  test('with a signature: path, date, key, right, limit, before the body; the signature before its meaning', async () => {
    const writer = keyOf('writer');
    const wrong = { key: { ...writer, secret: 'guess' } };
    await climb(
      [
        { what: 'the path', faults: { path: '/nowhere' }, refused: [404, /APIGW\.0101/] },
        { what: 'the date', faults: { at: Date.now() - HOUR_MS }, refused: [401, /15 minutes/] },
        {
          what: 'the key',
          faults: { key: { id: 'NOBODYS', secret: 'guess' } },
          refused: [401, /ak not exist/],
        },
        {
          what: 'the right',
          faults: { key: { ...keyOf('reader'), secret: 'guess' } },
          refused: [403, /may not do/],
        },
        { what: 'the limit of calls', faults: {}, refused: [429, /too many calls/] },
        ...headSteps,
        { what: 'the signature', faults: wrong, refused: [401, /verify aksk signature fail/] },
        ...bodySteps,
      ],
      { key: writer },
    );
  });
});

test('a call that changes something is answered only after its audit entry is written', async () => {
  await using service = await startTestService({ works: false });
  const { database, projectId, token, url } = service;
  const mayEnd = Promise.withResolvers<undefined>();
  const locked = Promise.withResolvers<undefined>();
  const holding = database.transaction(async (db) => {
    await db.query('lock table audit in access exclusive mode', []);
    locked.resolve(undefined);
    await mayEnd.promise;
  });
  await locked.promise;
  let answered = false;
  const answer = fetch(`${url}/v2/${projectId}/sync-tasks`, {
    method: 'POST',
    headers: { 'x-auth-token': token, 'content-type': 'application/json' },
    body: good,
  }).then((response) => {
    answered = true;
    return response.status;
  });
  await until('the audit is written', async () => {
    const { rows } = await database.query<{ waiting: number }>(
      "select count(*)::int as waiting from pg_locks where not granted and relation = 'audit'::regclass",
      [],
    );
    return rows[0]?.waiting === 1;
  });
  assert.equal(answered, false);
  mayEnd.resolve(undefined);
  await holding;
  assert.equal(await answer, 200);
});

test('ARCHITECTURE.md lists the hooks of a request in the order in which Fastify runs them', async () => {
  await using api = await openApi();
  await api.app.ready();
  const routes = api.app.printRoutes({ includeHooks: true, commonPrefix: false });
  const [first = ''] = routes.split('(HEAD)');
  // The package `helmet` has two hooks, one after the other.
  const phases = first.replaceAll(/(?:"helmet\w+\(\)",?)+/g, '"helmet()",');
  const run = Array.from(phases.matchAll(/\((on\w+|pre\w+)\) \[(.*)\]/g)).flatMap(
    ([, phase = '', hooks = '']) =>
      Array.from(hooks.matchAll(/"(\w+)\(\)"/g), ([, hook = '']) => `${phase} ${hook}`),
  );
  const text = readFileSync(join(import.meta.dirname, '../../../ARCHITECTURE.md'), 'utf8');
  const [, section = ''] = text.split('\n## The hooks of a request\n');
  const [table = ''] = section.split('\n## ');
  const listed = Array.from(
    table.matchAll(/^\| `(\w+)` \| `(.+)` \|/gm),
    ([, phase = '', hooks = '']) => hooks.split('`, `').map((hook) => `${phase} ${hook}`),
  ).flat();
  assert.ok(run.length > 10);
  assert.deepEqual(listed, run);
});
