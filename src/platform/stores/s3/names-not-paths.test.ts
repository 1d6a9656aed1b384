import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bodyOf, rejectsWith } from '../../../../test/conformance/store.ts';
import { type S3Server, startS3Server } from '../../../../test/kit/s3-server/server.ts';
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
    test('is refused, and replaces nothing', async () => {
      await using server = await start('minio');
      await using store = plain(server);
      const bucket = server.bucket('bucket');
      bucket.put('from', 'copied');
      bucket.put('named', 'first');
      for (const key of ['/named', '/new']) {
        await assert.rejects(write(store, key), {
          fault: 'refused',
          message: /the store takes the name for a path: it would be the object n/,
        });
      }
      assert.equal(bucket.bytes('named')?.toString(), 'first');
      assert.equal(bucket.object('new'), undefined);
    });

    test('is written where names are not paths, which is checked once', async () => {
      await using server = await start('s3');
      await using store = plain(server);
      const bucket = server.bucket('bucket');
      for (const key of ['from', 'from/here', 'named']) bucket.put(key, 'first');
      const names = ['/named', '/other', './named', 'b/../named', 'plain', 'ends/'];
      for (const key of names) {
        await write(store, key);
        assert.ok(bucket.object(key) !== undefined, key);
      }
      assert.equal(bucket.bytes('named')?.toString(), 'first');
      assert.equal(server.requests.of('HeadObject'), 2);
    });
  });
}

test('a look at such a name does not report the object at its path', async () => {
  await using server = await start('minio');
  await using store = plain(server);
  server.bucket('bucket').put('named', 'first');
  await rejectsWith('refused', store.head('/named', signal));
  await rejectsWith('refused', store.read('/named', {}, signal));
  await rejectsWith('refused', store.remove([{ key: '/named' }], signal));
  assert.ok(server.bucket('bucket').object('named') !== undefined);
});

test('the result for one form of a name says nothing about another form', async () => {
  await using server = await start('minio');
  await using store = plain(server);
  const bucket = server.bucket('bucket');
  bucket.put('named', 'first');
  // This server refuses them by itself.
  await rejectsWith('refused', store.put('./named', bodyOf('second'), {}, signal));
  await rejectsWith('refused', store.put('/named', bodyOf('second'), {}, signal));
  assert.equal(bucket.bytes('named')?.toString(), 'first');
});

test('objects with the same bytes of the same second are two, where both are listed', async () => {
  await using server = await start('s3');
  await using store = plain(server);
  const lastModified = Date.now();
  for (const key of ['d/', 'd//']) server.bucket('bucket').put(key, '', { lastModified });
  await store.put('d//', bodyOf('new'), {}, signal);
  assert.equal((await store.head('d/', signal)).size, 0);
});

test('a store that throttles is not mistaken for one that keeps names', async () => {
  await using server = await start('minio');
  await using store = plain(server);
  server.bucket('bucket').put('named', 'first');
  for (const operation of ['ListObjectsV2', 'HeadObject'] as const) {
    server.faults.add({
      kind: 'status',
      status: 503,
      code: 'SlowDown',
      times: 1,
      match: { operation },
    });
    await rejectsWith('throttled', store.put('/named', bodyOf('second'), {}, signal));
  }
  await rejectsWith('refused', store.put('/named', bodyOf('second'), {}, signal));
  assert.equal(server.bucket('bucket').bytes('named')?.toString(), 'first');
});

test('in an empty bucket such a name goes out, and is refused once it is seen what it became', async () => {
  await using server = await start('minio');
  await using store = plain(server);
  await store.put('/named', bodyOf('first'), {}, signal);
  await rejectsWith('refused', store.put('/named', bodyOf('second'), {}, signal));
  assert.equal(server.bucket('bucket').bytes('named')?.toString(), 'first');
});
