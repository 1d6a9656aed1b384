import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { KiB } from '../../src/platform/base/bytes.ts';
import { Secret } from '../../src/platform/base/seal.ts';
import { openStore } from '../../src/platform/stores/open-store.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { rejectsWith } from '../conformance/store.ts';
import { type CdnServer, startCdnServer } from '../kit/cdn-server.ts';
import { startFrontProxy } from '../kit/front-proxy.ts';
import { ManualClock } from '../kit/manual-clock.ts';
import { heldContent } from '../kit/s3-server/content.ts';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';

const { signal } = new AbortController();
const KEY = 'film';
const CUT = 500;

describe('what a CDN sends breaks off once, and is read on by a range', () => {
  let server: S3Server;
  let cdn: CdnServer;
  let store: Store;
  before(async () => {
    server = await startS3Server({ buckets: ['bucket'] });
    const { accessKeyId, secretAccessKey } = server.accessKey;
    cdn = await startCdnServer({ bucket: 'bucket', content: server.bucket('bucket') });
    store = openStore({
      ...{ dialect: 'AWS', region: 'us-east-1', bucket: 'bucket', endpoint: server.url },
      credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
      clock: new ManualClock(Date.now()),
      cdn: {
        ...{ origin: `http://${cdn.domain}`, authenticationType: 'NONE' },
        ...{ key: undefined, appId: undefined, guard: undefined },
      },
    });
  });
  after(async () => {
    await store[Symbol.asyncDispose]();
    await cdn[Symbol.asyncDispose]();
    await server.close();
  });

  /** The bucket's object, and how many requests there were before. */
  function prepare(size: number, rest: 'its own' | 'another object’s'): Buffer {
    const bytes = randomBytes(size);
    server.bucket('bucket').put(KEY, bytes);
    const other = { content: heldContent([randomBytes(size)]), etag: '', lastModified: 0 };
    const { manners } = cdn;
    manners.cached.clear();
    manners.hidesVersions = true;
    const then = (): void => {
      if (rest !== 'its own') manners.cached.set(KEY, other);
    };
    manners.cuts = { bytes: CUT, times: 1, then };
    cdn.served.length = 0;
    return bytes;
  }

  for (const size of [1000, 300 * KiB]) {
    test(`with its own bytes: it is the whole, ${size} bytes`, async () => {
      const bytes = prepare(size, 'its own');
      const atOnce = await store.read(KEY, {}, signal);
      assert.ok(bytes.equals(await atOnce.body.bytes()));
      prepare(size, 'its own');
      const streamed = await store.read(KEY, {}, signal);
      assert.equal(Buffer.concat(await Array.fromAsync(streamed.body)).length, size);
      assert.equal(cdn.served.length, 2);
    });

    test(`with another object’s: it fails at once, ${size} bytes`, async () => {
      prepare(size, 'another object’s');
      const { body } = await store.read(KEY, {}, signal);
      await rejectsWith('stale-cdn', body.bytes());
      assert.equal(cdn.served.length, 2);
    });

    test(`with another object’s: it fails before the last piece, ${size} bytes`, async () => {
      prepare(size, 'another object’s');
      const { body } = await store.read(KEY, {}, signal);
      let given = 0;
      const reading = (async () => {
        for await (const piece of body) given += piece.length;
      })();
      await rejectsWith('stale-cdn', reading);
      assert.ok(given < size);
      assert.equal(cdn.served.length, 2);
    });
  }

  test('a read that is denied because the object is archived is reported so, even if the bucket is busy at first', async () => {
    server.bucket('bucket').put(KEY, randomBytes(10), { storageClass: 'GLACIER' });
    cdn.manners.status = 403;
    const busy = server.faults.add({
      ...{ kind: 'status', status: 503, code: 'SlowDown', times: 1 },
      match: { operation: 'GetObject' },
    });
    await rejectsWith('archived', store.read(KEY, {}, signal));
    assert.equal(busy.fired, 1);
    cdn.manners.status = undefined;
  });

  for (const size of [1000, 300 * KiB]) {
    test(`with an ETag that is no MD5: the bucket's own bytes decide, once, ${size} bytes`, async () => {
      const bytes = randomBytes(size);
      const { manners } = cdn;
      manners.cached.clear();
      server.bucket('bucket').put(KEY, bytes, { etag: '0'.repeat(32) });
      server.requests.clear();
      const atOnce = await store.read(KEY, {}, signal);
      assert.ok(bytes.equals(await atOnce.body.bytes()));
      const streamed = await store.read(KEY, {}, signal);
      assert.ok(bytes.equals(Buffer.concat(await Array.fromAsync(streamed.body))));
      assert.equal(server.requests.of('GetObject'), 1);
      const etag = '0'.repeat(32);
      manners.cached.set(KEY, { content: heldContent([randomBytes(size)]), etag, lastModified: 0 });
      await rejectsWith('stale-cdn', (await store.read(KEY, {}, signal)).body.bytes());
      manners.cached.clear();
    });
  }

  test('with an ETag that is no MD5: it is stale where the bucket may not be read', async () => {
    cdn.manners.cached.clear();
    server.bucket('bucket').put(KEY, randomBytes(1000), { etag: '1'.repeat(32) });
    const match = { operation: 'GetObject' } as const;
    server.faults.add({
      kind: 'status',
      status: 403,
      code: 'AccessDenied',
      times: Infinity,
      match,
    });
    await rejectsWith('stale-cdn', (await store.read(KEY, {}, signal)).body.bytes());
    server.faults.clear();
  });

  test('a range is not compared with a checksum of the bucket: it is as the CDN sends it', async () => {
    prepare(1000, 'another object’s');
    const { body } = await store.read(KEY, { range: { first: 0, last: 999 } }, signal);
    assert.equal((await body.bytes()).length, 1000);
  });
});

describe('an object whose ETag does not name its bytes is read through a CDN', () => {
  const weak = (answer: IncomingMessage): void => {
    answer.headers.etag = `W/${answer.headers.etag ?? ''}`;
    delete answer.headers['x-amz-version-id'];
  };
  const none = (answer: IncomingMessage): void => {
    delete answer.headers.etag;
  };
  for (const [what, onAnswer] of [
    ['a weak ETag', weak],
    ['no ETag', none],
  ] as const) {
    test(`${what}: only when its time is old enough to distinguish it from another object`, async () => {
      await using server = await startS3Server({ buckets: ['bucket'] });
      await using front = await startFrontProxy(server.url, { onAnswer });
      const content = server.bucket('bucket');
      await using cdn = await startCdnServer({ bucket: 'bucket', content });
      const { accessKeyId, secretAccessKey } = server.accessKey;
      await using store = openStore({
        ...{ dialect: 'AWS', region: 'us-east-1', bucket: 'bucket', endpoint: front.url },
        credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
        clock: new ManualClock(Date.now()),
        cdn: {
          ...{ origin: `http://${cdn.domain}`, authenticationType: 'NONE' },
          ...{ key: undefined, appId: undefined, guard: undefined },
        },
      });
      content.put(KEY, Buffer.from('young'), { lastModified: Date.now() + 60_000 });
      const pin = await store.head(KEY, signal);
      await rejectsWith('changed', store.read(KEY, {}, signal));
      await rejectsWith('changed', store.read(KEY, { pin }, signal));
      assert.deepEqual(cdn.served, []);
      content.put(KEY, Buffer.from('old'), { lastModified: Date.now() - 60_000 });
      const { body } = await store.read(KEY, {}, signal);
      assert.equal(Buffer.from(await body.bytes()).toString(), 'old');
    });
  }
});
