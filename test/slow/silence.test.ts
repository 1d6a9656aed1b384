import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { FaultKind } from '../kit/s3-server/faults.ts';
import type { Operation } from '../kit/s3-server/operations.ts';
import {
  assertOnlyWhole,
  betweenHuawei,
  smallSizes,
  startWorldOfSmallParts,
  type World,
} from '../kit/service-between-buckets.ts';

/** The service waits a minute for a store that says nothing, and then for its own back-off. */
const PATIENCE_SECONDS = 240;

const places: readonly (readonly ['source' | 'target', Operation, keyof typeof smallSizes])[] = [
  ['source', 'GetObject', 'small'],
  ['source', 'GetObject', 'medium'],
  ['source', 'GetObject', 'large'],
  ['target', 'HeadObject', 'small'],
  ['target', 'PutObject', 'small'],
  ['target', 'PutObject', 'medium'],
  ['target', 'CreateMultipartUpload', 'large'],
  ['target', 'UploadPart', 'large'],
  ['target', 'CompleteMultipartUpload', 'large'],
];

describe('stores that fall silent', () => {
  let world: World;
  before(async () => {
    world = await startWorldOfSmallParts({ attemptsMax: 12 });
  });
  after(() => world[Symbol.asyncDispose]());

  test('time out, and every object still arrives complete', async () => {
    const { from, to, client } = world;
    const taskId = await world.createTask(betweenHuawei);
    const contents = new Map<string, Buffer>();
    for (const [side, operation, size] of places) {
      for (const after of ['request', 'headers'] as const) {
        // Ten minutes are given to a store to join parts: longer than this test may take.
        if (operation === 'CompleteMultipartUpload' && after === 'request') continue;
        const key = `${side}/${operation}/${size}/${after}`;
        const bytes = randomBytes(smallSizes[size]);
        contents.set(key, bytes);
        from.put(key, bytes);
        const silence: FaultKind = { kind: 'silence', after };
        world[side].faults.add({ ...silence, match: { operation, key } });
      }
    }
    await client.sendEvents(taskId, [...contents.keys()]);
    const task = await client.settled(taskId, contents.size, PATIENCE_SECONDS);
    assert.equal(task.monthly_failure_object, 0);
    for (const [key, bytes] of contents) {
      assert.ok(to.bytes(key)?.equals(bytes), key);
      assertOnlyWhole(to, key, [bytes]);
    }
    assert.deepEqual(to.openUploads(), []);
  });
});
