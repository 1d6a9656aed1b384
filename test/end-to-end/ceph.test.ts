import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { cephAvailable, startCeph } from '../kit/ceph/ceph.ts';
import { openBucketAt, ServerPair, testPair } from '../kit/service-between-real-servers.ts';
import { startTestService } from '../kit/service.ts';
import { sizes } from '../kit/service-between-buckets.ts';
import { proves, series } from '../kit/matrix/proves.ts';

const { signal } = new AbortController();

describe('between two Ceph object gateways', {
  ...series('tasks-ceph', { way: 'server', clouds: ['S3'] }),
  skip: cephAvailable() ?? false,
}, () => {
  const started = new AsyncDisposableStack();
  let pair: ServerPair;
  before(async () => {
    const [source, target] = await Promise.all([startCeph(), startCeph()]);
    started.use(source);
    started.use(target);
    const from = started.use(await openBucketAt(source, 'AWS', 'source'));
    const to = started.use(await openBucketAt(target, 'AWS', 'target'));
    const settings = { tasksMax: 100, attemptsMax: 2 };
    const service = started.use(await startTestService({ settings }));
    assert.ok(service.settings.sizes.partBytes < sizes.large);
    const body = {
      ...{ src_cloud_type: 'AWS', src_region: 'us-east-1', src_bucket: 'source' },
      ...{ src_endpoint: source.url, src_ak: source.accessKeyId, src_sk: source.secretAccessKey },
      ...{ dst_cloud_type: 'AWS', dst_region: 'us-east-1', dst_bucket: 'target' },
      ...{ dst_endpoint: target.url, dst_ak: target.accessKeyId, dst_sk: target.secretAccessKey },
    };
    pair = new ServerPair({ from, to, service, body });
  });
  after(() => started[Symbol.asyncDispose]());

  testPair(() => pair, ['slash//']);

  test('metadata and storage class are copied as specified', proves('metadata'), async () => {
    const fields = { enable_metadata_migration: true, dst_storage_policy: 'SRC_STORAGE_MAPPING' };
    const taskId = await pair.createTask(fields);
    const userMetadata = { 'plain': 'ASCII', 'greeting': 'Grüße, 世界', 'with.dots~+%': 'b' };
    const options = {
      contentType: 'text/html',
      contentHeaders: { 'cache-control': 'max-age=60' },
      tier: 'IA' as const,
      userMetadata,
    };
    await pair.put('metadata', randomBytes(100), options);
    await pair.sync(taskId, ['metadata']);
    const { contentType, contentHeaders, storageClass, ...head } = await pair.to.head(
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
});
