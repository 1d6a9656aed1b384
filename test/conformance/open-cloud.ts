import { Secret } from '../../src/platform/base/seal.ts';
import { openAdapter } from '../../src/platform/stores/open-store.ts';
import { type S3DialectName, s3Dialects } from '../../src/platform/stores/s3/dialects.ts';
import { scopeOf } from '../../src/platform/stores/s3/region.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { makeCertificate } from '../kit/certificate.ts';
import { playedClouds } from '../kit/played-clouds.ts';
import { type S3Server, type S3ServerOptions, startS3Server } from '../kit/s3-server/server.ts';

const domain = 'cloud.test';

/** A server that plays a cloud, and the adapter by the cloud's row. */
export interface OpenCloud extends AsyncDisposable {
  readonly server: S3Server;
  readonly bucket: string;
  readonly store: Store;
  /** Opens the adapter with another secret or another session token; the caller must close it. */
  readonly openWith: (secret: string, token?: string) => Store;
}

/** The bucket as the cloud's own hosts would have it: in the host by TLS, or in the path. */
export async function openCloud(
  dialect: S3DialectName,
  { sessionToken, now }: Pick<S3ServerOptions, 'sessionToken' | 'now'> = {},
): Promise<OpenCloud> {
  const { server: row, region, bucket } = playedClouds[dialect];
  const addressing = s3Dialects[dialect].addressing.own;
  const tls = addressing === 'virtual-host';
  const certificate = tls ? await makeCertificate([domain, `*.${domain}`]) : undefined;
  const server = await startS3Server({
    buckets: [bucket],
    virtualHost: domain,
    dialect: row,
    keyServer: true,
    ...(sessionToken !== undefined && { sessionToken }),
    ...(now !== undefined && { now }),
    region: scopeOf(s3Dialects[dialect], region),
    ...(certificate === undefined ? {} : { tls: certificate }),
  });
  const { accessKeyId, secretAccessKey } = server.accessKey;
  const openWith = (secret: string, token?: string): Store =>
    openAdapter({
      ...{ dialect, region, bucket, addressing },
      endpoint: `${tls ? 'https' : 'http'}://${domain}:${server.port}`,
      credentials: {
        accessKeyId,
        secretAccessKey: new Secret(secret),
        sessionToken: token === undefined ? undefined : new Secret(token),
      },
      ca: certificate?.cert,
      // Every name is this machine: there is no such domain.
      lookup: (_hostname, options, callback) => {
        if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
        else callback(null, '127.0.0.1', 4);
      },
    });
  const store = openWith(secretAccessKey, sessionToken);
  return {
    ...{ server, bucket, store, openWith },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await server.close();
    },
  };
}
