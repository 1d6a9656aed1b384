import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Secret } from '../../src/platform/base/seal.ts';
import { openStore } from '../../src/platform/stores/open-store.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { oddNames } from '../conformance/names.ts';
import { patterned } from '../conformance/store.ts';
import type { KodoServer } from '../kit/kodo-server/server.ts';
import { heldContent } from '../kit/s3-server/content.ts';
import { qetag } from '../kit/s3-server/etags.ts';
import type { S3Server } from '../kit/s3-server/server.ts';
import { sizes, startWorld } from '../kit/service-between-buckets.ts';
import { startCloud } from './kit/route-to-localhost.ts';
import { accepted, bucket, type Kodo, openKodo, startKodo } from './kit/kodo-sdk.ts';
import { proves, series } from '../kit/matrix/proves.ts';

const MiB = 1024 ** 2;
const { signal } = new AbortController();

let cloud: S3Server;
let server: KodoServer;
let kodo: Kodo;
let plain: Store;
let behindDomain: Store;

function open(secret: string, cdn: boolean): Store {
  const { accessKeyId } = cloud.accessKey;
  const shared = { key: undefined, appId: undefined, guard: undefined };
  return openStore({
    ...{ dialect: 'Qiniu', region: 'cn-east-1', bucket, endpoint: cloud.url },
    credentials: { accessKeyId, secretAccessKey: new Secret(secret) },
    retries: { attempts: 1 },
    ...(cdn && {
      cdn: {
        ...{ ...shared, origin: `http://127.0.0.1:${server.port}` },
        authenticationType: 'QINIU_PRIVATE_AUTHENTICATION',
      },
    }),
  });
}

before(async () => {
  cloud = await startCloud(bucket, { dialect: 'qiniu' });
  server = await startKodo(cloud);
  const { secretAccessKey } = cloud.accessKey;
  kodo = openKodo(cloud, secretAccessKey, server.port);
  plain = open(secretAccessKey, false);
  behindDomain = open(secretAccessKey, true);
});
after(async () => {
  for (const each of [plain, behindDomain, server]) await each[Symbol.asyncDispose]();
  await cloud.close();
});

const hashed = (bytes: Buffer): string => qetag(heldContent([bytes]));

/** Qiniu's own protocol, which the service uses for downloads only. */
const itsSdk = series('sdk-kodo', { way: 'SDK', clouds: ['Qiniu'] });

describe('what Kodo’s SDK has put is read', itsSdk, () => {
  test(
    'under names of any form, by both ways',
    proves(['reads', 'odd names', 'listing', 'CDN']),
    async () => {
      // Keys with control characters cannot be listed: the cloud's listings are not URL-encoded.
      const names = oddNames.filter((name) => !/[\u0000-\u001f\u007f]/.test(name));
      const keys = [...names, '/slash', '//slashes', './x', '../x'].map((name) => `names/${name}`);
      for (const key of [...keys, '/slash', '//slashes']) {
        await kodo.put(key, Buffer.from(key));
        for (const store of [plain, behindDomain]) {
          const { head, body } = await store.read(key, {}, signal);
          assert.equal((await body.bytes()).toString(), key);
          assert.equal(head.etag, `"${hashed(Buffer.from(key))}"`);
        }
      }
      const listed = await plain.list({ prefix: 'names/' }, signal);
      const byBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.deepEqual(
        listed.entries.map(({ key }) => key),
        byBytes,
      );
    },
  );

  for (const ownNames of [false, true]) {
    test(
      `with metadata reported as ${ownNames ? 'x-qn-meta-' : 'x-amz-meta-'}, no MD5 and no time of its own`,
      proves(['metadata', 'CDN']),
      async () => {
        server.manners.ownNames = ownNames;
        const metadata = {
          'x-qn-meta-colour': 'blue',
          'x-qn-meta-Farbe': 'grün 🙈',
          'x-qn-meta-!Cache-Control': 'no-cache',
          // As the vendor's SDK for Python keeps the time of a file.
          'x-qn-meta-!Last-Modified': 'Wed, 01 Jan 2020 00:00:00 GMT',
        };
        await kodo.put('told', Buffer.from('told'), { mimeType: 'image/png', metadata });
        for (const store of [plain, behindDomain]) {
          const { head, body } = await store.read('told', {}, signal);
          assert.equal((await body.bytes()).toString(), 'told');
          assert.deepEqual(head.userMetadata, { colour: 'blue', farbe: 'grün 🙈' });
          assert.equal(head.contentHeaders['cache-control'], 'no-cache');
          assert.equal(head.contentType, 'image/png');
          assert.equal(head.md5, undefined);
          // A read through a domain has the domain's own ETag beside this; only a HEAD has the date of its answer.
          const { date, ...facts } = await store.head('told', signal);
          assert.ok(date !== undefined);
          assert.partialDeepStrictEqual(head, facts);
        }
        server.manners.ownNames = false;
      },
    );
  }

  test('in parts of any size', proves(['reads', 'CDN']), async () => {
    const bytes = patterned(9 * MiB + 1);
    for (const [partSize, first] of [
      [4 * MiB, 'l'],
      [5 * MiB, 'n'],
    ] as const) {
      const { hash } = await kodo.putParts('parts', bytes, { partSize });
      assert.ok(hash.startsWith(first));
      for (const store of [plain, behindDomain]) {
        const whole = await store.read('parts', {}, signal);
        assert.equal(whole.head.etag, `"${hash}"`);
        assert.equal(whole.head.md5, undefined);
        assert.ok(bytes.equals(await whole.body.bytes()));
        const range = { first: 5 * MiB - 1, last: 5 * MiB + 2 };
        const part = await store.read('parts', { range, pin: whole.head }, signal);
        assert.ok(bytes.subarray(range.first, range.last + 1).equals(await part.body.bytes()));
      }
    }
  });

  test('in the class that it has', proves('classes'), async () => {
    for (const [type, tier] of [
      [0, undefined],
      [1, 'IA'],
      [2, 'ARCHIVE'],
      [3, 'DEEP_ARCHIVE'],
      [4, 'IA'],
      [5, 'STANDARD'],
    ] as const) {
      await kodo.put('classed', Buffer.from('x'), { policy: { fileType: type } });
      assert.equal((await plain.head('classed', signal)).tier, tier);
    }
  });

  test('once it has been restored', proves(['restore', 'CDN']), async () => {
    const { manager } = kodo;
    for (const store of [plain, behindDomain]) {
      await kodo.put('frozen', Buffer.from('ice'));
      await accepted(manager.changeType(bucket, 'frozen', 2));
      await assert.rejects(store.read('frozen', {}, signal), { fault: 'archived' });
      await store.restore('frozen', { days: 2 }, signal);
      assert.equal((await accepted(manager.stat(bucket, 'frozen'))).restoreStatus, 1);
      await assert.rejects(store.read('frozen', {}, signal), { fault: 'archived' });
      cloud.bucket(bucket).finishRestore('frozen');
      assert.equal((await accepted(manager.stat(bucket, 'frozen'))).restoreStatus, 2);
      const { body } = await store.read('frozen', {}, signal);
      assert.equal((await body.bytes()).toString(), 'ice');
    }
  });

  test('not by a client that has another secret', proves('errors'), async () => {
    await kodo.put('closed', Buffer.from('x'));
    await using other = open('another-secret', false);
    await assert.rejects(other.read('closed', {}, signal), { fault: 'bad-credentials' });
  });
});

test('what we put Kodo’s SDK reads', { ...itsSdk, ...proves('put') }, async () => {
  const bytes = patterned(100_000);
  const content = { size: bytes.length, content: bytes };
  const told = { contentType: 'image/png', userMetadata: { colour: 'blue' }, tier: 'IA' } as const;
  await plain.put('ours', { ...content, md5: undefined }, told, signal);
  const stat = await accepted(kodo.manager.stat(bucket, 'ours'));
  assert.equal(stat.hash, hashed(bytes));
  assert.equal(stat.mimeType, 'image/png');
  assert.equal(stat.type, 1);
  assert.deepEqual(stat['x-qn-meta'], { colour: 'blue' });
});

test('a task moves what Kodo’s SDK has put, through a domain of the bucket', {
  ...itsSdk,
  ...proves(['CDN', 'source']),
}, async () => {
  await using world = await startWorld({
    settings: { checkBuckets: true },
    source: { dialect: 'qiniu' },
    settingsOf: ({ source: { url: endpoint } }) => ({
      endpoints: [{ cloud: 'Qiniu', region: 'here', endpoint, dialect: 'Qiniu' }],
    }),
  });
  await using kodoOfWorld = await startKodo(world.source, 'source');
  const { secretAccessKey } = world.source.accessKey;
  const sdk = openKodo(world.source, secretAccessKey, kodoOfWorld.port, 'source');
  const large = patterned(sizes.large);
  const metadata = {
    'x-qn-meta-colour': 'blue',
    'x-qn-meta-!Last-Modified': 'Wed, 01 Jan 2020 00:00:00 GMT',
  };
  await sdk.put('small +%2F/🙈', Buffer.from('small'), { mimeType: 'image/png', metadata });
  await sdk.put('//slashes/../dots', Buffer.from('dots'));
  await sdk.putParts('large', large, { partSize: 5 * MiB, metadata });
  const taskId = await world.createTask({
    ...{ src_cloud_type: 'Qiniu', src_region: 'here', src_endpoint: undefined },
    enable_metadata_migration: true,
    source_cdn: {
      ...{ domain: `127.0.0.1:${kodoOfWorld.port}`, protocol: 'http' },
      authentication_type: 'QINIU_PRIVATE_AUTHENTICATION',
    },
  });
  const keys = ['small +%2F/🙈', '//slashes/../dots', 'large'];
  const task = await world.sync(taskId, keys);
  const failed = await world.client.objects(taskId, 'failed');
  assert.deepEqual(
    failed.map(({ message }) => message),
    [],
  );
  assert.equal(task.monthly_success_object, keys.length);
  assert.equal(world.to.bytes('small +%2F/🙈')?.toString(), 'small');
  assert.equal(world.to.bytes('//slashes/../dots')?.toString(), 'dots');
  assert.ok(world.to.bytes('large')?.equals(large));
  for (const key of ['small +%2F/🙈', 'large']) {
    assert.deepEqual(world.to.object(key)?.userMetadata, { colour: 'blue' });
  }
  assert.equal(world.to.object('small +%2F/🙈')?.contentHeaders['content-type'], 'image/png');
  // The bytes came through the domain, those of the large one in parts.
  const reads = kodoOfWorld.asked.filter((line) => line.startsWith('io GET '));
  assert.ok(reads.length > keys.length);
});
