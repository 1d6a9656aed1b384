import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../src/platform/base/seal.ts';
import { openStore, type StoreOptions } from '../../src/platform/stores/open-store.ts';
import { cephAvailable, startCeph } from '../kit/ceph/ceph.ts';
import { createBucket, keepVersions } from '../kit/create-bucket.ts';
import { bodyOf, type Harness, rejectsWith, testStore } from './store.ts';
import { series } from '../kit/matrix/proves.ts';

/** Ceph knows buckets as hosts under this name; no resolver has to. */
const domain = 'localhost';

/** A separate cluster, used with one of the rows that fit it. */
function ceph({ dialect, addressing }: Pick<StoreOptions, 'dialect' | 'addressing'>): Harness {
  return {
    series: series('store-ceph', {
      way: 'server',
      clouds: [dialect],
      except: ['restore', 'CRC-64'],
    }),
    unavailable: cephAvailable(),
    exceptions: {
      'an upload for an absent key does not replace one':
        'Ceph 16 heeds If-None-Match on a put, but not when an upload is completed',
    },
    open: async () => {
      const server = await startCeph();
      const options: StoreOptions = {
        ...{ dialect, addressing },
        region: 'us-east-1',
        bucket: 'bucket',
        endpoint: server.url.replace('127.0.0.1', domain),
        lookup: (_hostname, { all }, callback) => {
          if (all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
          else callback(null, '127.0.0.1', 4);
        },
        credentials: {
          accessKeyId: server.accessKeyId,
          secretAccessKey: new Secret(server.secretAccessKey),
        },
      };
      await createBucket(server.url, 'bucket', options.credentials);
      const store = openStore(options);
      return {
        store,
        bucket: 'bucket',
        async [Symbol.asyncDispose]() {
          await store[Symbol.asyncDispose]();
          await server.close();
        },
      };
    },
  };
}

testStore('Ceph, a gateway, path style', ceph({ dialect: 'Ceph', addressing: 'path' }));
testStore('S3, a Ceph gateway, virtual host', ceph({ dialect: 'S3', addressing: 'virtual-host' }));

test('Ceph forgets the condition of a put where a bucket keeps versions', {
  skip: cephAvailable() ?? false,
}, async () => {
  await using server = await startCeph();
  const { signal } = new AbortController();
  const credentials = {
    accessKeyId: server.accessKeyId,
    secretAccessKey: new Secret(server.secretAccessKey),
  };
  await createBucket(server.url, 'bucket', credentials);
  const place = { endpoint: server.url, region: 'us-east-1', bucket: 'bucket' };
  await using store = openStore({ dialect: 'Ceph', ...place, credentials });
  await store.put('key', bodyOf('first'), {}, signal);
  const again = () => store.put('key', bodyOf('second'), { mode: 'create' }, signal);
  await rejectsWith('exists', again());
  await keepVersions(server.url, 'bucket', credentials);
  await again();
  assert.equal(store.traits.conditionalPutVersioned, false);
});

test('Ceph removes an object whatever ETag the removal names', {
  skip: cephAvailable() ?? false,
}, async () => {
  await using server = await startCeph();
  const { signal } = new AbortController();
  const credentials = {
    accessKeyId: server.accessKeyId,
    secretAccessKey: new Secret(server.secretAccessKey),
  };
  await createBucket(server.url, 'bucket', credentials);
  const place = { endpoint: server.url, region: 'us-east-1', bucket: 'bucket' };
  await using believing = openStore({ dialect: 'AWS', ...place, credentials, addressing: 'path' });
  await believing.put('key', bodyOf('bytes'), {}, signal);
  await believing.remove([{ key: 'key', ifMatch: '"another"' }], signal);
  await rejectsWith('not-found', believing.head('key', signal));
  await using store = openStore({ dialect: 'Ceph', ...place, credentials });
  assert.equal(store.traits.conditionalRemove, false);
});
