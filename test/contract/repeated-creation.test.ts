import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AccessKey } from '../kit/sign-request.ts';
import { startTestService, type TestService } from '../kit/service.ts';
import { clientOf, makeKey } from './clients.ts';

/*
 * The official SDKs sign to the second, so two equal calls within one second have one signature. The date
 * and the host are given here, so that the calls are equal however long the test takes.
 */

const body = {
  ...{
    src_cloud_type: 'AWS',
    src_region: 'us-east-1',
    src_bucket: 'source',
    src_ak: 'a',
    src_sk: 'b',
  },
  ...{
    dst_cloud_type: 'AWS',
    dst_region: 'us-east-1',
    dst_bucket: 'target',
    dst_ak: 'c',
    dst_sk: 'd',
  },
};

describe('one creation that the core of the official Node SDK sends twice within a second', () => {
  let service: TestService;
  let other: TestService;
  let key: AccessKey;
  before(async () => {
    service = await startTestService({ works: false, settings: { tasksMax: 10 } });
    other = await startTestService({
      ...{ works: false, beside: service, settings: { tasksMax: 10 } },
    });
    key = await makeKey(service);
  });
  after(async () => {
    await other[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });

  /** Sends the creation of one moment to a process. */
  function sender(at: number) {
    const date = new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const headers = { 'X-Sdk-Date': date, 'host': new URL(service.url).host };
    return (to: TestService, description = '') =>
      clientOf(to, key, { headers }).createSyncTask({ ...body, description });
  }

  async function count(): Promise<number> {
    return (await clientOf(service, key).listSyncTasks()).count;
  }

  test('creates one task, whose ID both calls get', async () => {
    const before = await count();
    const send = sender(Date.now());
    const { sync_task_id: id } = await send(service);
    assert.equal((await send(service)).sync_task_id, id);
    assert.equal(await count(), before + 1);
  });

  test('creates one task where the second call goes to another process on the same database', async () => {
    const before = await count();
    const send = sender(Date.now() - 2_000);
    const { sync_task_id: id } = await send(service);
    assert.equal((await send(other)).sync_task_id, id);
    assert.equal(await count(), before + 1);
  });

  test('creates one task where all calls arrive at the same time', async () => {
    const before = await count();
    const send = sender(Date.now() - 4_000);
    const calls = [service, other, service, other, service, other].map((to) => send(to));
    const ids = (await Promise.all(calls)).map(({ sync_task_id: id }) => id);
    assert.equal(new Set(ids).size, 1);
    assert.equal(await count(), before + 1);
  });

  test('creates a task each where the calls differ in a byte, or in the second', async () => {
    const before = await count();
    const at = Date.now() - 6_000;
    const tasks = [
      await sender(at)(service),
      await sender(at)(service, 'another'),
      await sender(at - 1_000)(service),
    ];
    assert.equal(new Set(tasks.map(({ sync_task_id: id }) => id)).size, 3);
    assert.equal(await count(), before + 3);
  });
});
