import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bodyOf, rejectsWith } from '../../../test/conformance/store.ts';
import { type S3Server, startS3Server } from '../../../test/kit/s3-server/server.ts';
import { Secret } from '../../base/seal.ts';
import { openAdapter } from '../open-store.ts';
import type { Store } from '../store.ts';

const { signal } = new AbortController();

function plain({ url, accessKey }: S3Server): Store {
  const { accessKeyId, secretAccessKey } = accessKey;
  return openAdapter({
    ...{ dialect: 'S3', region: 'us-east-1', bucket: 'bucket', endpoint: url },
    credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
  });
}

/** Two servers of which nothing is known: one that drops slashes, and one that keeps names. */
const start = (dialect: 'minio' | 's3') => startS3Server({ dialect, buckets: ['bucket'] });

/** Each way to write an object. */
const ways: Readonly<Record<string, (store: Store, key: string) => Promise<unknown>>> = {
  put: (store, key) => store.put(key, bodyOf('second'), {}, signal),
  copy: (store, key) => store.copy({ bucket: 'bucket', key: 'from' }, key, signal),
  parts: async (store, key) => {
    const { id } = await store.startParts(key, {}, signal);
    await using upload = store.resumeParts(key, id);
    await upload.complete([await upload.putPart(1, bodyOf('second'), signal)], signal);
  },
};

for (const [way, write] of Object.entries(ways)) {
  describe(`by ${way}, a name that a server without a row of its own may take for a path`, () => {
    test('does not replace what is there', async () => {
      await using server = await start('minio');
      await using store = plain(server);
      const bucket = server.bucket('bucket');
      bucket.put('from', 'copied');
      bucket.put('named', 'first');
      await rejectsWith('refused', write(store, '/named'));
      assert.equal(bucket.bytes('named')?.toString(), 'first');
    });

    test('is no success where it was taken for one', async () => {
      await using server = await start('minio');
      await using store = plain(server);
      server.bucket('bucket').put('from', 'copied');
      await assert.rejects(write(store, '//new'), {
        fault: 'refused',
        message: /the store takes the name for a path: it would be the object new/,
      });
    });

    test('is written where names are names, and looked at until that is seen', async () => {
      await using server = await start('s3');
      await using store = plain(server);
      const bucket = server.bucket('bucket');
      for (const key of ['from', 'named', 'ends/']) bucket.put(key, 'first');
      for (const key of ['/named', 'a//../named', './named', 'ends//', 'ends/', '..', 'plain']) {
        await write(store, key);
        assert.ok(bucket.object(key) !== undefined, key);
      }
      assert.equal(bucket.bytes('named')?.toString(), 'first');
      assert.equal(server.requests.of('HeadObject'), 3);
    });
  });
}

test('a name that is refused by itself says nothing of others', async () => {
  await using server = await start('minio');
  await using store = plain(server);
  const bucket = server.bucket('bucket');
  bucket.put('named', 'first');
  await rejectsWith('refused', store.put('./named', bodyOf('second'), {}, signal));
  await rejectsWith('refused', store.put('/named', bodyOf('second'), {}, signal));
  assert.equal(bucket.bytes('named')?.toString(), 'first');
});
