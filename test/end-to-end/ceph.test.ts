import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Secret } from '../../src/base/seal.ts';
import { openStore } from '../../src/stores/open-store.ts';
import type { PutOptions, Store } from '../../src/stores/store.ts';
import { type Ceph, cephAvailable, startCeph } from '../kit/ceph/ceph.ts';
import { createBucket } from '../kit/create-bucket.ts';
import { roundsOf } from '../kit/oms-client.ts';
import { startTestService, type TestService } from '../kit/service.ts';
import { sizes } from '../kit/world.ts';

const missing = cephAvailable();
const { signal } = new AbortController();

/** A bucket at a Ceph, open beside the service, to fill and to look at. */
async function openBucket(ceph: Ceph, bucket: string): Promise<Store> {
  const credentials = {
    accessKeyId: ceph.accessKeyId,
    secretAccessKey: new Secret(ceph.secretAccessKey),
  };
  await createBucket(ceph.url, bucket, credentials);
  const region = 'us-east-1';
  return openStore({ dialect: 'AWS', endpoint: ceph.url, region, bucket, credentials });
}

describe('between two Ceph object gateways', { skip: missing ?? false }, () => {
  const started = new AsyncDisposableStack();
  let from: Store;
  let to: Store;
  let service: TestService;
  let body: Record<string, unknown>;
  before(async () => {
    const [source, target] = await Promise.all([startCeph(), startCeph()]);
    started.use(source);
    started.use(target);
    from = started.use(await openBucket(source, 'source'));
    to = started.use(await openBucket(target, 'target'));
    const { settings } = (service = started.use(
      await startTestService({ settings: { tasksMax: 100, attemptsMax: 2 } }),
    ));
    assert.ok(settings.sizes.partBytes < sizes.large);
    body = {
      ...{ src_cloud_type: 'AWS', src_region: 'us-east-1', src_bucket: 'source' },
      ...{ src_endpoint: source.url, src_ak: source.accessKeyId, src_sk: source.secretAccessKey },
      ...{ dst_cloud_type: 'AWS', dst_region: 'us-east-1', dst_bucket: 'target' },
      ...{ dst_endpoint: target.url, dst_ak: target.accessKeyId, dst_sk: target.secretAccessKey },
    };
  });
  after(() => started[Symbol.asyncDispose]());

  async function put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<void> {
    await from.put(key, { content: bytes, size: bytes.length }, options, signal);
  }

  async function bytesAt(store: Store, key: string): Promise<Buffer> {
    return Buffer.from(await (await store.read(key, {}, signal)).body.bytes());
  }

  async function sync(taskId: string, keys: readonly string[]) {
    const before = roundsOf(await service.client.show(taskId));
    await service.client.sendEvents(taskId, keys);
    return service.client.settled(taskId, before + keys.length);
  }

  test('objects of every size arrive whole, proven, whatever their names', async () => {
    const taskId = await service.client.createTask(body);
    const objects = new Map<string, Buffer>([
      ['plain', Buffer.from('hello')],
      ['empty', Buffer.alloc(0)],
      ['a b+c%20/中文 🪣', randomBytes(1000)],
      ['quote\'"<&>/~*()!', randomBytes(1000)],
      ['slash//', randomBytes(10)],
      ['two-mib', randomBytes(2 * 1024 ** 2)],
      ['forty-mib', randomBytes(40 * 1024 ** 2)],
    ]);
    for (const [key, bytes] of objects) await put(key, bytes);
    const task = await sync(taskId, [...objects.keys()]);
    assert.equal(task.monthly_success_object, objects.size);
    for (const [key, bytes] of objects) assert.ok((await bytesAt(to, key)).equals(bytes), key);
    for (const listed of await service.client.objects(taskId)) {
      const method = listed.object_key === 'forty-mib' ? 'md5_of_parts' : 'md5';
      assert.deepEqual([listed.check_method, listed.check_passed], [method, true]);
    }
    assert.deepEqual(await to.listUploads('forty-mib', signal), []);
    const again = await sync(taskId, [...objects.keys()]);
    assert.equal(again.monthly_skip_object, objects.size);
  });

  test('metadata and storage class travel as the task asks', async () => {
    const fields = { enable_metadata_migration: true, dst_storage_policy: 'SRC_STORAGE_MAPPING' };
    const taskId = await service.client.createTask({ ...body, ...fields });
    const userMetadata = { 'plain': 'ASCII', 'greeting': 'Grüße, 世界', 'with.dots~+%': 'b' };
    const options = {
      contentType: 'text/html',
      contentHeaders: { 'cache-control': 'max-age=60' },
      tier: 'IA' as const,
      userMetadata,
    };
    await put('metadata', randomBytes(100), options);
    await sync(taskId, ['metadata']);
    const { contentType, contentHeaders, storageClass, ...head } = await to.head(
      'metadata',
      signal,
    );
    assert.deepEqual(
      { contentType, contentHeaders, storageClass },
      {
        contentType: 'text/html',
        contentHeaders: { 'cache-control': 'max-age=60' },
        storageClass: 'STANDARD_IA',
      },
    );
    assert.deepEqual(head.userMetadata, userMetadata);
  });

  test('NO_OVERWRITE keeps what is there, and quick second versions arrive', async () => {
    const keep = { object_overwrite_mode: 'NO_OVERWRITE' };
    const keeping = await service.client.createTask({ ...body, ...keep });
    const comparing = await service.client.createTask(body);
    await put('versions', Buffer.from('version 1'));
    await sync(comparing, ['versions']);
    await put('versions', Buffer.from('version 2'));
    const kept = await sync(keeping, ['versions']);
    assert.equal(kept.monthly_skip_object, 1);
    assert.equal((await bytesAt(to, 'versions')).toString(), 'version 1');
    await sync(comparing, ['versions']);
    assert.equal((await bytesAt(to, 'versions')).toString(), 'version 2');
  });

  for (const [what, fields, reason] of [
    ['an object that is missing', {}, 'not-found'],
    ['a source bucket that is missing', { src_bucket: 'no-such-bucket' }, 'no-bucket'],
    ['a target bucket that is missing', { dst_bucket: 'no-such-bucket' }, 'no-bucket'],
    ['a wrong access key', { src_ak: 'nobody' }, 'bad-credentials'],
    ['a wrong secret key', { src_sk: 'wrong' }, 'bad-credentials'],
  ] as const) {
    test(`${what} fails as ${reason}`, async () => {
      if (what !== 'an object that is missing') await put('there', Buffer.from('text'));
      const taskId = await service.client.createTask({ ...body, ...fields });
      const key = what === 'an object that is missing' ? 'nowhere' : 'there';
      const task = await sync(taskId, [key]);
      assert.equal(task.monthly_failure_object, 1);
      const [failed] = await service.client.objects(taskId);
      assert.equal(failed?.reason, reason, failed?.message ?? '');
    });
  }
});
