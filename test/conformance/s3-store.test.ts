import { Secret } from '../../src/platform/base/seal.ts';
import { openAdapter, openStore, type StoreOptions } from '../../src/platform/stores/open-store.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { makeCertificate } from '../kit/certificate.ts';
import { type S3Server, type S3ServerOptions, startS3Server } from '../kit/s3-server/server.ts';
import { type Harness, testStore } from './store.ts';

const domain = 's3.test';

interface Variant {
  readonly server?: S3ServerOptions;
  readonly tls?: boolean;
  readonly store: Pick<StoreOptions, 'dialect' | 'addressing'>;
  readonly open?: (options: StoreOptions) => Store;
}

function harness({
  server: serverOptions,
  tls = false,
  store,
  open = openAdapter,
}: Variant): Harness {
  return {
    open: async () => {
      const certificate = tls ? await makeCertificate([domain, `*.${domain}`]) : undefined;
      const server = await startS3Server({
        buckets: ['bucket'],
        virtualHost: domain,
        ...(certificate === undefined ? {} : { tls: certificate }),
        ...serverOptions,
      });
      const opened = open({
        ...store,
        region: 'us-east-1',
        bucket: 'bucket',
        endpoint: `${tls ? 'https' : 'http'}://${domain}:${server.port}`,
        credentials: keyOf(server),
        ca: certificate?.cert,
        // Every name is this machine: there is no such domain.
        lookup: (_hostname, options, callback) => {
          if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
          else callback(null, '127.0.0.1', 4);
        },
      });
      return {
        store: opened,
        bucket: 'bucket',
        archive: {
          tier: 'ARCHIVE',
          thaw: (key) => server.bucket('bucket').finishRestore(key),
        },
        async [Symbol.asyncDispose]() {
          await opened[Symbol.asyncDispose]();
          await server.close();
        },
      };
    },
  };
}

function keyOf({ accessKey }: S3Server): StoreOptions['credentials'] {
  const { accessKeyId, secretAccessKey } = accessKey;
  return { accessKeyId, secretAccessKey: new Secret(secretAccessKey) };
}

testStore('S3, path style', harness({ store: { dialect: 'AWS', addressing: 'path' } }));
testStore(
  'S3, virtual host, https',
  harness({ tls: true, store: { dialect: 'AWS', addressing: 'virtual-host' } }),
);
testStore(
  'OBS, virtual host',
  harness({
    server: { dialect: 'obs' },
    store: { dialect: 'HuaweiCloud', addressing: 'virtual-host' },
  }),
);
testStore(
  'OBS, path style, https',
  harness({
    tls: true,
    server: { dialect: 'obs' },
    store: { dialect: 'HuaweiCloud', addressing: 'path' },
  }),
);
testStore(
  'openStore, S3',
  harness({
    store: { dialect: 'AWS' },
    open: (options) => openStore({ ...options, connections: 8 }),
  }),
);
