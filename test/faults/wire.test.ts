import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { FaultKind, FaultPlan } from '../kit/s3-server/faults.ts';
import type { Operation } from '../kit/s3-server/operations.ts';
import {
  assertOnlyWhole,
  betweenHuawei,
  putWithCrc64,
  smallSizes,
  startWorldOfSmallParts,
  type World,
} from '../kit/service-between-buckets.ts';

type Size = keyof typeof smallSizes;
type Side = 'source' | 'target';

const everywhere: Readonly<Record<string, FaultKind>> = {
  'reset-before-body': { kind: 'reset', when: 'before-body' },
  'reset-after-body': { kind: 'reset', when: 'after-body' },
  'swallowed': { kind: 'swallow' },
  'internal-error': { kind: 'status', status: 500, code: 'InternalError' },
};
const inBodies: Readonly<Record<string, FaultKind>> = {
  'cut-at-once': { kind: 'cut', afterBytes: 0 },
  'cut': { kind: 'cut', afterBytes: 1500 },
};
const corrupted: FaultKind = { kind: 'corrupt' };
const inDocuments: Readonly<Record<string, FaultKind>> = {
  'cut': { kind: 'cut', afterBytes: 60 },
  'error-in-200': { kind: 'error-in-200', code: 'InternalError' },
};

/** Which requests of which objects fail, and how. */
const places: readonly {
  readonly side: Side;
  readonly operation: Operation;
  readonly of: readonly Size[];
  readonly faults: Readonly<Record<string, FaultKind>>;
}[] = [
  {
    ...{ side: 'source', operation: 'GetObject' },
    ...{ of: ['small', 'medium'], faults: { ...everywhere, ...inBodies, corrupted } },
  },
  {
    ...{ side: 'source', operation: 'GetObject' },
    // With parts, different bytes are detected only if the source has a checksum of its own.
    ...{ of: ['large'], faults: { ...everywhere, ...inBodies } },
  },
  {
    ...{ side: 'target', operation: 'HeadObject' },
    ...{ of: ['small', 'medium', 'large'], faults: everywhere },
  },
  {
    ...{ side: 'target', operation: 'PutObject' },
    ...{ of: ['small', 'medium'], faults: everywhere },
  },
  {
    ...{ side: 'target', operation: 'CreateMultipartUpload', of: ['large'] },
    faults: { ...everywhere, ...inDocuments },
  },
  {
    ...{ side: 'target', operation: 'UploadPart', of: ['large'] },
    faults: everywhere,
  },
  {
    ...{ side: 'target', operation: 'CompleteMultipartUpload', of: ['large'] },
    faults: { ...everywhere, ...inDocuments },
  },
];

interface Case {
  readonly name: string;
  readonly side: Side;
  readonly size: Size;
  readonly plan: FaultPlan;
}

/** The first, the second, and the first four requests in a row. */
const moments = [
  { nth: 1, times: 1 },
  { nth: 2, times: 1 },
  { nth: 1, times: 4 },
] as const;

function casesOf({ side, operation, of, faults }: (typeof places)[number]): Case[] {
  return of.flatMap((size) =>
    Object.entries(faults).flatMap(([fault, kind]) =>
      moments
        // The requests of one piece are few: a second one comes only after a first that failed.
        .filter(({ nth }) => nth === 1 || (operation === 'UploadPart' && size === 'large'))
        .map(({ nth, times }) => {
          const name = `${side}/${operation}/${size}/${fault}/${nth}x${times}`;
          return {
            name,
            side,
            size,
            plan: { ...kind, nth, times, match: { operation, key: name } },
          };
        }),
    ),
  );
}

describe('on a network that fails at every request', () => {
  let world: World;
  before(async () => {
    world = await startWorldOfSmallParts({ attemptsMax: 12 });
  });
  after(() => world[Symbol.asyncDispose]());

  const cases = places.flatMap(casesOf);
  const contents = new Map<string, Buffer>();

  test(`all of ${cases.length} objects arrive, whole, and are counted once`, async () => {
    const { from, to, source, target, client } = world;
    const taskId = await world.createTask(betweenHuawei);
    const planned = cases.map(({ name, side, size, plan }) => {
      const bytes = randomBytes(smallSizes[size]);
      contents.set(name, bytes);
      from.put(name, bytes);
      return { name, fault: (side === 'source' ? source : target).faults.add(plan) };
    });
    await client.sendEvents(taskId, [...contents.keys()]);
    const task = await client.settled(taskId, contents.size, 60);
    assert.equal(task.monthly_acceptance_request, contents.size);
    // What a second attempt finds was put there by the first, whose answer was lost.
    assert.deepEqual([task.monthly_success_object, task.monthly_skip_object], [contents.size, 0]);
    assert.deepEqual(await client.objects(taskId, 'failed'), []);
    for (const { name, fault } of planned) assert.ok(fault.fired > 0, `${name} did not happen`);
    for (const [name, bytes] of contents) assert.ok(to.bytes(name)?.equals(bytes), name);
    assert.deepEqual(to.keys(), [...contents.keys()].sort());
  });

  test('nothing but whole objects was ever to be seen at the target', () => {
    for (const [name, bytes] of contents) assertOnlyWhole(world.to, name, [bytes]);
  });

  test('no upload is left open, and none is written down', async () => {
    const open = world.to.openUploads().map(({ key }) => key);
    const { rows } = await world.service.database.query('select * from uploads');
    assert.deepEqual(rows, []);
    assert.deepEqual(open, []);
  });
});

describe('bytes that change on the way from the source', () => {
  test('are never to be seen at the target, where the source has a sum of the whole', async () => {
    await using world = await startWorldOfSmallParts();
    const { from, to, source } = world;
    const taskId = await world.createTask({ ...betweenHuawei, consistency_check: 'crc64' });
    const sizes = Object.entries(smallSizes).map(
      ([name, size]) => [name, randomBytes(size)] as const,
    );
    for (const [key, bytes] of sizes) {
      await putWithCrc64(from, key, bytes);
      source.faults.add({ kind: 'corrupt', nth: 2, times: 2, match: { key } });
      source.faults.add({ kind: 'corrupt', nth: 1, match: { key } });
    }
    const task = await world.sync(
      taskId,
      sizes.map(([key]) => key),
    );
    assert.equal(task.monthly_success_object, sizes.length);
    for (const [key, bytes] of sizes) {
      assert.ok(to.bytes(key)?.equals(bytes), key);
      assertOnlyWhole(to, key, [bytes]);
      assert.equal((await world.outcome(taskId, key)).check_method, 'crc64');
    }
    assert.deepEqual(to.openUploads(), []);
  });
});

describe('a store that throttles requests', () => {
  let world: World;
  before(async () => {
    world = await startWorldOfSmallParts({ attemptsMax: 12 });
  });
  after(() => world[Symbol.asyncDispose]());

  for (const [side, operation, size] of [
    ['source', 'GetObject', 'small'],
    ['target', 'PutObject', 'medium'],
    ['target', 'UploadPart', 'large'],
    ['target', 'CompleteMultipartUpload', 'large'],
  ] as const) {
    test(`503 SlowDown with Retry-After is heeded: ${operation} at the ${side}`, async () => {
      const taskId = await world.createTask(betweenHuawei);
      const key = `patient/${operation}`;
      const bytes = randomBytes(smallSizes[size]);
      world.from.put(key, bytes);
      const asked = world[side].faults.add({
        ...{ kind: 'status', status: 503, code: 'SlowDown', retryAfter: 1 },
        match: { operation, key },
      });
      const task = await world.sync(taskId, [key]);
      assert.equal(asked.fired, 1);
      assert.equal(task.monthly_success_object, 1);
      assert.ok(world.to.bytes(key)?.equals(bytes));
      assertOnlyWhole(world.to, key, [bytes]);
      assert.deepEqual(world.to.openUploads(), []);
    });
  }

  test('one that always throttles is reported, and receives few requests', async () => {
    await using world = await startWorldOfSmallParts({ attemptsMax: 2 });
    const taskId = await world.createTask(betweenHuawei);
    world.from.put('impatient', 'text');
    world.source.faults.add({
      ...{ kind: 'status', status: 503, code: 'SlowDown', retryAfter: 3600 },
      ...{ times: Infinity, match: { operation: 'GetObject' } },
    });
    await world.sync(taskId, ['impatient']);
    const { reason, attempts, message } = await world.outcome(taskId, 'impatient');
    assert.deepEqual([reason, attempts], ['throttled', 2]);
    assert.match(message ?? '', /SlowDown.*limited the rate of requests/s);
    assert.equal(world.source.requests.of('GetObject'), 2);
  });
});
