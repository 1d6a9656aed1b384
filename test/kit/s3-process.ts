import { Secret } from '../../src/platform/base/seal.ts';
import { openStore } from '../../src/platform/stores/open-store.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { cephAvailable, startCeph } from './ceph/ceph.ts';
import { startChild } from './child-process.ts';
import { createBucket } from './create-bucket.ts';

/** An S3 server in separate processes, the test server or Ceph, with one empty bucket. */
export interface S3Process extends AsyncDisposable {
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly bucket: string;
  readonly pid: number | undefined;
  /** The bucket, open; close it before the server. */
  open(): Store;
}

/** What only our own server does. */
export interface S3ProcessOptions {
  /** Keeps sizes only; see the server's own. */
  readonly sink?: boolean;
  /** Refuses requests with 503 SlowDown: by method, the share of them. */
  readonly refuse?: Readonly<Record<string, number>>;
  /** The same, beyond so many a second. */
  readonly limit?: Readonly<Record<string, number>>;
  /** Milliseconds that each request waits before it is performed. */
  readonly delayMs?: number;
}

export async function startS3Process(
  kind: 'ours' | 'ceph',
  bucket: string,
  options: S3ProcessOptions = {},
): Promise<S3Process> {
  const server = kind === 'ceph' ? await startCephProcess() : await startOurs(options);
  const key = {
    accessKeyId: server.accessKeyId,
    secretAccessKey: new Secret(server.secretAccessKey),
  };
  await createBucket(server.url, bucket, key);
  return {
    ...server,
    bucket,
    open: () =>
      openStore({
        dialect: 'AWS',
        endpoint: server.url,
        region: 'us-east-1',
        bucket,
        credentials: key,
      }),
  };
}

type Started = Omit<S3Process, 'bucket' | 'open'>;

async function startCephProcess(): Promise<Started> {
  const missing = cephAvailable();
  if (missing !== undefined) throw new Error(missing);
  return { ...(await startCeph()), pid: undefined };
}

async function startOurs({
  sink = false,
  refuse = {},
  delayMs,
  limit = {},
}: S3ProcessOptions): Promise<Started> {
  const [accessKeyId, secretAccessKey] = ['DEMOACCESSKEY', 'demo-secret-access-key'];
  const child = startChild(new URL('s3-server/main.ts', import.meta.url), [
    '--access-key',
    `${accessKeyId}:${secretAccessKey}`,
    ...(sink ? ['--sink'] : []),
    ...(delayMs === undefined ? [] : ['--delay', String(delayMs)]),
    ...Object.entries(refuse).flatMap(([method, share]) => ['--refuse', `${method}:${share}`]),
    ...Object.entries(limit).flatMap(([method, most]) => ['--limit', `${method}:${most}`]),
  ]);
  const [, url = ''] = await child.line(/"url":"([^"]+)"/);
  return {
    url,
    accessKeyId,
    secretAccessKey,
    pid: child.process.pid,
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
