import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { GiB } from '../../src/platform/base/bytes.ts';
import { OmsError } from '../kit/oms-client.ts';
import { NOBODY_LISTENS } from '../kit/ports.ts';
import { sevens } from '../kit/s3-server/content.ts';
import type { FaultPlan } from '../kit/s3-server/faults.ts';
import { sizes, startWorld, type World } from '../kit/service-between-buckets.ts';

/** A way to fail, and what a person reads of it. */
interface Failure {
  readonly what: string;
  /** Fields of the task's body. */
  readonly task?: (world: World) => Promise<Record<string, unknown>> | Record<string, unknown>;
  readonly size?: number;
  /** Prepares both ends, where an object that is there is not enough. */
  readonly prepare?: (world: World, key: string) => void;
  readonly reason: string;
  readonly message: RegExp;
}

function always(
  plan: { status: number; code: string },
  operation: NonNullable<FaultPlan['match']>['operation'] & string,
  key: string,
): FaultPlan {
  return { kind: 'status', ...plan, times: Infinity, match: { operation, key } };
}

const failures: readonly Failure[] = [
  {
    what: 'an object that the source does not have',
    prepare: ({ from }, key) => from.delete(key),
    reason: 'not-found',
    message: /read AWS:source\/.*404 NoSuchKey.*The source has no object with this key/s,
  },
  {
    what: 'a source bucket that does not exist',
    task: () => ({ src_bucket: 'no-such-source' }),
    reason: 'no-bucket',
    message: /AWS:no-such-source\/.*NoSuchBucket.*Check its name, region and endpoint/s,
  },
  {
    what: 'a target bucket that does not exist',
    task: () => ({ dst_bucket: 'no-such-target' }),
    reason: 'no-bucket',
    message: /AWS:no-such-target\/.*NoSuchBucket.*Check its name, region and endpoint/s,
  },
  {
    what: 'a target bucket that does not exist, for an object of parts',
    size: sizes.large,
    task: () => ({ dst_bucket: 'no-such-target' }),
    reason: 'no-bucket',
    message: /AWS:no-such-target\/.*NoSuchBucket/s,
  },
  {
    what: 'a source that forbids the read',
    prepare: ({ source }, key) =>
      source.faults.add(always({ status: 403, code: 'AccessDenied' }, 'GetObject', key)),
    reason: 'denied',
    message: /read AWS:source\/.*403 AccessDenied.*Grant them the right/s,
  },
  {
    what: 'a target that forbids the write',
    prepare: ({ target }, key) =>
      target.faults.add(always({ status: 403, code: 'AccessDenied' }, 'PutObject', key)),
    reason: 'denied',
    message: /put AWS:target\/.*403 AccessDenied.*Grant them the right/s,
  },
  {
    what: 'a source that does not know the access key',
    task: () => ({ src_ak: 'NOBODYSKEY' }),
    reason: 'bad-credentials',
    message: /AWS:source\/.*InvalidAccessKeyId.*start it with valid credentials/s,
  },
  {
    what: 'a secret key of the target that is wrong',
    task: () => ({ dst_sk: 'not-the-secret', object_overwrite_mode: 'FULL_OVERWRITE' }),
    reason: 'bad-credentials',
    message: /AWS:target\/.*SignatureDoesNotMatch.*start it with valid credentials/s,
  },
  {
    what: 'a secret key of the target that is wrong, where the target is looked at first',
    task: () => ({ dst_sk: 'not-the-secret' }),
    reason: 'bad-credentials',
    message: /head AWS:target\/.*SignatureDoesNotMatch.*start it with valid credentials/s,
  },
  {
    what: 'an archived object',
    prepare: ({ from }, key) => from.put(key, 'cold', { storageClass: 'GLACIER' }),
    reason: 'archived',
    message: /InvalidObjectState.*Restore it at the source cloud, then retry/s,
  },
  {
    what: 'a target that is full',
    prepare: ({ target }, key) =>
      target.faults.add(always({ status: 403, code: 'QuotaExceeded' }, 'PutObject', key)),
    reason: 'full',
    message: /put AWS:target\/.*QuotaExceeded.*Free some space or raise its quota/s,
  },
  {
    what: 'a target that is full in the middle of an object of parts',
    size: sizes.large,
    prepare: ({ target }, key) =>
      target.faults.add({
        ...always({ status: 403, code: 'QuotaExceeded' }, 'UploadPart', key),
        nth: 2,
      }),
    reason: 'full',
    message: /putPart AWS:target\/.*QuotaExceeded.*Free some space or raise its quota/s,
  },
  {
    what: 'a source where nobody listens',
    task: () => ({ src_endpoint: NOBODY_LISTENS }),
    reason: 'unreachable',
    message: /ECONNREFUSED.*Check the endpoint, DNS, proxy and firewall/s,
  },
  {
    what: 'a target where nobody listens',
    task: () => ({ dst_endpoint: NOBODY_LISTENS }),
    reason: 'unreachable',
    message: /ECONNREFUSED.*Check the endpoint, DNS, proxy and firewall/s,
  },
  {
    what: 'a key that is too long for the target',
    prepare: ({ target }, key) =>
      target.faults.add(always({ status: 400, code: 'KeyTooLongError' }, 'PutObject', key)),
    reason: 'refused',
    message: /put AWS:target\/.*400 KeyTooLongError.*Fix the problem named above/s,
  },
  {
    what: 'a source in another region',
    prepare: ({ source }, key) =>
      source.faults.add(always({ status: 301, code: 'PermanentRedirect' }, 'GetObject', key)),
    reason: 'refused',
    message: /301 PermanentRedirect/,
  },
  {
    what: 'an object larger than the target can hold',
    prepare: ({ from }, key) =>
      from.add({ key, etag: 'huge', content: sevens(5 * GiB * 10_000 + 1) }),
    reason: 'too-large',
    message: /53687091200001 bytes do not fit in 10000 parts.*larger than the target can hold/s,
  },
  {
    what: 'a source that always fails by itself',
    prepare: ({ source }, key) =>
      source.faults.add(always({ status: 500, code: 'InternalError' }, 'GetObject', key)),
    reason: 'unavailable',
    message: /500 InternalError.*Retry the failed objects later/s,
  },
  {
    what: 'an address that does not speak S3',
    prepare: ({ source }, key) =>
      source.faults.add({
        ...{ kind: 'error-in-200', code: 'Hello' },
        ...{ times: Infinity, match: { operation: 'GetObject', key } },
      }),
    reason: 'bad-reply',
    message: /Check that the endpoint speaks the protocol of the cloud/,
  },
];

describe('failures as a person reads them', { concurrency: 6 }, () => {
  let world: World;
  before(async () => {
    world = await startWorld({ settings: { attemptsMax: 2 } });
  });
  after(() => world[Symbol.asyncDispose]());

  for (const { what, task, size = 100, prepare, reason, message } of failures) {
    test(`${what}: ${reason}`, async () => {
      const key = what.replaceAll(' ', '-');
      world.from.put(key, randomBytes(size));
      prepare?.(world, key);
      const taskId = await world.createTask(await task?.(world));
      const counted = await world.sync(taskId, [key]);
      assert.equal(counted.monthly_failure_object, 1);
      assert.equal(counted.monthly_size, 0);
      const failed = await world.outcome(taskId, key);
      assert.equal(failed.outcome, 'failed');
      assert.equal(failed.reason, reason);
      assert.match(failed.message ?? '', message);
      assert.deepEqual(world.to.versions(key), []);
    });
  }

  test('an upload that was left open is written down, for the maintenance to abort', async () => {
    const { rows } = await world.service.database.query<{ id: string }>(
      'select upload_id as id from uploads where upload_id is not null',
    );
    const written = rows.map(({ id }) => id);
    const open = world.to.openUploads().map(({ uploadId }) => uploadId);
    assert.equal(open.length, 1, 'that of the target without room');
    assert.deepEqual(written, open);
  });
});

describe('creations that are refused', () => {
  let world: World;
  before(async () => {
    world = await startWorld({ settings: { allowEndpoints: ['127.0.0.1'], tasksMax: 1 } });
  });
  after(() => world[Symbol.asyncDispose]());

  for (const [what, fields, detail] of [
    [
      'an address that the operator does not allow',
      { src_endpoint: 'http://169.254.169.254' },
      /\[src_endpoint\]/,
    ],
    ['a target that is not allowed', { dst_endpoint: 'http://localhost:9000' }, /\[dst_endpoint\]/],
    ['an address with a path', { src_endpoint: 'http://127.0.0.1/admin' }, /\[src_endpoint\]/],
    ['an address that is none', { dst_endpoint: 'not an address' }, /\[dst_endpoint\]/],
    [
      'a cloud that has no address here',
      { src_cloud_type: 'UCloud', src_region: 'cn.elsewhere', src_endpoint: undefined },
      /\[src_region\].*The operator can map it/,
    ],
    [
      'a region that is no name',
      { dst_endpoint: undefined, dst_region: 'evil.example/x' },
      /\[dst_region\]/,
    ],
    ['a cloud that nobody knows', { src_cloud_type: 'Skynet' }, /\[src_cloud_type\].*one of AWS/],
    ['a bucket that is no name', { dst_bucket: '../other' }, /\[dst_bucket\]/],
  ] as const) {
    test(`${what}: 400, with the field`, async () => {
      await assert.rejects(world.createTask(fields), (error) => {
        assert.ok(error instanceof OmsError);
        assert.deepEqual([error.status, error.code], [400, 'OMS.0064']);
        assert.match(error.detail ?? '', detail);
        return true;
      });
    });
  }

  test('one task too many is OMS.1021, and a deletion makes room', async () => {
    const taskId = await world.createTask();
    await assert.rejects(world.createTask(), { status: 400, code: 'OMS.1021' });
    await world.client.stop(taskId);
    await world.client.remove(taskId);
    await world.createTask();
  });
});
