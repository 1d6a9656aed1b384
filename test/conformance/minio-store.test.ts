import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MiB } from '../../src/platform/base/bytes.ts';
import { systemClock } from '../../src/platform/base/clock.ts';
import { Secret } from '../../src/platform/base/seal.ts';
import { openAdapter, openStore, type StoreOptions } from '../../src/platform/stores/open-store.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { createBucket, keepVersions } from '../kit/create-bucket.ts';
import type { GoServer } from '../kit/go-servers/go-server.ts';
import { minioMissing, startMinio } from '../kit/go-servers/minio.ts';
import { dialects } from '../kit/s3-server/dialects.ts';
import { canHave } from '../kit/s3-server/names.ts';
import { exceptionsOf } from './exceptions.ts';
import { oddNames } from './names.ts';
import { bodyOf, type Harness, patterned, rejectsWith, testStore } from './store.ts';
import { proves, series } from '../kit/matrix/proves.ts';

/** MinIO knows buckets as hosts under this name; no resolver has to. */
const domain = 'localhost';

function optionsOf(server: GoServer): StoreOptions {
  const { accessKeyId, secretAccessKey } = server;
  return {
    dialect: 'MinIO',
    region: 'us-east-1',
    bucket: 'bucket',
    endpoint: server.url.replace('127.0.0.1', domain),
    addressing: 'path',
    credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
    lookup: (_hostname, { all }, callback) => {
      if (all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
      else callback(null, '127.0.0.1', 4);
    },
  };
}

function minio(row: Pick<StoreOptions, 'dialect' | 'addressing'>): Harness {
  return {
    series: series('store-minio', {
      way: 'server',
      clouds: [row.dialect],
      except: ['restore', 'CRC-64'],
    }),
    unavailable: minioMissing(),
    exceptions: exceptionsOf.MinIO ?? {},
    open: async () => {
      const server = await startMinio({ domain });
      const options = { ...optionsOf(server), ...row };
      await createBucket(server.url, 'bucket', options.credentials);
      const store = openStore(options);
      return {
        store,
        bucket: 'bucket',
        async [Symbol.asyncDispose]() {
          await store[Symbol.asyncDispose]();
          await server[Symbol.asyncDispose]();
        },
      };
    },
  };
}

testStore('MinIO, a server, path style', minio({ dialect: 'MinIO', addressing: 'path' }));
testStore('S3, a MinIO server, virtual host', minio({ dialect: 'S3', addressing: 'virtual-host' }));

describe('MinIO, a server, is what its row says', {
  ...series('row-minio', { way: 'server', clouds: ['MinIO'] }),
  skip: minioMissing() ?? false,
}, () => {
  const { signal } = new AbortController();
  const started = new AsyncDisposableStack();
  let server: GoServer;
  let options: StoreOptions;
  let store: Store;
  before(async () => {
    server = started.use(await startMinio({ domain }));
    options = optionsOf(server);
    await createBucket(server.url, 'bucket', options.credentials);
    store = started.use(openStore(options));
  });
  after(() => started[Symbol.asyncDispose]());

  test('it removes an object whatever ETag the removal names', async () => {
    await using believing = openStore({ ...options, dialect: 'AWS' });
    await believing.put('key', bodyOf('bytes'), {}, signal);
    await believing.remove([{ key: 'key', ifMatch: '"another"' }], signal);
    await rejectsWith('not-found', believing.head('key', signal));
    assert.equal(store.traits.conditionalRemove, false);
  });

  test(
    'odd names that it can have are listed in order and removed together',
    proves('odd names'),
    async () => {
      const keys = oddNames.filter((name) => canHave(name, dialects.minio.keys));
      for (const key of keys) await store.put(`odd/${key}`, bodyOf(key), {}, signal);
      const { entries } = await store.list({ prefix: 'odd/' }, signal);
      const bytewise = keys
        .map((key) => Buffer.from(`odd/${key}`))
        .sort((a, b) => Buffer.compare(a, b))
        .map((bytes) => bytes.toString());
      assert.deepEqual(
        entries.map(({ key }) => key),
        bytewise,
      );
      await store.remove(
        bytewise.map((key) => ({ key })),
        signal,
      );
      assert.deepEqual((await store.list({ prefix: 'odd/' }, signal)).entries, []);
    },
  );

  test(
    'names that it cannot have are refused by our server of it too, and by no other fault',
    proves('odd names'),
    async () => {
      const names = [
        ...['a//b', 'a//', './a', 'a/./b', '..', 'a/../b', 'a/ .. /b', 'b\\..\\c'],
        ...['x'.repeat(256), '中'.repeat(86)],
      ];
      for (const key of names) {
        assert.ok(!canHave(key, dialects.minio.keys), key);
        await rejectsWith('refused', store.put(key, bodyOf('x'), {}, signal));
        await rejectsWith('refused', store.head(key, signal));
      }
      for (const key of ['x'.repeat(255), `${'y'.repeat(255)}/z`, 'back\\slash', 'a /.b']) {
        assert.ok(canHave(key, dialects.minio.keys), key);
        await store.put(key, bodyOf('x'), {}, signal);
      }
    },
  );

  test('a name that begins with a slash would be another object, and is never sent', async () => {
    await store.put('named', bodyOf('first'), {}, signal);
    await rejectsWith('refused', store.put('/named', bodyOf('second'), {}, signal));
    await rejectsWith('refused', store.startParts('//named', {}, signal));
    await rejectsWith('refused', store.remove([{ key: '/named' }, { key: 'other' }], signal));
    await rejectsWith('refused', store.copy({ bucket: 'bucket', key: 'x' }, '/named', signal));
    assert.equal((await store.head('named', signal)).size, 5);
    // What it would do with it.
    await using careless = openStore({ ...options, dialect: 'Ceph' });
    await careless.put('/named', bodyOf('of the slash'), {}, signal);
    assert.equal((await store.head('named', signal)).size, 12);
    await careless.remove([{ key: '//named' }, { key: 'gone' }], signal);
    await rejectsWith('not-found', store.head('named', signal));
  });

  test('an object below another is there, and is not listed', async () => {
    await store.put('tree', bodyOf('tree'), {}, signal);
    await store.put('tree/leaf', bodyOf('leaf'), {}, signal);
    assert.equal((await store.head('tree/leaf', signal)).size, 4);
    const { entries } = await store.list({ prefix: 'tree' }, signal);
    assert.deepEqual(
      entries.map(({ key }) => key),
      ['tree'],
    );
  });

  test('a key that is taken is kept in a bucket with versions too', async () => {
    await createBucket(server.url, 'versions', options.credentials);
    await keepVersions(server.url, 'versions', options.credentials);
    await using versions = openStore({ ...options, bucket: 'versions' });
    await versions.put('key', bodyOf('first'), {}, signal);
    const create = { mode: 'create' } as const;
    await rejectsWith('exists', versions.put('key', bodyOf('second'), create, signal));
    await using upload = versions.resumeParts(
      'key',
      (await versions.startParts('key', {}, signal)).id,
      create,
    );
    const part = await upload.putPart(1, bodyOf('third'), signal);
    await rejectsWith('exists', upload.complete([part], signal));
    await versions.remove([{ key: 'key' }], signal);
    await versions.put('key', bodyOf('after a removal'), create, signal);
  });

  test('parts but the last have 5 MiB at least', async () => {
    await using upload = await store.startParts('parts', {}, signal);
    const small = await upload.putPart(1, bodyOf(patterned(5 * MiB - 4)), signal);
    const last = await upload.putPart(2, bodyOf('x'), signal);
    await assert.rejects(upload.complete([small, last], signal), /EntityTooSmall/);
    const enough = await upload.putPart(1, bodyOf(patterned(5 * MiB)), signal);
    await upload.complete([enough, last], signal);
  });

  test('user metadata are counted as headers', async () => {
    const prefix = 'x-amz-meta-a'.length;
    await store.put('key', bodyOf('x'), { userMetadata: { a: 'v'.repeat(2048 - prefix) } }, signal);
    const userMetadata = { a: 'v'.repeat(2049 - prefix) };
    await assert.rejects(
      store.put('key', bodyOf('x'), { userMetadata }, signal),
      /2049 bytes, where 2048 are the most/,
    );
    await using careless = openStore({ ...options, dialect: 'S3' });
    await assert.rejects(careless.put('key', bodyOf('x'), { userMetadata }, signal), {
      fault: 'refused',
      message: /MetadataTooLarge/,
    });
  });

  test('classes of others are refused', async () => {
    assert.deepEqual(store.traits.tiers, ['STANDARD']);
    await store.put('class', bodyOf('x'), { tier: 'STANDARD' }, signal);
    await using careless = openStore({ ...options, dialect: 'S3' });
    await assert.rejects(careless.put('class', bodyOf('x'), { tier: 'IA' }, signal), {
      fault: 'refused',
      message: /InvalidStorageClass/,
    });
  });

  test('a HEAD fails with the same reason as a GET', proves('errors'), async () => {
    const { accessKeyId, secretAccessKey } = options.credentials;
    for (const [fault, wrong] of [
      ['no-bucket', { bucket: 'nowhere' }],
      ['bad-credentials', { credentials: { accessKeyId, secretAccessKey: new Secret('wrong') } }],
      ['bad-credentials', { credentials: { accessKeyId: 'nobody', secretAccessKey } }],
      [
        'bad-credentials',
        { credentials: { accessKeyId, secretAccessKey, sessionToken: new Secret('wrong') } },
      ],
    ] as const) {
      await using other = openStore({ ...options, ...wrong });
      await rejectsWith(fault, other.head('key', signal));
      await rejectsWith(fault, other.read('key', {}, signal));
    }
  });

  test('a region that is another is learnt from the first answer, be it to a HEAD', async () => {
    const region = 'eu-west-1';
    await using other = await startMinio({ domain, region });
    const there = optionsOf(other);
    await createBucket(other.url, 'bucket', there.credentials, region);
    await using writing = openStore(there);
    await writing.put('key', bodyOf('x'), {}, signal);
    await using looking = openStore(there);
    assert.equal((await looking.head('key', signal)).size, 1);
    await using listing = openStore(there);
    assert.equal((await listing.list({}, signal)).entries.length, 1);
  });

  test('a clock that differs is reported, and corrected', proves('errors'), async () => {
    const ahead = 3_600_000;
    for (const by of [ahead, -ahead]) {
      const clock = { ...systemClock, now: () => Date.now() + by };
      await using other = openAdapter({ ...options, clock });
      await rejectsWith('clock-skew', other.put('clock', bodyOf('x'), {}, signal));
      await other.put('clock', bodyOf('x'), {}, signal);
      await using looking = openAdapter({ ...options, clock });
      await rejectsWith('clock-skew', looking.head('clock', signal));
      assert.equal((await looking.head('clock', signal)).size, 1);
    }
  });
});
