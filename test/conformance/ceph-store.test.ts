import { Secret } from '../../src/base/seal.ts';
import { openStore } from '../../src/stores/open-store.ts';
import { cephAvailable, startCeph } from '../kit/ceph/ceph.ts';
import { createBucket } from '../kit/create-bucket.ts';
import { type Harness, testStore } from './store.ts';

function ceph(): Harness {
  return {
    unavailable: cephAvailable(),
    exceptions: {
      'a copy is pinned like a read': 'Ceph 16 ignores x-amz-copy-source-if-match',
      'an upload for an absent key does not replace one':
        'Ceph 16 heeds If-None-Match on a put, but not when an upload is completed',
    },
    open: async () => {
      const server = await startCeph();
      const options = {
        dialect: 'AWS',
        region: 'us-east-1',
        endpoint: server.url,
        credentials: {
          accessKeyId: server.accessKeyId,
          secretAccessKey: new Secret(server.secretAccessKey),
        },
      } as const;
      await createBucket(server.url, 'bucket', options.credentials);
      const store = openStore({ ...options, bucket: 'bucket' });
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

testStore('a Ceph gateway', ceph());
