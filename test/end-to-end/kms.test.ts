import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { MappedEndpoint } from '../../src/domain/tasks/endpoints.ts';
import type { S3ServerOptions } from '../kit/s3-server/server.ts';
import { sizes, startWorld, type World } from '../kit/service-between-buckets.ts';
import { proves, series } from '../kit/matrix/proves.ts';

describe('a task with enable_kms', () => {
  let world: World;
  before(async () => {
    world = await startWorld({ settings: { checkBuckets: true } });
  });
  after(() => world[Symbol.asyncDispose]());

  for (const [name, size] of Object.entries(sizes)) {
    test(`has a ${name} object encrypted by the key service of the target`, async () => {
      world.from.put(name, randomBytes(size));
      const taskId = await world.createTask({ enable_kms: true });
      await world.sync(taskId, [name]);
      assert.equal((await world.outcome(taskId, name)).outcome, 'copied');
      assert.equal(world.to.object(name)?.encryption?.algorithm, 'aws:kms');
      assert.equal((await world.client.show(taskId)).enable_kms, true);
    });
  }

  test('copies an object again that exists and is not encrypted in this way', async () => {
    const bytes = randomBytes(1000);
    world.from.put('plain', bytes);
    const first = await world.createTask();
    await world.sync(first, ['plain']);
    assert.equal(world.to.object('plain')?.encryption, undefined);
    const second = await world.createTask({ enable_kms: true });
    await world.sync(second, ['plain']);
    assert.equal((await world.outcome(second, 'plain')).outcome, 'copied');
    assert.equal(world.to.object('plain')?.encryption?.algorithm, 'aws:kms');
    await world.sync(second, ['plain']);
    assert.equal((await world.outcome(second, 'plain')).outcome, 'skipped');
  });

  test('is refused where the key service of the target refuses it', async () => {
    const match = { operation: 'CreateMultipartUpload' } as const;
    world.target.faults.add({ kind: 'status', status: 501, code: 'NotImplemented', match, nth: 2 });
    await assert.rejects(world.createTask({ enable_kms: true }), (error: Error) => {
      assert.match(
        error.message,
        /400 OMS\.1020 .*\[enable_kms\] invalid: the destination has no key service.*501 NotImplemented/s,
      );
      return true;
    });
    world.target.faults.clear();
  });
});

/** A world whose target is played, and mapped, as that row. */
function startWithTarget(
  target: S3ServerOptions,
  row: Pick<MappedEndpoint, 'cloud' | 'dialect' | 'addressing'>,
  { checkBuckets = true } = {},
): Promise<World> {
  return startWorld({
    target,
    settingsOf: (servers) => ({
      checkBuckets,
      endpoints: [{ ...row, region: 'there', endpoint: servers.target.url }],
    }),
  });
}

const there = { dst_region: 'there', dst_endpoint: undefined, enable_kms: true };

const atMinio = series('kms', { way: 'own', clouds: ['MinIO'] });
const atObs = series('kms', { way: 'own', clouds: ['HuaweiCloud'] });

describe('MinIO encrypts by a key server that its operator has set up', atMinio, () => {
  const row = { cloud: 'AWS', dialect: 'MinIO' } as const;

  for (const [name, size] of Object.entries(sizes)) {
    test(`and so a ${name} object is encrypted`, proves('KMS'), async () => {
      await using world = await startWithTarget({ dialect: 'minio', keyServer: true }, row);
      world.from.put(name, randomBytes(size));
      const taskId = await world.createTask(there);
      await world.sync(taskId, [name]);
      assert.equal((await world.outcome(taskId, name)).outcome, 'copied');
      assert.equal(world.to.object(name)?.encryption?.algorithm, 'aws:kms');
    });
  }

  test('and without one the task is refused, with what to change', proves('KMS'), async () => {
    await using world = await startWithTarget({ dialect: 'minio' }, row);
    await assert.rejects(
      world.createTask(there),
      /400 OMS\.1020 .*\[enable_kms\] invalid: the destination has no key service, or its key service is not configured\..*501 NotImplemented .*KMS is not configured/s,
    );
    assert.deepEqual(world.to.openUploads(), []);
  });

  test(
    'and without a check of the buckets, the object fails with the reason',
    proves('KMS'),
    async () => {
      const unasked = { checkBuckets: false };
      await using world = await startWithTarget({ dialect: 'minio' }, row, unasked);
      world.from.put('plain', randomBytes(10));
      const taskId = await world.createTask(there);
      await world.sync(taskId, ['plain']);
      const { reason, message } = await world.outcome(taskId, 'plain');
      assert.equal(reason, 'unsupported');
      assert.match(message ?? '', /501 NotImplemented .*KMS is not configured/);
      assert.equal(world.to.object('plain'), undefined);
    },
  );
});

describe('OBS encrypts by its key service over HTTPS only', atObs, () => {
  const row = { cloud: 'HuaweiCloud', dialect: 'HuaweiCloud', addressing: 'path' } as const;
  const fields = { ...there, dst_cloud_type: 'HuaweiCloud' };

  for (const checkBuckets of [true, false]) {
    test(
      `and a task over HTTP is refused (checkBuckets: ${checkBuckets})`,
      proves('KMS'),
      async () => {
        await using world = await startWithTarget({ dialect: 'obs' }, row, { checkBuckets });
        await assert.rejects(
          world.createTask(fields),
          /\[enable_kms\] invalid: HuaweiCloud encrypts with its key service over HTTPS only, and the endpoint of the destination is http:\/\//,
        );
        assert.equal(world.target.requests.of('CreateMultipartUpload'), 0, 'no request was sent');
      },
    );
  }

  test(
    'and what it has encrypted so is not read over HTTP: the object fails, and says why',
    proves('KMS'),
    async () => {
      await using world = await startWorld({
        source: { dialect: 'obs' },
        settingsOf: ({ source }) => ({
          endpoints: [{ ...row, region: 'here', endpoint: source.url }],
        }),
      });
      world.from.put('sealed', randomBytes(10), { encryption: { algorithm: 'aws:kms' } });
      const taskId = await world.createTask({
        ...{ src_cloud_type: 'HuaweiCloud', src_region: 'here', src_endpoint: undefined },
      });
      await world.sync(taskId, ['sealed']);
      const { reason, message } = await world.outcome(taskId, 'sealed');
      assert.equal(reason, 'refused');
      assert.match(message ?? '', /400 InvalidRequest .*HTTPS/);
    },
  );
});
