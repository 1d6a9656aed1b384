import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startTestService, type TestService } from '../kit/service.ts';
import { signedHeaders } from '../kit/sign-request.ts';

/** Rate limits, tested against the whole service. */

async function assertTooMany(response: Response, what: RegExp): Promise<void> {
  assert.equal(response.status, 429);
  assert.match(response.headers.get('retry-after') ?? '', /^\d+$/);
  assert.ok(Number(response.headers.get('retry-after')) > 0);
  const body = (await response.json()) as Record<string, string>;
  assert.equal(body['error_code'], 'APIGW.0308');
  assert.match(body['error_msg'] ?? '', what);
  assert.equal(body['request_id'], response.headers.get('x-request-id'));
}

function list({ url, projectId }: TestService, headers: Record<string, string>): Promise<Response> {
  return fetch(`${url}/v2/${projectId}/sync-tasks`, { headers });
}

describe('a client that sends too many requests', () => {
  test('may not log in for a while, with the right password either', async () => {
    await using service = await startTestService({ works: false, limits: { logInsPerMinute: 3 } });
    const logIn = () =>
      fetch(`${service.url}/v3/auth/tokens`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          auth: {
            identity: { methods: ['password'], password: { user: { name: 'a', password: 'b' } } },
          },
        }),
      });
    for (let guess = 0; guess < 3; guess++) assert.equal((await logIn()).status, 401);
    await assertTooMany(await logIn(), /log-ins from this address; try again in \d+ s/);
    assert.equal((await list(service, { 'x-auth-token': service.token })).status, 200);
  });

  test('gets no more calls through at two processes than at one', async () => {
    const limits = { listsPerMinute: 20 };
    await using service = await startTestService({ works: false, limits });
    await using other = await startTestService({ works: false, limits, beside: service });
    const { projectId, token } = service;
    const audit = ({ url }: TestService) =>
      fetch(`${url}/v2/${projectId}/audit`, { headers: { 'x-auth-token': token } });
    const statuses: number[] = [];
    for (let call = 0; call < 30; call++) {
      statuses.push((await audit(call % 2 === 0 ? service : other)).status);
    }
    const passed = statuses.filter((status) => status === 200).length;
    // Some come back while the test runs.
    assert.ok(passed >= 20 && passed < 25, `${passed}`);
    await assertTooMany(await audit(service), /too many lists of this project/);
    await assertTooMany(await audit(other), /too many lists of this project/);
  });

  test('guesses no more at two processes than at one', async () => {
    const limits = { logInsPerMinute: 2 };
    await using service = await startTestService({ works: false, limits });
    await using other = await startTestService({ works: false, limits, beside: service });
    const { identity } = service.brigade;
    await identity.createUser({ name: 'ann', password: undefined });
    const { id } = await identity.createAccessKey('ann');
    for (const { url, projectId } of [service, other, service, other, service]) {
      const list = `${url}/v2/${projectId}/sync-tasks`;
      const answer = await fetch(list, {
        headers: signedHeaders({ url: list }, { id, secret: 'guess' }),
      });
      assert.equal(answer.status, 401);
      assert.doesNotMatch(await answer.text(), /reach the limit/);
    }
    for (const { url, projectId } of [service, other]) {
      const list = `${url}/v2/${projectId}/sync-tasks`;
      const answer = await fetch(list, {
        headers: signedHeaders({ url: list }, { id, secret: 'guess' }),
      });
      assert.match(await answer.text(), /AK access failed to reach the limit/);
    }
    const identityOf = { methods: ['password'], password: { user: { name: 'a', password: 'b' } } };
    const logIn = ({ url }: TestService) =>
      fetch(`${url}/v3/auth/tokens`, {
        ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
        body: JSON.stringify({ auth: { identity: identityOf } }),
      });
    assert.equal((await logIn(service)).status, 401);
    assert.equal((await logIn(other)).status, 401);
    await assertTooMany(await logIn(service), /log-ins from this address/);
  });

  test('cannot guess tokens and keys, and does not lock out clients with valid credentials', async () => {
    await using service = await startTestService({
      ...{ works: false, limits: { authFailuresPerMinute: 4 } },
    });
    const good = { 'x-auth-token': service.token };
    assert.equal((await list(service, good)).status, 200);
    const url = `${service.url}/v2/${service.projectId}/sync-tasks`;
    for (let guess = 0; guess < 2; guess++) {
      assert.equal((await list(service, { 'x-auth-token': `guess-${guess}` })).status, 401);
      const signed = signedHeaders({ url }, { id: `GUESS${guess}`, secret: 'guess' });
      assert.equal((await list(service, signed)).status, 401);
    }
    await assertTooMany(await list(service, { 'x-auth-token': 'guess' }), /wrong credentials/);
    const signed = signedHeaders({ url }, { id: 'GUESS', secret: 'guess' });
    await assertTooMany(await list(service, signed), /wrong credentials/);
    assert.equal((await list(service, good)).status, 200);
    // What needs no credential is not held back, and is no guess.
    assert.equal((await fetch(`${service.url}/healthz`)).status, 200);
  });

  test('must wait with costly calls and with events, counted separately, but not with cheap calls', async () => {
    await using service = await startTestService({
      ...{ works: false, limits: { callsPerMinute: 2, eventsPerMinute: 1 } },
    });
    const headers = { 'x-auth-token': service.token, 'content-type': 'application/json' };
    const post = (path: string, body: object) =>
      fetch(`${service.url}/v2/${service.projectId}/sync-tasks${path}`, {
        ...{ method: 'POST', headers, body: JSON.stringify(body) },
      });
    assert.equal((await post('', {})).status, 400);
    assert.equal((await post('/none/start', {})).status, 404);
    await assertTooMany(await post('', {}), /calls of this project/);
    assert.equal((await post('/none/events', { object_keys: ['a'] })).status, 404);
    await assertTooMany(
      await post('/none/events', { object_keys: ['a'] }),
      /events of this project/,
    );
    for (let call = 0; call < 5; call++) assert.equal((await list(service, headers)).status, 200);
  });
});

describe('the address of a client', () => {
  const limits = { logInsPerMinute: 1 };
  async function logIn({ url }: TestService, forwarded: string): Promise<number> {
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': forwarded };
    const identity = { methods: ['password'], password: { user: { name: 'a', password: 'b' } } };
    const body = JSON.stringify({ auth: { identity } });
    return (await fetch(`${url}/v3/auth/tokens`, { method: 'POST', headers, body })).status;
  }

  test('is what a trusted proxy says, and the last that it says', async () => {
    await using service = await startTestService({
      ...{ works: false, limits, trustProxy: ['127.0.0.1', '10.0.0.0/8'] },
    });
    assert.equal(await logIn(service, '192.0.2.1'), 401);
    assert.equal(await logIn(service, '192.0.2.2'), 401);
    assert.equal(await logIn(service, '192.0.2.1'), 429);
    // Entries that a client puts before it, or that another trusted proxy adds after it, do not matter.
    assert.equal(await logIn(service, '198.51.100.1, 192.0.2.1'), 429);
    assert.equal(await logIn(service, '198.51.100.2, 192.0.2.2, 10.1.2.3'), 429);
  });

  test('is its own where no proxy is trusted, whatever it says', async () => {
    for (const trustProxy of [[], ['192.0.2.0/24']]) {
      await using service = await startTestService({ works: false, limits, trustProxy });
      assert.equal(await logIn(service, '192.0.2.1'), 401);
      assert.equal(await logIn(service, '192.0.2.2'), 429);
    }
  });

  test('is not the only thing that a proxy says: links are of its scheme and host', async () => {
    for (const [trustProxy, self] of [
      [['127.0.0.1'], /^https:\/\/oms\.example\//],
      [[], /^http:\/\/127\.0\.0\.1:/],
    ] as const) {
      await using service = await startTestService({ works: false, trustProxy });
      const response = await fetch(`${service.url}/v3/auth/domains`, {
        headers: {
          'x-auth-token': service.token,
          'x-forwarded-for': '192.0.2.1',
          'x-forwarded-proto': 'https',
          'x-forwarded-host': 'oms.example',
        },
      });
      const { links } = (await response.json()) as { links: { self: string } };
      assert.match(links.self, self);
    }
  });
});
