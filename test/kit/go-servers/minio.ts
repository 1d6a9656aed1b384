import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type GoServer, goServerMissing, rootUser, startGoServer } from './go-server.ts';

/** Why no MinIO can be started here; undefined where one can. */
export function minioMissing(): string | undefined {
  return goServerMissing('minio');
}

export interface MinioOptions {
  /** Whether it has a key to encrypt with; false unless said. */
  readonly keyServer?: boolean;
  /** Under which it knows buckets as hosts. */
  readonly domain?: string;
  /** Where it says that it is; nowhere unless given, and then it takes signatures for every region. */
  readonly region?: string;
}

/** Starts a MinIO of one node with one folder for a drive. */
export function startMinio({
  keyServer = false,
  domain,
  region,
}: MinioOptions = {}): Promise<GoServer> {
  return startGoServer({
    program: 'minio',
    args: ({ folder, port }) => {
      const drive = join(folder, 'drive');
      mkdirSync(drive);
      const address = `127.0.0.1:${port}`;
      return ['--config-dir', join(folder, 'config'), 'server', '--address', address, drive];
    },
    environment: {
      MINIO_ROOT_USER: rootUser.accessKeyId,
      MINIO_ROOT_PASSWORD: rootUser.secretAccessKey,
      // Tests use only its buckets.
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
      ...(domain !== undefined && { MINIO_DOMAIN: domain }),
      ...(region !== undefined && { MINIO_REGION: region }),
      // A test key of 32 bytes. It protects no secret.
      ...(keyServer && {
        MINIO_KMS_SECRET_KEY: `test-key:${Buffer.alloc(32, 7).toString('base64')}`,
      }),
    },
  });
}
