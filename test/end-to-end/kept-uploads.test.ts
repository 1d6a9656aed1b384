import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { KiB, MiB } from '../../src/platform/base/bytes.ts';
import type { FaultPlan } from '../kit/s3-server/faults.ts';
import { startWorld, type World } from '../kit/service-between-buckets.ts';

const PART = 5 * MiB;
const PARTS = 4;
const always = { times: Infinity } as const;

let world: World;
before(async () => {
  const sizes = { bufferBytes: 64 * KiB, putBytes: MiB, partBytes: PART, partConcurrency: 1 };
  world = await startWorld({ settings: { sizes, attemptsMax: 2 } });
});
after(() => world[Symbol.asyncDispose]());

interface Case {
  readonly what: string;
  readonly side: 'source' | 'target';
  readonly code: string;
  readonly status: number;
  readonly reason: string;
}

const cases: Case[] = [
  ...(['source', 'target'] as const).flatMap((side): Case[] => [
    {
      what: `temporary credentials of the ${side} that expire`,
      ...{ side, code: 'ExpiredToken', status: 400, reason: 'bad-credentials' },
    },
    {
      what: `a right at the ${side} that is withdrawn`,
      ...{ side, code: 'AccessDenied', status: 403, reason: 'denied' },
    },
  ]),
  {
    what: 'a quota of the target that is used up',
    ...{ side: 'target', code: 'QuotaExceeded', status: 403, reason: 'full' },
  },
  {
    what: 'a full target',
    ...{ side: 'target', code: 'XMinioStorageFull', status: 507, reason: 'full' },
  },
  {
    what: 'a policy of the target that refuses parts',
    ...{ side: 'target', code: 'InvalidRequest', status: 400, reason: 'refused' },
  },
];

for (const { what, side, code, status, reason } of cases) {
  test(`${what}: after the fix only the missing parts are written`, async () => {
    const { from, to, source, target, client } = world;
    const taskId = await world.createTask();
    const key = `kept/${what}`;
    const bytes = randomBytes(PARTS * PART - 7);
    from.put(key, bytes);
    const broken: FaultPlan = { kind: 'status', status, code, ...always };
    if (side === 'source') {
      // The first read is of the whole, and two parts are read.
      source.faults.add({ ...broken, nth: 4, match: { operation: 'GetObject' } });
    } else {
      target.faults.add({ ...broken, nth: 3, match: { operation: 'UploadPart' } });
      target.faults.add({ ...broken, match: { operation: 'AbortMultipartUpload' } });
    }
    await world.sync(taskId, [key]);
    const failed = await world.outcome(taskId, key);
    assert.equal(failed.reason, reason);
    assert.match(failed.message ?? '', side === 'source' ? /^read / : /^putPart /);
    assert.deepEqual(
      to.openUploads().map(({ parts }) => parts.size),
      [2],
    );
    source.faults.clear();
    target.faults.clear();
    const written = target.faults.add({
      ...{ kind: 'delay', ms: 0, ...always },
      match: { operation: 'UploadPart' },
    } as const);
    await client.stop(taskId);
    await client.start(taskId, {
      src_ak: source.accessKey.accessKeyId,
      src_sk: source.accessKey.secretAccessKey,
      dst_ak: target.accessKey.accessKeyId,
      dst_sk: target.accessKey.secretAccessKey,
    });
    assert.equal(await client.retryFailed(taskId), 1);
    await client.settled(taskId, 2);
    assert.equal((await world.outcome(taskId, key)).outcome, 'copied');
    assert.equal(written.seen, PARTS - 2);
    assert.deepEqual(to.bytes(key), bytes);
    assert.deepEqual(to.openUploads(), []);
    target.faults.clear();
  });
}
