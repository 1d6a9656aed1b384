import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BodyRoom } from '../../src/surface/api/kit/body-room.ts';
import { KiB } from '../../src/platform/base/bytes.ts';
import { createLogger } from '../../src/platform/base/log.ts';
import { headOf, rawConnection } from '../kit/raw-connection.ts';
import { startTestService, type TestService } from '../kit/service.ts';
import { type AccessKey, signedHeaders } from '../kit/sign-request.ts';
import { until } from '../kit/until.ts';

/** Requests whose bodies do not arrive, against the whole service by real sockets. */

const json = { 'content-type': 'application/json' };

async function makeKey(
  { brigade, projectId }: TestService,
  user: string,
  policy = 'OMS Administrator',
): Promise<AccessKey> {
  await brigade.identity.createUser({ name: user, password: undefined });
  await brigade.identity.createGrant({ ...{ user, group: undefined, projectId, policy } });
  const { id, secret } = await brigade.identity.createAccessKey(user);
  return { id, secret: secret.reveal() };
}

interface Announced {
  readonly path?: string;
  readonly key?: AccessKey;
  readonly at?: number;
  readonly length?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The head of a signed request with events, whose body is announced and does not follow. */
function signedHead({ url, projectId }: TestService, announced: Announced): string {
  const { path = `/v2/${projectId}/sync-tasks/none/events`, key, headers = {} } = announced;
  const request = { method: 'POST', url: `${url}${path}`, at: announced.at ?? Date.now() };
  const signed = key === undefined ? {} : signedHeaders(request, key);
  const length = { 'content-length': announced.length ?? 100 };
  return headOf(request, { ...json, ...signed, ...length, ...headers });
}

function answerOf(text: string): { readonly status: number; readonly message: string } {
  const [, status = '', message = ''] =
    /^HTTP\/1\.1 (\d+) .*"error_msg":"([^"]*)/s.exec(text) ?? [];
  return { status: Number(status), message };
}

/** What answers a head alone. */
async function answerTo(service: TestService, head: string) {
  using connection = rawConnection(service.url);
  connection.socket.write(head);
  return answerOf(await connection.until(/\r\n\r\n.*\}$/s));
}

describe('before a byte of the body has arrived', () => {
  test('what the head alone shows to be wrong is refused', async () => {
    await using service = await startTestService({
      ...{ works: false, limits: { eventsPerMinute: 10, callsPerMinute: 1 } },
    });
    const { projectId, token } = service;
    const key = await makeKey(service, 'ann');
    const reader = await makeKey(service, 'bob', 'OMS ReadOnlyAccess');
    const disabled = await makeKey(service, 'carl');
    await service.brigade.identity.enableAccessKey(disabled.id, false);
    const other = await service.brigade.identity.createProject({ name: 'other', id: undefined });
    const tasks = `/v2/${projectId}/sync-tasks`;
    const hour = 3_600_000;
    const limit = 100 * 3 * KiB + 4 * KiB;
    for (const [announced, status, reason] of [
      [{ key: { id: 'NOBODYS', secret: 'x' } }, 401, /ak not exist/],
      [{ key: disabled }, 401, /ak not exist/],
      [{ key, at: Date.now() - hour }, 401, /15 minutes/],
      [{ headers: { authorization: 'SDK-HMAC-SHA256 Access=AK' } }, 401, /lacks Signature/],
      [{ headers: { authorization: 'AWS4-HMAC-SHA256 x' } }, 401, /not supported/],
      [{ key, length: limit + 1 }, 413, /more than 311296 bytes/],
      [{ key, headers: { 'content-type': 'image/png' } }, 400, /Content-Type/],
      [{ key, path: `/v2/${other.id}/sync-tasks/none/events` }, 403, /may not do/],
      [{ key: reader }, 403, /may not do oms:synctask:createEvent in the project /],
      [{ key, headers: { 'x-project-id': other.id } }, 403, /project of the path/],
      [{ headers: { 'x-auth-token': 'guess' } }, 401, /not known/],
      [{ headers: { 'x-auth-token': token }, length: limit + 1 }, 413, /more than 311296 bytes/],
      [{ path: '/v3/auth/tokens', length: 16 * KiB + 1 }, 413, /more than 16384 bytes/],
      [{ path: '/v3/auth/tokens', headers: { 'content-type': 'a/b' } }, 400, /Content-Type/],
      [{ path: `${tasks}/none/none`, length: 1e9 }, 404, /does not exist/],
    ] as const) {
      const answer = await answerTo(service, signedHead(service, announced));
      const what = JSON.stringify([announced, answer]);
      assert.equal(answer.status, status, what);
      assert.match(answer.message, reason, what);
    }
    const started = await fetch(`${service.url}${tasks}/none/start`, {
      ...{ method: 'POST', headers: { 'x-auth-token': token } },
    });
    assert.equal(started.status, 404);
    const limited = await answerTo(service, signedHead(service, { key, path: tasks }));
    assert.equal(limited.status, 429);
    for (let guess = 0; guess < 5; guess++) {
      const request = { url: `${service.url}${tasks}` };
      await fetch(request.url, { headers: signedHeaders(request, { ...key, secret: 'guess' }) });
    }
    const locked = await answerTo(service, signedHead(service, { key }));
    assert.match(locked.message, /AK access failed to reach the limit/);
  });

  test('a client that waits for 100 Continue gets it only if it may send its body', async () => {
    await using service = await startTestService({ works: false });
    const key = await makeKey(service, 'ann');
    const expect = { expect: '100-continue' };
    const refused = signedHead(service, { key: { id: 'NOBODYS', secret: 'x' }, headers: expect });
    assert.equal((await answerTo(service, refused)).status, 401);
    using connection = rawConnection(service.url);
    const request = {
      method: 'POST',
      url: `${service.url}/v2/${service.projectId}/sync-tasks/x/events`,
    };
    const body = '{"object_keys":["a"]}';
    const signed = signedHeaders({ ...request, body }, key);
    const length = { 'content-length': body.length };
    connection.socket.write(headOf(request, { ...json, ...signed, ...expect, ...length }));
    await connection.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    connection.socket.write(body);
    await connection.until(/\r\n\r\nHTTP\/1\.1 404 .*OMS\.1009/s);
  });

  test('what its holder may not do is in the audit, and that the signature was not verified', async () => {
    await using service = await startTestService({ works: false });
    const reader = await makeKey(service, 'bob', 'OMS ReadOnlyAccess');
    assert.equal((await answerTo(service, signedHead(service, { key: reader }))).status, 403);
    await service.brigade[Symbol.asyncDispose](); // Writes down what is counted.
    const { rows } = await service.database.query<{ actor: string; actor_kind: string }>(
      'select actor, actor_kind from audit where status = 403',
      [],
    );
    assert.deepEqual(rows, [{ actor: 'bob', actor_kind: 'access-key-unverified' }]);
  });
});

describe('bodies of callers that are not authenticated yet', () => {
  const body = 'x'.repeat(16 * KiB);
  /** Neither digits nor brackets: what a long string begins with. */
  const begin = `{"object_keys":["${body}`.slice(0, 16 * KiB);

  for (const [room, status, header, reason] of [
    [{ bytes: 64 * KiB, bytesOfAddress: 1e9 }, 503, /retry-after: 1\r\n/, /unfinished requests/],
    [{ bytes: 1e9, bytesOfAddress: 64 * KiB }, 429, /retry-after: 5\r\n/, /from this address/],
  ] as const) {
    test(`are held up to a bound; the next is ${status}, and its connection ends`, async () => {
      const bodyRoom = new BodyRoom(room);
      await using service = await startTestService({ works: false, bodyRoom });
      const key = await makeKey(service, 'ann');
      const head = signedHead(service, { key, length: 100 * KiB });
      // However their bytes are cut on the way, there is no room for all of them.
      const open = Array.from({ length: 8 }, () => rawConnection(service.url));
      for (const { socket } of open) socket.write(head + begin);
      const text = await Promise.any(open.map(({ ended }) => ended));
      assert.ok(bodyRoom.held <= 64 * KiB);
      assert.equal(answerOf(text).status, status, text);
      assert.match(text, header);
      assert.match(text, /connection: close\r\n/);
      assert.match(answerOf(text).message, reason);
      // An authenticated caller uses none of that memory.
      const headers = { 'x-auth-token': service.token, ...json };
      const url = `${service.url}/v2/${service.projectId}/sync-tasks/none/events`;
      const payload = JSON.stringify({ object_keys: Array(100).fill('x'.repeat(1_000)) });
      assert.equal((await fetch(url, { method: 'POST', headers, body: payload })).status, 404);
      for (const { socket } of open) socket.destroy();
      await until('the room is given back', () => bodyRoom.held === 0);
    });
  }

  test('give their room back when they are verified, refused, answered or gone', async () => {
    const bodyRoom = new BodyRoom({ bytes: 40 * KiB, bytesOfAddress: 40 * KiB });
    await using service = await startTestService({ works: false, bodyRoom });
    const key = await makeKey(service, 'ann');
    const url = `${service.url}/v2/${service.projectId}/sync-tasks/none/events`;
    const events = JSON.stringify({ object_keys: ['a'.repeat(1_000)], more: body });
    const request = { method: 'POST', url, body: events };
    for (let round = 0; round < 5; round++) {
      const at = Date.now() - round * 1_000;
      const signed = signedHeaders({ ...request, at }, key);
      const headers = { ...json, ...signed };
      assert.equal((await fetch(url, { ...request, headers })).status, 404);
      const other = { ...request, headers, body: `${events} ` };
      assert.equal((await fetch(url, other)).status, 401);
      const logIn = await fetch(`${service.url}/v3/auth/tokens`, {
        ...{ method: 'POST', headers: json, body: body.slice(1) },
      });
      assert.equal(logIn.status, 400);
      await until('the room is given back', () => bodyRoom.held === 0);
    }
  });

  test('are bounded in depth and values once the signature is verified', async () => {
    await using service = await startTestService({ works: false });
    const key = await makeKey(service, 'ann');
    const url = `${service.url}/v2/${service.projectId}/sync-tasks/none/events`;
    for (const [sent, reason] of [
      ['['.repeat(33), /nested deeper than 32 levels/],
      [`[${'1,'.repeat(11_000)}1]`, /more than 10256 fields and list items/],
    ] as const) {
      const request = { method: 'POST', url, body: sent };
      const headers = { ...json, ...signedHeaders(request, key) };
      const answer = await fetch(url, { ...request, headers });
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), reason);
    }
  });

  test('in too many short pieces are refused with the reason', async () => {
    await using service = await startTestService({ works: false });
    const key = await makeKey(service, 'ann');
    const { projectId, token } = service;
    const request = { method: 'POST', url: `${service.url}/v2/${projectId}/sync-tasks` };
    for (const credential of [{ 'x-auth-token': token }, signedHeaders(request, key)]) {
      const headers = { ...json, ...credential, 'transfer-encoding': 'chunked' };
      using connection = rawConnection(service.url);
      connection.socket.write(`${headOf(request, headers)}${'1\r\n \r\n'.repeat(2_000)}`);
      const { status, message } = answerOf(await connection.ended);
      assert.equal(status, 400);
      assert.match(message, /too many pieces; send larger ones/);
    }
  });

  test('count as failures of the key when they do not end, and of the address', async () => {
    const lines: string[] = [];
    const log = createLogger('info', { write: (line) => lines.push(line) });
    const bodyRoom = new BodyRoom({ bytes: 1e9, bytesOfAddress: 1e9 });
    await using service = await startTestService({
      ...{ works: false, log, bodyRoom, limits: { authFailuresPerMinute: 5 } },
    });
    const key = await makeKey(service, 'ann');
    const head = signedHead(service, { key, length: 1_000 });
    for (let count = 1; count <= 5; count++) {
      using connection = rawConnection(service.url);
      connection.socket.write(`${head}{`);
      await until('the room is taken', () => bodyRoom.held > 0);
      connection.socket.destroy();
      await until('the room is given back', () => bodyRoom.held === 0);
    }
    const told = lines.filter((line) => line.includes('"api.unfinished"'));
    assert.equal(told.length, 5);
    assert.ok(
      told.every((line) => line.includes(`"caller":"${key.id}"`)),
      told.join(''),
    );
    const request = { url: `${service.url}/v2/${service.projectId}/sync-tasks` };
    const locked = await fetch(request.url, { headers: signedHeaders(request, key) });
    assert.equal(locked.status, 401);
    assert.match(await locked.text(), /AK access failed to reach the limit/);
    const guess = await fetch(request.url, { headers: { 'x-auth-token': 'guess' } });
    assert.equal(guess.status, 429);
    assert.match(await guess.text(), /wrong credentials from this address/);
  });
});
