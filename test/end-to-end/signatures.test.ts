import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Secret } from '../../src/platform/base/seal.ts';
import { ensureFirstAccessKey } from '../../src/domain/access/tokens.ts';
import { startTestService, type TestService } from '../kit/service.ts';
import {
  type AccessKey,
  olderSignedHeaders,
  signedHeaders,
  type Unsigned,
} from '../kit/sign-request.ts';

/** Requests that are signed by an access key, against the whole service. */

const administrator = 'OMS Administrator';

async function makeKey(
  { brigade, projectId }: TestService,
  user: string,
  policy = administrator,
): Promise<AccessKey> {
  await brigade.identity.createUser({ name: user, password: undefined });
  await brigade.identity.createGrant({ ...{ user, group: undefined, projectId, policy } });
  const { id, secret } = await brigade.identity.createAccessKey(user);
  return { id, secret: secret.reveal() };
}

interface Answer {
  readonly status: number;
  readonly body: { readonly error_code?: string; readonly error_msg?: string };
}

async function send(request: Unsigned, headers: Record<string, string>): Promise<Answer> {
  const { method = 'GET', url, body } = request;
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) };
}

function refused(answer: Answer, reason: RegExp): void {
  assert.equal(answer.status, 401, JSON.stringify(answer.body));
  assert.equal(answer.body.error_code, 'APIGW.0301');
  assert.match(answer.body.error_msg ?? '', /^Incorrect IAM authentication information: /);
  assert.match(answer.body.error_msg ?? '', reason);
}

describe('a signed request', () => {
  let service: TestService;
  let key: AccessKey;
  let list: string;
  before(async () => {
    service = await startTestService({ works: false });
    key = await makeKey(service, 'ann');
    list = `${service.url}/v2/${service.projectId}/sync-tasks`;
  });
  after(() => service[Symbol.asyncDispose]());

  test('is accepted with a query, a body, or neither', async () => {
    const json = { 'content-type': 'application/json', 'x-project-id': service.projectId };
    const requests: Unsigned[] = [
      { url: list },
      { url: `${list}?offset=0&limit=5&status=STOPPED` },
      { url: list, headers: json },
      { method: 'POST', url: `${list}/none/events`, headers: json, body: '{"object_keys":["a"]}' },
      { method: 'POST', url: `${list}/none/stop` },
      { method: 'DELETE', url: `${list}/none` },
    ];
    for (const sign of [signedHeaders, olderSignedHeaders]) {
      for (const request of requests) {
        if (sign === olderSignedHeaders && request.url.endsWith('/stop')) continue;
        const { status } = await send(request, sign(request, key));
        const expected = request.url.includes('/none') ? 404 : 200;
        assert.equal(status, expected, `${request.method ?? 'GET'} ${request.url}`);
      }
    }
  });

  test('is refused with a wrong secret, and the answer contains what the service signed', async () => {
    const wrong = { ...key, secret: `${key.secret}x` };
    const answer = await send({ url: list }, signedHeaders({ url: list }, wrong));
    refused(answer, /verify aksk signature fail, canonicalRequest:GET\|/);
    assert.ok(!JSON.stringify(answer).includes(key.secret));
  });

  test('with a secret that another process has replaced is judged by the new one at once, and counts no failure', async () => {
    await using other = await startTestService({ beside: service, works: false });
    const { database, sealer, projectId } = service;
    const id = 'FIRSTKEYOFALL';
    const replace = (secret: string) =>
      ensureFirstAccessKey({ database, sealer }, { id, secret: new Secret(secret), projectId });
    const answer = (secret: string) => {
      const url = `${other.url}/v2/${projectId}/sync-tasks`;
      return send({ url }, signedHeaders({ url }, { id, secret }));
    };
    // More often than failures in a row are borne.
    for (const turn of [1, 2, 3, 4, 5, 6, 7]) {
      await replace(`secret-of-turn-${turn}`);
      assert.equal((await answer(`secret-of-turn-${turn}`)).status, 200);
    }
    refused(await answer('secret-of-turn-1'), /verify aksk signature fail/);
  });

  test('is refused with an unknown key', async () => {
    const nobodys = { id: 'NOBODYSKEY', secret: 'secret' };
    const answer = await send({ url: list }, signedHeaders({ url: list }, nobodys));
    refused(answer, /Get secretKey failed,ak:NOBODYSKEY,err:ak not exist/);
  });

  test('is refused when its body is another', async () => {
    const request = { method: 'POST', url: `${list}/none/events`, body: '{"object_keys":["a"]}' };
    const headers = { 'content-type': 'application/json', ...signedHeaders(request, key) };
    assert.equal((await send(request, headers)).status, 404);
    refused(await send({ ...request, body: '{"object_keys":["b"]}' }, headers), /verify aksk/);
    refused(await send({ ...request, body: '' }, headers), /verify aksk/);
    // Whatever the sender says of the body itself: it is looked at.
    const said = { 'x-sdk-content-sha256': 'a'.repeat(64) };
    const told = signedHeaders({ ...request, headers: said }, key);
    refused(await send(request, { ...headers, ...told }), /X-Sdk-Content-Sha256/);
  });

  test('is refused when its clock is off, either way', async () => {
    for (const minutes of [-16, 16]) {
      const request = { url: list, at: Date.now() + minutes * 60_000 };
      refused(await send(request, signedHeaders(request, key)), /15 minutes/);
    }
    for (const minutes of [-14, 14]) {
      const request = { url: list, at: Date.now() + minutes * 60_000 };
      assert.equal((await send(request, signedHeaders(request, key))).status, 200);
    }
  });

  test('is for one project, whatever its header says', async () => {
    const other = await service.brigade.identity.createProject({ name: 'other', id: undefined });
    const theirs = `${service.url}/v2/${other.id}/sync-tasks`;
    const requests: Unsigned[] = [
      { url: list, headers: { 'x-project-id': other.id } },
      { url: theirs },
      { url: theirs, headers: { 'x-project-id': service.projectId } },
      { url: theirs, headers: { 'x-project-id': other.id } },
      { url: `${service.url}/v2/no-such-project/sync-tasks` },
    ];
    for (const request of requests) {
      const signed = signedHeaders({ ...request, headers: {} }, key);
      const { status, body } = await send(request, { ...request.headers, ...signed });
      assert.equal(status, 403);
      assert.equal(body.error_code, 'OMS.0072');
    }
  });

  test('is refused for a path that the database cannot store, and the answer names the parameter', async () => {
    for (const path of ['/v2/%00/sync-tasks', `/v2/${service.projectId}/sync-tasks/%00`]) {
      const request = { url: `${service.url}${path}?query_time=1` };
      const { status, body } = await send(request, signedHeaders(request, key));
      assert.deepEqual([status, body.error_code], [400, 'OMS.0064'], path);
      assert.match(body.error_msg ?? '', /Request parameter \[(project|sync_task)_id\] has a NUL/);
    }
  });

  test('for users and rights is refused without the header that names the project, and the answer names it', async () => {
    const admin = await makeKey(service, 'gil', 'Security Administrator');
    const request = { url: `${service.url}/iam/v1/users` };
    const { status, body } = await send(request, signedHeaders(request, admin));
    assert.equal(status, 403);
    assert.match(body.error_msg ?? '', /send the header X-Project-Id/);
    const named = { ...request, headers: { 'x-project-id': service.projectId } };
    assert.equal((await send(named, signedHeaders(named, admin))).status, 200);
  });

  test('with another algorithm, or incomplete, is refused with the reason', async () => {
    const signed = signedHeaders({ url: list }, key);
    const { authorization = '' } = signed;
    for (const [other, reason] of [
      [authorization.replace('SHA256', 'SM3'), /SDK-HMAC-SM3 is not supported/],
      [authorization.replace('SDK', 'V11'), /not supported/],
      ['Bearer abc', /Unauthorized/],
      [authorization.replace(/Signature=.*/, 'Signature=abc'), /lacks Signature/],
      [authorization.replace('x-sdk-date', 'x-other-date'), /lacks SignedHeaders/],
      [authorization.replace('Access=', 'Key='), /lacks Access/],
      [authorization.replace('host;', 'host;x-missing;'), /not sent/],
    ] as const) {
      refused(await send({ url: list }, { ...signed, authorization: other }), reason);
    }
  });
});

describe('a key', () => {
  let service: TestService;
  before(async () => {
    service = await startTestService({ works: false });
  });
  after(() => service[Symbol.asyncDispose]());

  test('that is disabled, or whose user is disabled, is refused; after it is enabled, it is accepted again', async () => {
    const { identity } = service.brigade;
    const key = await makeKey(service, 'ben');
    const request = { url: `${service.url}/v2/${service.projectId}/sync-tasks` };
    const status = async () => (await send(request, signedHeaders(request, key))).status;
    assert.equal(await status(), 200);
    await identity.enableAccessKey(key.id, false);
    refused(await send(request, signedHeaders(request, key)), /ak not exist/);
    await identity.enableAccessKey(key.id, true);
    assert.equal(await status(), 200);
    await identity.updateUser('ben', { enabled: false });
    refused(await send(request, signedHeaders(request, key)), /ak not exist/);
    await identity.updateUser('ben', { enabled: true });
    assert.equal(await status(), 200);
    await identity.deleteAccessKey(key.id);
    refused(await send(request, signedHeaders(request, key)), /ak not exist/);
  });

  test('is out after five failures in a row: at this address, and no other key', async () => {
    const [key, other] = [await makeKey(service, 'cid'), await makeKey(service, 'dan')];
    const request = { url: `${service.url}/v2/${service.projectId}/sync-tasks` };
    const fail = () => send(request, signedHeaders(request, { ...key, secret: 'wrong' }));
    for (let failure = 1; failure <= 4; failure++) refused(await fail(), /verify aksk/);
    assert.equal((await send(request, signedHeaders(request, key))).status, 200);
    for (let failure = 1; failure <= 5; failure++) refused(await fail(), /verify aksk/);
    refused(await send(request, signedHeaders(request, key)), /failed to reach the limit/);
    assert.equal((await send(request, signedHeaders(request, other))).status, 200);
    const elsewhere = await service.api.inject({
      url: `/v2/${service.projectId}/sync-tasks`,
      remoteAddress: '192.0.2.1',
      headers: { ...signedHeaders(request, key), host: new URL(request.url).host },
    });
    assert.equal(elsewhere.statusCode, 200);
  });

  test('is out for a whole network of 64 bits, and however many come at once', async () => {
    const key = await makeKey(service, 'fay');
    const url = `${service.url}/v2/${service.projectId}/sync-tasks`;
    const guess = async (remoteAddress: string, secret = 'wrong') => {
      const headers = { ...signedHeaders({ url }, { ...key, secret }), host: new URL(url).host };
      const path = `/v2/${service.projectId}/sync-tasks`;
      const reply = await service.api.inject({ url: path, remoteAddress, headers });
      return reply.statusCode === 200 ? 'in' : reply.json<{ error_msg: string }>().error_msg;
    };
    for (let at = 1; at <= 5; at++) assert.match(await guess(`2001:db8:1:2::${at}`), /verify aksk/);
    assert.match(await guess('2001:db8:1:2:9::9', key.secret), /failed to reach the limit/);
    assert.equal(await guess('2001:db8:1:3::1', key.secret), 'in');
    const many = await Promise.all(Array.from({ length: 40 }, () => guess('2001:db8:1:4::1')));
    assert.equal(many.filter((answer) => answer.includes('verify aksk')).length, 5);
  });

  test('is nowhere in the database as it is', async () => {
    const key = await makeKey(service, 'eve');
    const { rows } = await service.database.query(
      'select access_keys::text as row from access_keys',
    );
    const kept = JSON.stringify(rows);
    assert.ok(kept.includes(key.id) && !kept.includes(key.secret));
    assert.ok(!kept.includes(Buffer.from(key.secret).toString('hex')));
  });
});
