import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OmsError } from '../../../test/kit/oms-client.ts';
import { ShiftedClock } from '../../../test/kit/shifted-clock.ts';
import { startTestService, type TestService } from '../../../test/kit/service.ts';

const body = {
  ...{ src_cloud_type: 'AWS', src_region: 'r', src_bucket: 'source', src_ak: 'a', src_sk: 's' },
  ...{ dst_cloud_type: 'AWS', dst_region: 'r', dst_bucket: 'target', dst_ak: 'a', dst_sk: 's' },
  ...{ src_endpoint: 'http://127.0.0.1:1', dst_endpoint: 'http://127.0.0.1:2' },
};

describe('quotas of a project', () => {
  let service: TestService;
  before(async () => {
    service = await startTestService({ settings: { tasksMax: 1, eventKeysMax: 2 }, works: false });
  });
  after(() => service[Symbol.asyncDispose]());

  const create = () => service.client.createTask(body);
  const set = (quotas: { tasksMax?: number | null; eventKeysMax?: number | null }) =>
    service.brigade.identity.updateProject(service.projectId, quotas);
  const send = (taskId: string, keys: number, { client } = service) =>
    client.call('POST', `/sync-tasks/${taskId}/events`, {
      object_keys: Array.from({ length: keys }, (_, index) => `key-${index}`),
    });

  function refusedWith(code: string, detail: RegExp) {
    return (error: unknown): boolean => {
      assert.ok(error instanceof OmsError);
      assert.deepEqual([error.status, error.code], [400, code]);
      assert.match(error.detail ?? '', detail);
      return true;
    };
  }

  test('tasks: that of the settings holds until the project has its own', async () => {
    await create();
    await assert.rejects(create, refusedWith('OMS.1021', /raise BRIGADE_TASKS_MAX/));
    await set({ tasksMax: 3 });
    await create();
    const together = await Promise.allSettled([create(), create(), create()]);
    assert.equal(together.filter(({ status }) => status === 'fulfilled').length, 1);
    await assert.rejects(create, (error) => {
      assert.match(String(error), /may have 3 synchronization tasks/);
      return refusedWith('OMS.1021', /raise tasks_max of the project/)(error);
    });
    await set({ tasksMax: 0 });
    await assert.rejects(create, refusedWith('OMS.1021', /tasks_max/));
    await set({ tasksMax: null });
    await assert.rejects(create, refusedWith('OMS.1021', /raise BRIGADE_TASKS_MAX/));
  });

  test('names of an event: a lower limit holds at once here and in some seconds elsewhere, a higher one at once', async () => {
    await set({ tasksMax: 100 });
    const taskId = await create();
    const limits = (detail: RegExp) => refusedWith('OMS.0064', detail);
    await send(taskId, 2);
    await assert.rejects(send(taskId, 3), limits(/\[object_keys\].* 2 .*BRIGADE_EVENT_KEYS_MAX/));
    const clock = new ShiftedClock();
    await using other = await startTestService({ beside: service, works: false, clock });
    await send(taskId, 3, other);
    await set({ eventKeysMax: 1 });
    await assert.rejects(send(taskId, 2), limits(/ 1 items.*event_keys_max of the project/));
    clock.putForward(5_000);
    await assert.rejects(send(taskId, 2, other), limits(/ 1 items/));
    await set({ eventKeysMax: 10_000 });
    await send(taskId, 10_000);
    // A raised limit holds at once elsewhere too: nothing is refused by what was remembered.
    await send(taskId, 10_000, other);
    await assert.rejects(send(taskId, 10_001), limits(/must not have more than 10000 items/));
    await set({ eventKeysMax: null });
    await send(taskId, 2);
    await assert.rejects(send(taskId, 3), limits(/BRIGADE_EVENT_KEYS_MAX/));
  });

  test('a quota is of one project: another keeps its own', async () => {
    const { identity } = service.brigade;
    const other = await identity.createProject({ name: 'other', id: undefined });
    assert.deepEqual([other.tasksMax, other.eventKeysMax], [undefined, undefined]);
    await identity.updateProject('other', { tasksMax: 7 });
    const mine = (await identity.listProjects()).find(({ id }) => id === service.projectId);
    assert.equal(mine?.tasksMax, 100);
  });
});
