import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createLogger } from '../../src/platform/base/log.ts';
import { startWorld, type World } from '../kit/service-between-buckets.ts';
import { until } from '../kit/until.ts';

describe('what operators look at', () => {
  const lines: string[] = [];
  let world: World;
  before(async () => {
    world = await startWorld({ log: createLogger('info', { write: (line) => lines.push(line) }) });
  });
  after(() => world[Symbol.asyncDispose]());

  function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${world.service.url}${path}`, { headers });
  }

  async function metrics(): Promise<ReadonlyMap<string, number>> {
    const reply = await get('/metrics');
    assert.equal(reply.status, 200);
    assert.match(reply.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    const lines = (await reply.text()).split('\n').filter((line) => /^\w/.test(line));
    return new Map(
      lines.map((line) => {
        const space = line.lastIndexOf(' ');
        return [line.slice(0, space), Number(line.slice(space + 1))];
      }),
    );
  }

  test('/metrics counts what happened to objects, and names none of them', async () => {
    const { from, source } = world;
    // The address does not belong to Huawei, so the server is treated as plain S3.
    const taskId = await world.createTask({ dst_cloud_type: 'HuaweiCloud' });
    from.put('metric/copied', '12345');
    from.put('metric/slow', '12345');
    const match = { key: 'metric/slow' };
    source.faults.add({ kind: 'cut', afterBytes: 2, times: 6, match });
    await world.sync(taskId, ['metric/copied', 'metric/missing', 'metric/slow']);
    await world.sync(taskId, ['metric/copied']);
    const found = await metrics();
    assert.equal(found.get('brigade_accepted_keys_total'), 4);
    assert.equal(found.get('brigade_copied_objects_total'), 2);
    assert.equal(found.get('brigade_copied_bytes_total'), 10);
    assert.equal(found.get('brigade_outcomes_total{kind="copied",reason="none"}'), 2);
    assert.equal(found.get('brigade_outcomes_total{kind="failed",reason="not-found"}'), 1);
    assert.equal(found.get('brigade_outcomes_total{kind="skipped",reason="target-up-to-date"}'), 1);
    assert.ok((found.get('brigade_retries_total{fault="interrupted"}') ?? 0) >= 1);
    assert.equal(found.get('brigade_waiting_changes{state="SYNCHRONIZING"}'), 0);
    assert.equal(found.get('brigade_lag_seconds{state="SYNCHRONIZING"}'), 0);
    const names = [...found.keys()].join('\n');
    assert.match(
      names,
      /brigade_store_request_duration_seconds_count\{cloud="HuaweiCloud",operation="put"/,
    );
    assert.match(names, /brigade_api_request_duration_seconds_count\{route="\/v2\/:project_id/);
    for (const secret of ['metric/', taskId, world.service.projectId, world.service.token]) {
      assert.ok(!names.includes(secret), secret);
    }
  });

  test('the log names an object that failed for good, and why', async () => {
    const taskId = await world.createTask();
    await world.sync(taskId, ['failed/missing']);
    const line = lines.find(
      (text) => text.includes('"event":"object.failed"') && text.includes(taskId),
    );
    assert.match(line ?? '', /"key":"failed\/missing","reason":"not-found","count":1/);
  });

  test('the backlog and its lag are shown while work waits, by the state of the task', async () => {
    const taskId = await world.createTask();
    world.from.put('lag', 'text');
    // The object waits until the fault is removed. The gauges may show an earlier count for a while: see `CostlyAnswer`.
    const unavailable = { kind: 'status', status: 500, code: 'InternalError' } as const;
    const fault = world.source.faults.add({
      ...unavailable,
      times: Infinity,
      match: { key: 'lag' },
    });
    await world.client.sendEvents(taskId, ['lag']);
    await until('the change is counted', async () => {
      const found = await metrics();
      const lag = found.get('brigade_lag_seconds{state="SYNCHRONIZING"}') ?? 0;
      return found.get('brigade_waiting_changes{state="SYNCHRONIZING"}') === 1 && lag > 0;
    });
    fault.remove();
    await world.client.settled(taskId, 1);
    await until('nothing waits', async () => {
      return (await metrics()).get('brigade_waiting_changes{state="SYNCHRONIZING"}') === 0;
    });
  });

  test('/healthz and /readyz need no token', async () => {
    for (const [path, status] of [
      ['/healthz', 'ok'],
      ['/readyz', 'ready'],
    ] as const) {
      const reply = await get(path);
      assert.equal(reply.status, 200);
      assert.deepEqual(await reply.json(), { status });
    }
  });

  test('every answer has a request ID: the caller’s, if it has the form of the service’s own', async () => {
    const own = '0123456789abcdef0123456789abcdef';
    const kept = await get('/healthz', { 'x-request-id': own });
    assert.equal(kept.headers.get('x-request-id'), own);
    for (const headers of [{}, { 'x-request-id': 'chosen-by-me' }]) {
      for (const path of ['/healthz', '/v2/p/sync-tasks', '/nowhere']) {
        const reply = await get(path, headers);
        assert.match(reply.headers.get('x-request-id') ?? '', /^[0-9a-f]{32}$/);
      }
    }
    const refused = await get('/v2/p/sync-tasks');
    assert.equal(refused.status, 401);
    const body = (await refused.json()) as { request_id?: string };
    assert.equal(body.request_id, refused.headers.get('x-request-id'));
  });
});
