import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type FrontProxy, startFrontProxy } from '../kit/front-proxy.ts';
import { sizes, startWorld, type World } from '../kit/service-between-buckets.ts';

/** As a service that encrypts makes them: as long as an MD5, and none. */
const opaque = (etag: string): string =>
  etag.replaceAll(/[\da-f]/g, (digit) =>
    digit === '0' ? 'f' : (parseInt(digit, 16) - 1).toString(16),
  );

describe('a target whose ETags look like MD5s but are not', () => {
  let world: World;
  let front: FrontProxy;
  const reads = (): number => world.target.requests.of('GetObject');
  before(async () => {
    world = await startWorld();
    front = await startFrontProxy(world.target.url, {
      onAnswer({ headers }, { url = '' }) {
        const isPart = url.includes('uploadId');
        if (headers.etag !== undefined && !isPart) headers.etag = opaque(headers.etag);
      },
    });
  });
  after(async () => {
    await front[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  for (const consistency_check of ['size_last_modified', 'crc64', 'no_check']) {
    test(`takes objects that are checked, and reads back one at most, ${consistency_check}`, async () => {
      const taskId = await world.createTask({ dst_endpoint: front.url, consistency_check });
      const before = reads();
      const keys = [sizes.small, sizes.medium, sizes.small + 1].map((size) => {
        const key = `${consistency_check}/${size}`;
        world.from.put(key, randomBytes(size));
        return key;
      });
      for (const key of keys) {
        await world.sync(taskId, [key]);
        const { outcome, check_passed, message } = await world.outcome(taskId, key);
        assert.deepEqual([outcome, check_passed], ['copied', true], message ?? '');
        assert.ok(world.to.bytes(key)?.equals(world.from.bytes(key) ?? assert.fail()));
        assert.equal(world.to.versions(key).length, 1, 'it is written once');
      }
      assert.equal(reads() - before, consistency_check === 'no_check' ? 0 : 1);
    });
  }
});
