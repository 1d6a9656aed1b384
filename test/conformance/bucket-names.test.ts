import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../src/platform/base/seal.ts';
import { openStore } from '../../src/platform/stores/open-store.ts';
import type { LookupFunction } from 'node:net';
import { startS3Server } from '../kit/s3-server/server.ts';

const HOST = 's3.us-east-1.amazonaws.com';

const home: LookupFunction = (_name, { all = false }, done) => {
  if (all) done(null, [{ address: '127.0.0.1', family: 4 }]);
  else done(null, '127.0.0.1', 4);
};

// What is signed must be what is sent: connections send hosts in lower case.
for (const [bucket, endpoint] of [
  ['mybucket', HOST],
  ['MyBucket', HOST],
  ['my_bucket', HOST],
  ['mybucket-', HOST],
  ['x'.repeat(100), HOST],
  ['mybucket', 'S3.US-East-1.amazonaws.com'],
] as const) {
  test(`the bucket ${bucket.slice(0, 20)} at ${endpoint} is written and read`, async () => {
    await using server = await startS3Server({
      buckets: [bucket],
      virtualHost: HOST,
      region: 'us-east-1',
    });
    const { accessKeyId, secretAccessKey } = server.accessKey;
    await using store = openStore({
      dialect: 'AWS',
      region: 'us-east-1',
      bucket,
      endpoint: `http://${endpoint}:${server.port}`,
      credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
      lookup: home,
    });
    const { signal } = new AbortController();
    await store.put('key', { content: Buffer.from('hello'), size: 5 }, {}, signal);
    const { body } = await store.read('key', {}, signal);
    assert.equal(Buffer.from(await body.bytes()).toString(), 'hello');
  });
}
