import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { minioMissing, startMinio } from '../kit/go-servers/minio.ts';
import { openBucketAt, ServerPair, testPair } from '../kit/service-between-real-servers.ts';
import { startTestService } from '../kit/service.ts';
import { sizes } from '../kit/service-between-buckets.ts';
import { proves, series } from '../kit/matrix/proves.ts';

const { signal } = new AbortController();
const row = { cloud: 'AWS', dialect: 'MinIO' } as const;

describe('between two MinIO servers', {
  ...series('tasks-minio', { way: 'server', clouds: ['MinIO'] }),
  skip: minioMissing() ?? false,
}, () => {
  const started = new AsyncDisposableStack();
  let pair: ServerPair;
  before(async () => {
    const source = started.use(await startMinio());
    const target = started.use(await startMinio({ keyServer: true }));
    const from = started.use(await openBucketAt(source, 'MinIO', 'source'));
    const to = started.use(await openBucketAt(target, 'MinIO', 'target'));
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
    const service = started.use(await startTestService({ settings }));
    assert.ok(service.settings.sizes.partBytes < sizes.large);
    const body = {
      ...{ src_cloud_type: 'AWS', src_region: 'here', src_bucket: 'source' },
      ...{ src_ak: source.accessKeyId, src_sk: source.secretAccessKey },
      ...{ dst_cloud_type: 'AWS', dst_region: 'there', dst_bucket: 'target' },
      ...{ dst_ak: target.accessKeyId, dst_sk: target.secretAccessKey },
    };
    pair = new ServerPair({ from, to, service, body });
  });
  after(() => started[Symbol.asyncDispose]());

  testPair(() => pair, ['folder/', 'control\u0001']);

  test('metadata are copied as the task specifies', proves('metadata'), async () => {
    const taskId = await pair.createTask({ enable_metadata_migration: true });
    const userMetadata = { plain: 'ASCII', greeting: 'Grüße, 世界' };
    const contentHeaders = { 'cache-control': 'max-age=60' };
    await pair.put('metadata', randomBytes(100), {
      contentType: 'text/html',
      contentHeaders,
      userMetadata,
    });
    await pair.sync(taskId, ['metadata']);
    const head = await pair.to.head('metadata', signal);
    assert.equal(head.contentType, 'text/html');
    assert.deepEqual(head.contentHeaders, contentHeaders);
    assert.deepEqual(head.userMetadata, userMetadata);
  });

  for (const [name, size] of Object.entries(sizes)) {
    test(
      `a ${name} object is encrypted by the key that the server has`,
      proves('KMS'),
      async () => {
        const taskId = await pair.createTask({ enable_kms: true });
        const bytes = randomBytes(size);
        await pair.put(`kms-${name}`, bytes);
        await pair.sync(taskId, [`kms-${name}`]);
        const { outcome, check_passed, message } = await pair.outcomeOf(taskId, `kms-${name}`);
        assert.deepEqual([outcome, check_passed], ['copied', true], message ?? '');
        assert.equal((await pair.to.head(`kms-${name}`, signal)).encryption, 'kms');
        assert.ok((await pair.copied(`kms-${name}`)).equals(bytes));
      },
    );
  }

  test(
    'a server without a key refuses what it is to encrypt, with the reason',
    proves('KMS'),
    async () => {
      const back = {
        ...{ src_region: 'there', src_bucket: 'target', dst_region: 'here', dst_bucket: 'source' },
      };
      const taskId = await pair.createTask({ ...back, enable_kms: true });
      await pair.to.put('back', { content: Buffer.from('text'), size: 4 }, {}, signal);
      await pair.sync(taskId, ['back']);
      const { reason, message } = await pair.outcomeOf(taskId, 'back');
      assert.equal(reason, 'unsupported');
      assert.match(message ?? '', /501 NotImplemented .*KMS is not configured/);
    },
  );

  test('a name that it would take for another fails, and the other stays as it is', async () => {
    const taskId = await pair.createTask();
    await pair.put('named', Buffer.from('text'));
    const task = await pair.sync(taskId, ['named', '/named', 'a//b']);
    assert.deepEqual([task.monthly_success_object, task.monthly_failure_object], [1, 2]);
    const { reason, message } = await pair.outcomeOf(taskId, '/named');
    assert.equal(reason, 'refused');
    assert.match(message ?? '', /begins with a slash, which MinIO drops/);
  });

  test('a wrong secret key of the target fails as bad-credentials', proves('errors'), async () => {
    await pair.put('there', Buffer.from('text'));
    const taskId = await pair.createTask({ dst_sk: 'wrong' });
    await pair.sync(taskId, ['there']);
    assert.equal((await pair.outcomeOf(taskId, 'there')).reason, 'bad-credentials');
  });
});
