import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Secret } from '../../src/base/seal.ts';
import { openStore } from '../../src/stores/open-store.ts';
import type { PutOptions, Store } from '../../src/stores/store.ts';
import { createBucket } from '../kit/create-bucket.ts';
import type { GoServer } from '../kit/go-servers/go-server.ts';
import { minioMissing, startMinio } from '../kit/go-servers/minio.ts';
import { roundsOf } from '../kit/oms-client.ts';
import { startTestService, type TestService } from '../kit/service.ts';
import { sizes } from '../kit/world.ts';

const { signal } = new AbortController();
const row = { cloud: 'AWS', dialect: 'MinIO' } as const;

/** A bucket at a MinIO, open beside the service, to fill and to look at. */
async function openBucket(server: GoServer, bucket: string): Promise<Store> {
  const { accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey: new Secret(secretAccessKey) };
  await createBucket(server.url, bucket, credentials);
  const place = { endpoint: server.url, region: 'us-east-1', bucket };
  return openStore({ dialect: 'MinIO', ...place, credentials });
}

describe('between two MinIO servers', { skip: minioMissing() ?? false }, () => {
  const started = new AsyncDisposableStack();
  let from: Store;
  let to: Store;
  let service: TestService;
  let body: Record<string, unknown>;
  before(async () => {
    const source = started.use(await startMinio());
    const target = started.use(await startMinio({ keyServer: true }));
    from = started.use(await openBucket(source, 'source'));
    to = started.use(await openBucket(target, 'target'));
    const signingRegion = 'us-east-1';
    const settings = {
      tasksMax: 100,
      attemptsMax: 2,
      checkBuckets: false,
      endpoints: [
        { ...row, signingRegion, region: 'here', endpoint: source.url },
        { ...row, signingRegion, region: 'there', endpoint: target.url },
      ],
    };
    service = started.use(await startTestService({ settings }));
    assert.ok(service.settings.sizes.partBytes < sizes.large);
    body = {
      ...{ src_cloud_type: 'AWS', src_region: 'here', src_bucket: 'source' },
      ...{ src_ak: source.accessKeyId, src_sk: source.secretAccessKey },
      ...{ dst_cloud_type: 'AWS', dst_region: 'there', dst_bucket: 'target' },
      ...{ dst_ak: target.accessKeyId, dst_sk: target.secretAccessKey },
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

  async function outcomeOf(taskId: string, key: string) {
    const found = (await service.client.objects(taskId)).find((each) => each.object_key === key);
    return found ?? assert.fail(key);
  }

  test('objects of every size arrive whole, proven, whatever their names', async () => {
    const taskId = await service.client.createTask(body);
    const objects = new Map<string, Buffer>([
      ['plain', Buffer.from('hello')],
      ['empty', Buffer.alloc(0)],
      ['a b+c%20/中文 🪣', randomBytes(1000)],
      ['quote\'"<&>/~*()!', randomBytes(1000)],
      ['folder/', randomBytes(10)],
      ['control\u0001', randomBytes(10)],
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

  test('metadata travel as the task asks', async () => {
    const taskId = await service.client.createTask({ ...body, enable_metadata_migration: true });
    const userMetadata = { plain: 'ASCII', greeting: 'Grüße, 世界' };
    const contentHeaders = { 'cache-control': 'max-age=60' };
    await put('metadata', randomBytes(100), {
      contentType: 'text/html',
      contentHeaders,
      userMetadata,
    });
    await sync(taskId, ['metadata']);
    const head = await to.head('metadata', signal);
    assert.equal(head.contentType, 'text/html');
    assert.deepEqual(head.contentHeaders, contentHeaders);
    assert.deepEqual(head.userMetadata, userMetadata);
  });

  for (const [name, size] of Object.entries(sizes)) {
    test(`a ${name} object is encrypted by the key that the server has`, async () => {
      const taskId = await service.client.createTask({ ...body, enable_kms: true });
      const bytes = randomBytes(size);
      await put(`kms-${name}`, bytes);
      await sync(taskId, [`kms-${name}`]);
      const { outcome, check_passed, message } = await outcomeOf(taskId, `kms-${name}`);
      assert.deepEqual([outcome, check_passed], ['copied', true], message ?? '');
      assert.equal((await to.head(`kms-${name}`, signal)).encryption, 'kms');
      assert.ok((await bytesAt(to, `kms-${name}`)).equals(bytes));
    });
  }

  test('a server without a key refuses what it is to encrypt, with the reason', async () => {
    const back = {
      ...{ src_region: 'there', src_bucket: 'target', dst_region: 'here', dst_bucket: 'source' },
    };
    const taskId = await service.client.createTask({ ...body, ...back, enable_kms: true });
    await to.put('back', { content: Buffer.from('text'), size: 4 }, {}, signal);
    await sync(taskId, ['back']);
    const { reason, message } = await outcomeOf(taskId, 'back');
    assert.equal(reason, 'unsupported');
    assert.match(message ?? '', /501 NotImplemented .*KMS is not configured/);
  });

  test('a name that it would take for another fails, and the other stays as it is', async () => {
    const taskId = await service.client.createTask(body);
    await put('named', Buffer.from('text'));
    const task = await sync(taskId, ['named', '/named', 'a//b']);
    assert.deepEqual([task.monthly_success_object, task.monthly_failure_object], [1, 2]);
    const { reason, message } = await outcomeOf(taskId, '/named');
    assert.equal(reason, 'refused');
    assert.match(message ?? '', /begins with a slash, which MinIO drops/);
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
    ['a wrong secret key of the target', { dst_sk: 'wrong' }, 'bad-credentials'],
  ] as const) {
    test(`${what} fails as ${reason}`, async () => {
      if (what !== 'an object that is missing') await put('there', Buffer.from('text'));
      const taskId = await service.client.createTask({ ...body, ...fields });
      const key = what === 'an object that is missing' ? 'nowhere' : 'there';
      const task = await sync(taskId, [key]);
      assert.equal(task.monthly_failure_object, 1);
      const failed = await outcomeOf(taskId, key);
      assert.equal(failed.reason, reason, failed.message ?? '');
    });
  }
});
