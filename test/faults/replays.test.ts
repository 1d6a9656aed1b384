import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { request } from 'undici';
import { Secret } from '../../src/platform/base/seal.ts';
import { ensureFirstAccessKey } from '../../src/domain/access/tokens.ts';
import { startTestService, type TestService } from '../kit/service.ts';
import { signedHeaders } from '../kit/sign-request.ts';
import { plainPlan } from '../kit/queue-rows.ts';

/** What an attacker gains who has read a signed request and sends it again within its 15 minutes. */

const KEY = { id: 'REPLAYKEY00000000001', secret: 'a-secret-that-signs' };
const BODY = {
  src_cloud_type: plainPlan.source.cloud,
  src_region: 'us-east-1',
  src_bucket: 'source',
  src_ak: 'source-id',
  src_sk: 'source-secret',
  dst_region: 'us-east-1',
  dst_cloud_type: plainPlan.target.cloud,
  dst_bucket: 'target',
  dst_ak: 'target-id',
  dst_sk: 'target-secret',
};

describe('a signed request that is sent again', () => {
  let service: TestService;
  before(async () => {
    service = await startTestService({ works: false, settings: { tasksMax: 4 } });
    const { database, sealer, projectId } = service;
    const key = { id: KEY.id, secret: new Secret(KEY.secret), projectId };
    await ensureFirstAccessKey({ database, sealer }, key);
  });
  after(() => service[Symbol.asyncDispose]());

  interface Sent {
    readonly method: string;
    readonly url: string;
    readonly headers: Record<string, string>;
    readonly body?: string;
  }

  /** @param path Below the tasks of the project; or `/iam/…`. */
  function sign(method: string, path: string, body?: unknown): Sent {
    const ofTasks = `/v2/${service.projectId}/sync-tasks`;
    const url = `${service.url}${path.startsWith('/iam/') ? '' : ofTasks}${path}`;
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const more = { 'content-type': 'application/json', 'x-project-id': service.projectId };
    return {
      method,
      url,
      headers: signedHeaders({ method, url, headers: more, ...text }, KEY),
      ...text,
    };
  }

  const used = { status: 401, code: 'APIGW.0301' };

  async function send({
    url,
    ...rest
  }: Sent): Promise<{ status: number; code: string | undefined }> {
    const answer = await fetch(url, rest);
    const text = await answer.text();
    const read = (text === '' ? {} : JSON.parse(text)) as { error_code?: string };
    return { status: answer.status, code: read.error_code };
  }

  /** Sends a given `Host`, which `fetch` does not do. */
  async function statusAt({ url, method, headers, body }: Sent, host: string): Promise<number> {
    const reply = await request(url, {
      method: method as 'POST',
      headers: { ...headers, host },
      body: body ?? null,
    });
    await reply.body.dump();
    return reply.statusCode;
  }

  test('at once leads where the first one led, and a moment later nowhere', async () => {
    const taskId = await service.client.createTask(BODY);
    const sentBefore: Sent[] = [];
    for (const [method, path, body, again] of [
      ['POST', `/${taskId}/events`, { object_keys: ['a', 'b'] }, { status: 200, code: undefined }],
      ['POST', `/${taskId}/stop`, undefined, { status: 400, code: 'OMS.0066' }],
      ['POST', `/${taskId}/start`, undefined, { status: 400, code: 'OMS.0065' }],
      ['POST', `/${taskId}/stop`, { stop: 'again' }, { status: 400, code: 'OMS.0066' }],
      ['DELETE', `/${taskId}`, undefined, { status: 404, code: 'OMS.1009' }],
      ['GET', '', undefined, { status: 200, code: undefined }],
    ] as const) {
      const sent = sign(method, path, body);
      sentBefore.push(sent);
      assert.equal((await send(sent)).status, 200, path);
      const { status, code } = await send(sent);
      assert.deepEqual([code, path], [again.code, path]);
      assert.equal(status < 400, again.status < 400);
    }
    const { rows } = await service.database.query(
      `select object_key from changes where task_id = $1 group by object_key having count(*) > 1`,
      [taskId],
    );
    assert.deepEqual(rows, []);
    await service.database.query(
      `update used_signatures set used_at = used_at - interval '2.1 seconds'`,
    );
    for (const sent of sentBefore.filter(
      ({ method, url }) => method !== 'GET' && !/events$/.test(url),
    )) {
      assert.deepEqual(await send(sent), used, sent.url);
    }
  });

  test('creates no second task: within a minute the answer is that of the first', async () => {
    const tasks = async () => (await service.brigade.syncTasks.list(service.projectId, page)).count;
    const page = { limit: 1, offset: 0 };
    const before = await tasks();
    const sent = sign('POST', '', BODY);
    for (let times = 0; times < 3; times++) {
      assert.deepEqual(await send(sent), { status: 200, code: undefined });
    }
    assert.equal(await tasks(), before + 1);
    // With another signature it is another creation: a second later, or with another description.
    const { status } = await send(sign('POST', '', { ...BODY, description: 'another' }));
    assert.equal(status, 200);
    assert.equal(await tasks(), before + 2);
  });

  test('makes no second key, and brings nothing back that was taken away', async () => {
    const { identity } = service.brigade;
    await identity.createUser({ name: 'ann', password: undefined });
    const { projectId: project } = service;
    const key = sign('POST', '/iam/v1/access-keys', { user: 'ann' });
    const grant = sign('POST', '/iam/v1/grants', {
      user: 'ann',
      project,
      policy: 'OMS Administrator',
    });
    const member = sign('PUT', '/iam/v1/groups/ops/members/ann');
    await identity.createGroup('ops');
    for (const sent of [key, grant, member]) assert.equal((await send(sent)).status, 200, sent.url);
    const [mine] = (await identity.listGrants()).filter(({ user }) => user === 'ann');
    await identity.deleteGrant(mine?.id ?? '');
    await identity.removeMember('ops', 'ann');
    const again = await Promise.all([key, key, grant, member].map(send));
    for (const answer of again) assert.deepEqual(answer, used);
    const keys = (await identity.listAccessKeys()).filter(({ user }) => user === 'ann');
    assert.equal(keys.length, 1);
    assert.deepEqual(
      (await identity.listGrants()).filter(({ user }) => user === 'ann'),
      [],
    );
    assert.deepEqual(
      (await identity.listGroups()).map(({ members }) => members),
      [[]],
    );
  });

  test('by many at once is carried out once', async () => {
    await service.brigade.identity.createUser({ name: 'ben', password: undefined });
    const sent = sign('POST', '/iam/v1/access-keys', { user: 'ben' });
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(sent)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  });

  test('to another process is refused there, too', async () => {
    await using other = await startTestService({ works: false, beside: service });
    const sent = sign('POST', '/iam/v1/groups', { name: 'elsewhere' });
    const host = new URL(service.url).host;
    const there = { ...sent, url: sent.url.replace(service.url, other.url) };
    assert.equal((await send(sent)).status, 200);
    // The signature covers the host, which a proxy passes on.
    assert.equal(await statusAt(there, host), used.status);
    assert.equal((await send(sign('GET', ''))).status, 200);
    const fresh = sign('POST', '/iam/v1/groups', { name: 'another' });
    const first = { ...fresh, url: fresh.url.replace(service.url, other.url) };
    assert.equal(await statusAt(first, host), 200);
    assert.deepEqual(await send(fresh), used);
  });

  test('says so, and is no failed attempt with the key', async () => {
    const sent = sign('POST', '/iam/v1/groups', { name: 'once' });
    assert.equal((await send(sent)).status, 200);
    for (let times = 0; times < 8; times++) assert.deepEqual(await send(sent), used);
    const { url, ...rest } = sent;
    assert.match(await (await fetch(url, rest)).text(), /was used already; sign the request again/);
    assert.equal((await send(sign('GET', ''))).status, 200);
  });

  test('can be no other request', async () => {
    const sent = sign('POST', '/31e9b7e6-6ffb-452f-9842-6ce354d99d71/events', {
      object_keys: ['a'],
    });
    const other = sent.url.replace('31e9b7e6', '41e9b7e6');
    for (const changed of [
      { url: other },
      { url: `${sent.url}?x=1` },
      { url: sent.url.replace('/events', '/stop') },
      { body: '{"object_keys":["b"]}' },
      { headers: { ...sent.headers, 'x-sdk-date': '20260101T000000Z' } },
      { headers: { ...sent.headers, 'content-type': 'text/plain' } },
    ]) {
      const answer = await send({ ...sent, ...changed });
      assert.deepEqual(answer, { status: 401, code: 'APIGW.0301' }, JSON.stringify(changed));
      // Failures are counted; a success resets the count.
      await send(sign('GET', ''));
    }
  });
});
