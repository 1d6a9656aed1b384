import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { heldContent } from '../kit/s3-server/content.ts';
import { sizes, startWorld } from '../kit/service-between-buckets.ts';

test('a target with a default retention of Object Lock takes objects of every size and way', async () => {
  await using world = await startWorld({ settings: { checkBuckets: true } });
  const { from, to } = world;
  to.objectLock = true;
  const all = { ...sizes, empty: 0 };
  const written = new Map<string, Buffer>();
  for (const [name, size] of Object.entries(all)) {
    for (const known of [true, false]) {
      const key = `${name}${known ? '' : ', MD5 unknown'}`;
      const bytes = randomBytes(size);
      written.set(key, bytes);
      const md5 = createHash('md5').update(bytes).digest('hex');
      from.add({ key, etag: known ? md5 : `${md5}-2`, content: heldContent([bytes]) });
    }
  }
  const taskId = await world.createTask();
  await world.sync(taskId, [...written.keys()]);
  for (const [key, bytes] of written) {
    assert.equal((await world.outcome(taskId, key)).outcome, 'copied', key);
    assert.deepEqual(to.bytes(key), bytes);
  }
  assert.deepEqual(to.openUploads(), []);
});
