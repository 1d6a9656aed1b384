import { Secret } from '../../src/base/seal.ts';
import { type S3DialectName, s3Dialects } from '../../src/stores/s3/dialects.ts';
import { scopeOf } from '../../src/stores/s3/region.ts';
import { openAdapter } from '../../src/stores/open-store.ts';
import { makeCertificate } from '../kit/certificate.ts';
import { playedClouds, s3DialectNames } from '../kit/clouds.ts';
import { startS3Server } from '../kit/s3-server/server.ts';
import { exceptionsOf } from './exceptions.ts';
import { type Harness, testStore } from './store.ts';

const domain = 'cloud.test';

/** The bucket as the cloud's own hosts would have it: in the host by TLS, or in the path. */
function harness(dialect: S3DialectName): Harness {
  const { server: row, region, bucket } = playedClouds[dialect];
  const { addressing, tierClasses, classes } = s3Dialects[dialect];
  const tls = addressing.own === 'virtual-host';
  const archived = Object.entries(tierClasses).some(([, word]) => classes.get(word)?.archived);
  return {
    exceptions: exceptionsOf[dialect] ?? {},
    open: async () => {
      const certificate = tls ? await makeCertificate([domain, `*.${domain}`]) : undefined;
      const server = await startS3Server({
        buckets: [bucket],
        virtualHost: domain,
        dialect: row,
        region: scopeOf(s3Dialects[dialect], region),
        ...(certificate === undefined ? {} : { tls: certificate }),
      });
      const { accessKeyId, secretAccessKey } = server.accessKey;
      const store = openAdapter({
        ...{ dialect, region, bucket, addressing: addressing.own },
        endpoint: `${tls ? 'https' : 'http'}://${domain}:${server.port}`,
        credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
        ca: certificate?.cert,
        // Every name is this machine: there is no such domain.
        lookup: (_hostname, options, callback) => {
          if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
          else callback(null, '127.0.0.1', 4);
        },
      });
      return {
        store,
        bucket,
        ...(archived && {
          archive: {
            tier: 'ARCHIVE' as const,
            thaw: (key: string) => server.bucket(bucket).finishRestore(key),
          },
        }),
        async [Symbol.asyncDispose]() {
          await store[Symbol.asyncDispose]();
          await server.close();
        },
      };
    },
  };
}

for (const name of s3DialectNames) {
  const { addressing, signature } = s3Dialects[name];
  testStore(`${name}, ${addressing.own}, ${signature}`, harness(name));
}
