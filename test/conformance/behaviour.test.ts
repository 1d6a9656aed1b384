import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  observeConditions,
  observeMd5,
  observeSource,
  observeTarget,
} from '../../src/domain/copy/observe.ts';
import { systemClock } from '../../src/platform/base/clock.ts';
import { Secret } from '../../src/platform/base/seal.ts';
import type { Behaviour } from '../../src/platform/model/behaviour.ts';
import { openStore, type StoreOptions } from '../../src/platform/stores/open-store.ts';
import { cephAvailable, startCeph } from '../kit/ceph/ceph.ts';
import { createBucket, keepVersions } from '../kit/create-bucket.ts';
import { minioMissing, startMinio } from '../kit/go-servers/minio.ts';
import { startVersitygw, versitygwMissing } from '../kit/go-servers/versitygw.ts';
import { bodyOf } from './store.ts';

/** How real servers behave, and which claims of a row a probe refutes there. */

interface Server {
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const { signal } = new AbortController();
const check = { clock: systemClock, signal };
const reads: Behaviour = { conditionalRead: true, ranges: true, ordered: true };

async function observed(
  server: Server,
  dialect: StoreOptions['dialect'],
  { bucket, versions = false }: { readonly bucket: string; readonly versions?: boolean },
): Promise<Behaviour> {
  const { url: endpoint, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey: new Secret(secretAccessKey) };
  await createBucket(endpoint, bucket, credentials);
  if (versions) await keepVersions(endpoint, bucket, credentials);
  const place = { endpoint, region: 'us-east-1', bucket, addressing: 'path' } as const;
  await using store = openStore({ dialect, ...place, credentials });
  for (const key of ['first', 'marker']) await store.put(key, bodyOf('bytes'), {}, signal);
  await using upload = await store.startParts('upload', {}, signal);
  const ofSource = await observeSource(store, { behindCdn: false }, check);
  const { ordered } = await observeTarget(store, check);
  assert.equal(ordered, ofSource.ordered);
  const ofWrites = await observeConditions(store, 'marker', check);
  return { ...ofSource, ...(await observeMd5(upload, check)), ...ofWrites };
}

describe('Ceph 16', { skip: cephAvailable() ?? false }, () => {
  let server: Awaited<ReturnType<typeof startCeph>>;
  before(async () => {
    server = await startCeph();
  });
  after(() => server.close());

  test('behaves as its row says', async () => {
    const expected = { ...reads, checksMd5: true, conditionalPut: true };
    assert.deepEqual(await observed(server, 'Ceph', { bucket: 'ceph' }), expected);
  });

  test('forgets the condition of puts where a bucket keeps versions', async () => {
    const options = { bucket: 'versions', versions: true };
    const { conditionalPut } = await observed(server, 'Ceph', options);
    assert.equal(conditionalPut, false);
  });

  test('refutes the condition of removals, which S3 has', async () => {
    const found = await observed(server, 'AWS', { bucket: 'aws' });
    assert.equal(found.conditionalRemove, false);
  });
});

describe('MinIO', { skip: minioMissing() ?? false }, () => {
  let server: Awaited<ReturnType<typeof startMinio>>;
  before(async () => {
    server = await startMinio();
  });
  after(() => server[Symbol.asyncDispose]());

  test('behaves as its row says', async () => {
    const expected = { ...reads, checksMd5: true, conditionalPut: true };
    assert.deepEqual(await observed(server, 'MinIO', { bucket: 'own' }), expected);
  });

  test('refutes the condition of removals, which S3 has', async () => {
    const found = await observed(server, 'AWS', { bucket: 'aws' });
    assert.equal(found.conditionalRemove, false);
  });
});

test('a Versity gateway keeps what servers without a row of their own promise', {
  skip: versitygwMissing() ?? false,
}, async () => {
  await using server = await startVersitygw();
  assert.deepEqual(await observed(server, 'S3', { bucket: 'bucket' }), {
    ...reads,
    checksMd5: true,
  });
});
