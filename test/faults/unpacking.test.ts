import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Secret } from '../../src/platform/base/seal.ts';
import { openAdapter } from '../../src/platform/stores/open-store.ts';
import type { StoreDialect } from '../../src/platform/stores/providers.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';

const { signal } = new AbortController();
const packed = gzipSync('text '.repeat(1000));

let server: S3Server;
before(async () => {
  server = await startS3Server({ dialect: 'gcs', buckets: ['bucket'] });
  const contentHeaders = { 'content-encoding': 'gzip' };
  server.bucket('bucket').put('packed', packed, { contentHeaders });
});
after(() => server.close());

function open(dialect: StoreDialect): Store {
  const { accessKeyId, secretAccessKey } = server.accessKey;
  return openAdapter({
    dialect,
    region: 'auto',
    bucket: 'bucket',
    endpoint: server.url,
    credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
  });
}

test('Cloud Storage gives what is stored packed as it is stored', async () => {
  await using store = open('Google');
  const head = await store.head('packed', signal);
  assert.equal(head.size, packed.length);
  assert.equal(head.contentHeaders['content-encoding'], 'gzip');
  const whole = await store.read('packed', {}, signal);
  assert.deepEqual(Buffer.from(await whole.body.bytes()), packed);
  const range = { first: 2, last: 9 };
  const part = await store.read('packed', { range, pin: head }, signal);
  assert.deepEqual(Buffer.from(await part.body.bytes()), packed.subarray(2, 10));
});

test('a store that unpacks an object for the client reports neither size nor range, which is bad-reply', async () => {
  await using store = open('S3');
  await assert.rejects(store.head('packed', signal), { fault: 'bad-reply' });
  await assert.rejects(store.read('packed', {}, signal), { fault: 'bad-reply' });
  const range = { first: 2, last: 9 };
  await assert.rejects(store.read('packed', { range }, signal), { fault: 'bad-reply' });
});
