import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type FrontProxy, startFrontProxy } from '../kit/front-proxy.ts';
import { startWorld, type World } from '../kit/service-between-buckets.ts';

const unknown = {
  conditional_read: null,
  range_read: null,
  ordered_list: null,
  md5_check: null,
  conditional_put: null,
  conditional_remove: null,
};
const good = { ...unknown, conditional_read: true, range_read: true, ordered_list: true };

describe('a task shows how its stores behaved', () => {
  let world: World;
  let forgetful: FrontProxy;
  before(async () => {
    world = await startWorld({ settings: { checkBuckets: true }, target: { verify: false } });
    for (const key of ['film', 'score']) world.from.put(key, 'frames');
    forgetful = await startFrontProxy(world.target.url, {
      onRequest({ headers }) {
        delete headers['content-md5'];
        return false;
      },
    });
  });
  after(async () => {
    await forgetful[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  test('when it was created', async () => {
    world.source.requests.clear();
    world.target.requests.clear();
    const task = await world.client.show(await world.createTask());
    assert.deepEqual(task.src_behaviour, good);
    assert.deepEqual(task.dst_behaviour, { ...unknown, md5_check: true });
    assert.deepEqual(
      [world.source.requests.of('ListObjectsV2'), world.source.requests.of('GetObject')],
      [2, 4],
    );
    assert.deepEqual(
      [world.target.requests.of('ListObjectsV2'), world.target.requests.of('UploadPart')],
      [1, 2],
    );
    assert.deepEqual([world.to.openUploads(), [...world.to.keys()]], [[], []]);
  });

  test('where the target accepts a part with a wrong MD5, and the task copies nevertheless', async () => {
    const taskId = await world.createTask({ dst_endpoint: forgetful.url });
    const { dst_behaviour } = await world.client.show(taskId);
    assert.deepEqual(dst_behaviour, { ...unknown, md5_check: false });
    await world.sync(taskId, ['film']);
    assert.equal((await world.outcome(taskId, 'film')).outcome, 'copied');
  });

  test('when it was started last', async () => {
    const taskId = await world.createTask();
    await world.client.stop(taskId);
    for (const key of ['film', 'score']) world.to.put(key, 'frames');
    await world.client.start(taskId);
    const { dst_behaviour } = await world.client.show(taskId);
    assert.deepEqual(dst_behaviour, { ...unknown, md5_check: true, ordered_list: true });
  });
});

test('a task whose buckets are not checked shows no behaviour of its stores', async () => {
  await using world = await startWorld({ settings: { checkBuckets: false } });
  const task = await world.client.show(await world.createTask());
  assert.equal('src_behaviour' in task || 'dst_behaviour' in task, false);
});
