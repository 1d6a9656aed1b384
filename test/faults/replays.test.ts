import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Secret } from '../../src/base/seal.ts';
import { ensureFirstAccessKey } from '../../src/service/tokens.ts';
import { startTestService, type TestService } from '../kit/service.ts';
import { signedHeaders } from '../kit/sign-request.ts';
import { plainPlan } from '../kit/sync-task.ts';

/** What somebody gains who has heard a signed request, and sends it again within its 15 minutes. */

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
    service = await startTestService({ works: false, settings: { tasksMax: 2 } });
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

  function sign(method: string, path: string, body?: unknown): Sent {
    const url = `${service.url}/v2/${service.projectId}/sync-tasks${path}`;
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const type = { 'content-type': 'application/json' };
    return {
      method,
      url,
      headers: signedHeaders({ method, url, headers: type, ...text }, KEY),
      ...text,
    };
  }

  async function send({
    url,
    ...rest
  }: Sent): Promise<{ status: number; code: string | undefined }> {
    const answer = await fetch(url, rest);
    const text = await answer.text();
    const read = (text === '' ? {} : JSON.parse(text)) as { error_code?: string };
    return { status: answer.status, code: read.error_code };
  }

  test('leads where the first one led', async () => {
    const taskId = await service.client.createTask(BODY);
    for (const [method, path, body, again] of [
      ['POST', `/${taskId}/events`, { object_keys: ['a', 'b'] }, { status: 200, code: undefined }],
      ['POST', `/${taskId}/stop`, undefined, { status: 400, code: 'OMS.0066' }],
      ['POST', `/${taskId}/start`, undefined, { status: 400, code: 'OMS.0065' }],
      ['POST', `/${taskId}/stop`, { stop: 'again' }, { status: 400, code: 'OMS.0066' }],
      ['DELETE', `/${taskId}`, undefined, { status: 404, code: 'OMS.1009' }],
      ['GET', '', undefined, { status: 200, code: undefined }],
    ] as const) {
      const sent = sign(method, path, body);
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
  });

  test('makes a second task where it makes one, up to the quota', async () => {
    const sent = sign('POST', '', BODY);
    const answers = [];
    for (let times = 0; times < 4; times++) answers.push((await send(sent)).status);
    assert.deepEqual(
      answers.map((status) => status < 400),
      [true, true, false, false],
    );
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
      // A failure is counted; a success in between begins anew.
      await send(sign('GET', ''));
    }
  });
});
