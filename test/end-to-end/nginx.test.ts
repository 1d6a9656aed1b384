import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type Nginx, nginxMissing, startNginx } from '../kit/nginx/nginx.ts';
import { sizes, startWorld, type World } from '../kit/service-between-buckets.ts';

describe('a source that is read through nginx', { skip: nginxMissing() ?? false }, () => {
  let world: World;
  let nginx: Nginx;
  before(async () => {
    [world, nginx] = await Promise.all([
      startWorld({ settings: { checkBuckets: true } }),
      startNginx(),
    ]);
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await nginx[Symbol.asyncDispose]();
  });

  const throughNginx = () => ({
    source_cdn: { domain: nginx.domain, protocol: 'http', authentication_type: 'NONE' },
  });

  /** Adds the object to the bucket first, because the copy of a CDN is not older. */
  async function add(key: string, bytes: Uint8Array): Promise<void> {
    world.from.put(key, bytes);
    await nginx.add(key, bytes);
  }

  test('moves objects of all sizes and odd names, unpacked', async () => {
    const objects = new Map<string, Uint8Array>([
      ['empty', new Uint8Array()],
      ['text that would pack well', Buffer.from('abc'.repeat(10_000))],
      ['dir/a b+c%20d&e=f;g#h?i.txt', randomBytes(100)],
      ['日本/🙈.bin', randomBytes(100)],
      ['medium', randomBytes(sizes.medium)],
      ['large', randomBytes(sizes.large)],
    ]);
    for (const [key, bytes] of objects) await add(key, bytes);
    const taskId = await world.createTask(throughNginx());
    const task = await world.sync(taskId, [...objects.keys()]);
    assert.equal(task.monthly_success_object, objects.size);
    for (const [key, bytes] of objects) assert.ok(world.to.bytes(key)?.equals(bytes), key);
    assert.equal((await world.outcome(taskId, 'large')).check_passed, true);
  });

  test('fails with the reason where it leads elsewhere, or has no such object', async () => {
    await add('moved/away', randomBytes(100));
    world.from.put('missing', randomBytes(100));
    const taskId = await world.createTask(throughNginx());
    await world.sync(taskId, ['moved/away', 'missing']);
    const moved = await world.outcome(taskId, 'moved/away');
    assert.equal(moved.reason, 'refused');
    assert.match(moved.message ?? '', /redirects to http:\/\/127\.0\.0\.1.*are not followed/);
    const missing = await world.outcome(taskId, 'missing');
    assert.equal(missing.reason, 'stale-cdn');
    assert.match(missing.message ?? '', /does not have the object, and the bucket has it/);
    assert.equal(world.to.object('missing'), undefined);
  });
});
