import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, CopyPair, KEY, sizes } from '../../../test/kit/copy-pair.ts';
import { faulty } from '../../../test/kit/faulty-store.ts';
import {
  addKeys,
  addTask,
  claim,
  enqueue,
  expireLeases,
  first,
  settle,
} from '../../../test/kit/queue-rows.ts';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { countTurns } from '../../../test/kit/count-turns.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { KeyScope } from '../../platform/model/key-scope.ts';
import type { MissingSource } from '../../platform/model/sync-task.ts';
import { mappedKeys } from '../../platform/stores/layers/mapped-keys.ts';
import { silentLog } from '../../platform/base/log.ts';
import { type Db, DatabaseError } from '../../platform/postgres/db.ts';
import { listObjects, listRetrying } from '../queue/objects.ts';
import type { Origin } from '../queue/enqueue.ts';
import type { WorkHandler, WorkResult } from '../queue/work.ts';
import { copyWork, type CopyWorkOptions } from './copy-work.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { forwarding } from '../../platform/stores/layers/forwarding.ts';
import { readEndpoints } from './endpoints.ts';

/** Takes one part, and no more for now. */
const BREAKS = { putPart: { 2: 'full' } } as const;

/** One key of one task, in the database, and the work on it between two buckets in memory. */
class Bench {
  readonly pair = new CopyPair();
  readonly db: Db;
  readonly taskId: string;
  scope = new KeyScope({});
  missingSource: MissingSource = 'fail';
  readonly work: WorkHandler;

  constructor(db: Db, taskId: string, options: Partial<CopyWorkOptions> = {}) {
    const { pair } = this;
    this.db = db;
    this.taskId = taskId;
    this.work = copyWork({
      notFoundWaitMs: 60_000,
      restoreWaitMs: 3_600_000,
      database: db,
      openTasks: {
        use: async () => {
          const { source, target, findings, policy } = pair.job();
          const { scope, missingSource } = this;
          const stores = { source, target: mappedKeys(target, scope), findings, policy };
          return { ...stores, scope, missingSource, [Symbol.dispose]: () => undefined };
        },
      },
      // One part after the other.
      sizes: { ...sizes, partConcurrency: 1 },
      clock: pair.clock,
      log: silentLog,
      attemptsMax: 3,
      backoff: { baseMs: 0, maxMs: 0 },
      onRetry: () => undefined,
      ...options,
    });
  }

  /** Claims the key, works on it, and settles unless its process died just then. */
  async attempt({ dies = false } = {}): Promise<WorkResult> {
    await expireLeases(this.db);
    const { signal } = new AbortController();
    const change = first(await claim(this.db, this.taskId));
    const lease = { signal, held: () => true };
    const result = await this.work({ ...change, taskId: this.taskId, lease });
    const { key, claimId, generation } = change;
    if (!dies) await settle(this.db, this.taskId, [{ ...result, key, claimId, generation }]);
    return result;
  }

  async attempts(): Promise<number> {
    const { rows } = await this.db.query<{ attempt: number }>(`select attempt from changes`);
    return first(rows).attempt;
  }
}

async function benchOf(db: Db, options?: Partial<CopyWorkOptions>): Promise<Bench> {
  const taskId = await addTask(db);
  await addKeys(db, taskId, [KEY]);
  return new Bench(db, taskId, options);
}

test('a change whose attempts never end is given up, and not worked on once more', async () => {
  await using db = await testDatabase();
  const bench = await benchOf(db);
  await bench.pair.fill(bytesOf(7));
  for (let attempt = 1; attempt <= 3; attempt++) await bench.attempt({ dies: true });
  const { store, calls } = faulty(bench.pair.source, {});
  bench.pair.sourceSeen = store;
  const { outcome, reason } = await bench.attempt();
  assert.deepEqual([outcome, reason], ['failed', 'internal']);
  assert.equal(calls.size, 0);
  assert.equal(first(await listObjects(db, bench.taskId, { limit: 1 })).outcome, 'failed');
});

for (const dies of [false, true]) {
  test(`attempts that each put some parts end only with the copy, where ${dies ? 'their process dies' : 'they break off'}`, async () => {
    await using db = await testDatabase();
    const bench = await benchOf(db);
    await bench.pair.fill(bytesOf(80), { inParts: true });
    let attempts = 1;
    bench.pair.targetSeen = faulty(bench.pair.target, BREAKS).store;
    while ((await bench.attempt({ dies })).outcome === undefined) {
      attempts += 1;
      assert.ok((await bench.attempts()) <= 2);
      bench.pair.targetSeen = faulty(bench.pair.target, BREAKS).store;
    }
    assert.equal(attempts, 10);
    assert.deepEqual(bench.pair.copied, bytesOf(80));
  });
}

test('a name too long for an index is in scope by what it is, not by how it is stored', async () => {
  await using db = await testDatabase();
  const key = `in/${'本'.repeat(900)}`;
  for (const [scope, expected] of [
    // The store in memory takes no name of that length: so the name was in scope.
    [{ keyFilters: { includePrefixes: ['in/'] } }, 'refused'],
    [{ keyFilters: { excludePrefixes: ['in/'] } }, 'out-of-scope'],
    [{ sourcePrefix: 'in/' }, 'refused'],
  ] as const) {
    const taskId = await addTask(db);
    await addKeys(db, taskId, [key]);
    const bench = new Bench(db, taskId);
    bench.scope = new KeyScope(scope);
    const { reason } = await bench.attempt();
    assert.equal(reason, expected);
  }
});

test('a change with one attempt fails with it, unless its process died', async () => {
  await using db = await testDatabase();
  const bench = await benchOf(db);
  await bench.pair.fill(bytesOf(7));
  await db.query('update changes set attempts_max = 1');
  bench.pair.targetSeen = faulty(bench.pair.target, { put: { 1: 'full', 2: 'full' } }).store;
  await bench.attempt({ dies: true });
  assert.deepEqual(bench.pair.copied, undefined);
  const { outcome, reason } = await bench.attempt();
  assert.deepEqual([outcome, reason], ['failed', 'full']);
});

test('attempts that restart their upload each time end in a failure', async () => {
  await using db = await testDatabase();
  const bench = await benchOf(db);
  await bench.pair.fill(bytesOf(80), { inParts: true });
  const results: WorkResult[] = [];
  for (let attempt = 1; attempt <= 3; attempt++) {
    bench.pair.targetSeen = faulty(bench.pair.target, BREAKS).store;
    results.push(await bench.attempt());
    bench.pair.target.openUploads.clear(); // Another client ends them.
  }
  assert.deepEqual(
    results.map(({ done }) => done),
    [false, false, true],
  );
  assert.equal(results.at(-1)?.reason, 'full');
});

/** A database in which one statement always fails. */
function failing(db: Db, statement: RegExp, fault: 'unavailable' | 'statement'): Db {
  return {
    async query(text, values) {
      if (typeof text === 'string' && statement.test(text)) throw new DatabaseError(fault, 'no');
      return await db.query(text, values);
    },
  };
}

test('what could not be copied as it is, is listed as far as there is room, and the rest is counted', async () => {
  for (const [count, words] of [
    [2, /^Metadata n-000 is called n_000 there; metadata n-001 is called n_001 there\.$/],
    [100, /^Metadata n-000 is called n_000 there; .*; and 75 more like these\.$/],
  ] as const) {
    await using db = await testDatabase();
    const bench = await benchOf(db);
    Object.assign(bench.pair.target.traits, {
      metadata: { names: 'identifier', contentHeaders: [] },
    });
    const names = Array.from({ length: count }, (_, at) => `n-${at.toString().padStart(3, '0')}`);
    const userMetadata = Object.fromEntries(names.map((name) => [name, '']));
    await bench.pair.fill(bytesOf(7), { userMetadata });
    const { message = '' } = await bench.attempt();
    assert.ok(message.length <= 1_001, `${message.length}`);
    assert.match(message, words);
  }
});

test('a database that is away for a moment is no attempt at the object', async () => {
  await using db = await testDatabase();
  const database = failing(db, /into upload_parts/, 'unavailable');
  const bench = await benchOf(db, { database, backoff: { baseMs: 40, maxMs: 40 } });
  await bench.pair.fill(bytesOf(80), { inParts: true });
  const result = await bench.attempt();
  assert.deepEqual(result, { done: false, delayMs: 30, released: true });
  assert.equal(await bench.attempts(), 0);
});

test('only a size that no parts fit is too large; other errors are ours', async () => {
  await using db = await testDatabase();
  const database = failing(db, /into upload_parts/, 'statement');
  const bench = await benchOf(db, { attemptsMax: 1, database });
  await bench.pair.fill(bytesOf(80), { inParts: true });
  assert.equal((await bench.attempt()).reason, 'internal');
  const other = await benchOf(db, {
    attemptsMax: 1,
    openTasks: {
      use: async () => {
        throw new RangeError('of something else');
      },
    },
  });
  assert.equal((await other.attempt()).reason, 'internal');
});

async function missingThere(): Promise<never> {
  throw new StoreError('not-found', { store: 'target', operation: 'head' });
}

/** A key that an event or a scan named some time ago, and that the source does not have. */
async function absentFor(db: Db, seconds: number, origin: Origin = 'event'): Promise<Bench> {
  const taskId = await addTask(db);
  await enqueue(db, taskId, origin, [KEY]);
  await named(db, seconds);
  return new Bench(db, taskId, { attemptsMax: 1, backoff: { baseMs: 1_000, maxMs: 1_000 } });
}

async function named(db: Db, seconds: number): Promise<void> {
  await db.query(
    `update changes set accepted_at = now() - $1 * interval '1 second', due_at = now(),
      named_at = case when named_at is not null then now() - $1 * interval '1 second' end`,
    [seconds],
  );
}

for (const [origin, reason] of [
  ['event', 'not-found'],
  ['scan', 'changed'],
] as const) {
  test(`${origin}: an object that the source does not have yet is looked for again for a minute, and fails as ${reason}`, async () => {
    await using db = await testDatabase();
    const bench = await absentFor(db, 0, origin);
    const { taskId } = bench;
    for (const [seconds, least, most] of [
      [0, 500, 1_000],
      [4, 2_000, 4_100],
      [50, 9_900, 10_000],
    ] as const) {
      await named(db, seconds);
      const { done, delayMs } = await bench.attempt();
      assert.equal(done, false);
      assert.ok(delayMs >= least && delayMs <= most, `after ${seconds} s: ${delayMs} ms`);
      const listed = first(await listRetrying(db, taskId, { limit: 1 }));
      assert.deepEqual([listed.reason, listed.attempts], [reason, 0]);
      assert.match(listed.message ?? '', /not-found/);
    }
    await named(db, 60);
    const last = await bench.attempt();
    assert.deepEqual([last.outcome, last.reason], ['failed', reason]);
    if (origin === 'scan') assert.match(last.message ?? '', /^A scan found it, .*not-found.*\./);
    const { outcome, attempts } = first(await listObjects(db, taskId, { limit: 1 }));
    assert.deepEqual([outcome, attempts], ['failed', 1]);
  });

  test(`${origin}: an object that appears within a minute is copied, whatever number of attempts is allowed`, async () => {
    await using db = await testDatabase();
    const bench = await absentFor(db, 0, origin);
    assert.equal((await bench.attempt()).done, false);
    await named(db, 2);
    assert.equal((await bench.attempt()).done, false);
    await bench.pair.fill(bytesOf(7));
    await named(db, 4);
    assert.equal((await bench.attempt()).outcome, 'copied');
  });
}

test('an object that a user retries, or that is rechecked, is looked for once', async () => {
  for (const origin of ['retry', 'recheck', 'late_write'] as const) {
    await using db = await testDatabase();
    const bench = await absentFor(db, 0, origin);
    const { outcome, reason } = await bench.attempt();
    assert.deepEqual([outcome, reason], ['failed', 'not-found'], origin);
  }
});

test('an event begins the wait for an object again, also where the key waits since long', async () => {
  await using db = await testDatabase();
  const bench = await absentFor(db, 3_600);
  await addKeys(db, bench.taskId, [KEY]);
  assert.equal((await bench.attempt()).done, false);
  // A key that the version before has accepted.
  await db.query(`update changes set named_at = null, due_at = now()`);
  assert.equal((await bench.attempt()).reason, 'not-found');
});

test('an object that is missing at the target alone is not waited for', async () => {
  await using db = await testDatabase();
  const bench = await absentFor(db, 0);
  await bench.pair.fill(bytesOf(7));
  bench.pair.targetSeen = faulty(bench.pair.target, { put: { 1: 'not-found' } }).store;
  const { outcome, reason } = await bench.attempt();
  assert.deepEqual([outcome, reason], ['failed', 'not-found']);
});

test('a name that no index has room for is read, and listed, under its own name', async () => {
  await using db = await testDatabase();
  const taskId = await addTask(db);
  const key = Array.from({ length: 1_024 }, (_, at) => String.fromCodePoint(0x4e00 + 17 * at)).join(
    '',
  );
  await addKeys(db, taskId, [key, 'b']);
  const bench = new Bench(db, taskId);
  const names: string[] = [];
  // The target of the pair takes no such name either.
  bench.pair.targetSeen = forwarding(bench.pair.target, { head: () => missingThere() });
  bench.pair.sourceSeen = forwarding(bench.pair.source, {
    read: async (name) => {
      names.push(name);
      throw new StoreError('denied', { store: 'x', operation: 'read', key: name });
    },
  });
  for (let keys = 0; keys < 2; keys++) assert.equal((await bench.attempt()).reason, 'denied');
  assert.deepEqual(names, ['b', key]);
  const listed = await listObjects(db, taskId, { limit: 10 });
  assert.deepEqual(
    listed.map((each) => each.key),
    ['b', key],
  );
  assert.deepEqual(await listObjects(db, taskId, { limit: 10, after: key }), []);
});

test('a task whose address the operator no longer allows says so, and is not an internal error', async () => {
  await using db = await testDatabase();
  const forbidden = {
    cloud: 'AWS',
    region: 'here',
    bucket: 'b',
    endpoint: 'http://minio.lan',
  } as const;
  const bench = await benchOf(db, {
    openTasks: {
      use: async () => {
        assert.fail(readEndpoints([], []).resolve(forbidden).url);
      },
    },
  });
  for (const last of [false, false, true]) {
    // Another process may have the settings that it needs.
    const { done, reason, message } = await bench.attempt();
    assert.deepEqual([done, reason], [last, 'refused']);
    assert.match(message ?? '', /may not name minio\.lan; .*settings\.allowEndpoints/);
  }
});

test('claims whose keys take long to match leave the event loop to others between two keys', async () => {
  await using db = await testDatabase();
  const taskId = await addTask(db);
  await addKeys(
    db,
    taskId,
    Array.from({ length: 20 }, (_, at) => `a/${at}`),
  );
  const turns = countTurns();
  const clock = new ManualClock();
  const bench = new Bench(db, taskId, { clock });
  bench.scope = new (class extends KeyScope {
    override includes(key: string): boolean {
      turns.note();
      clock.time += 6;
      return super.includes(key);
    }
  })({ keyFilters: { excludeGlobs: ['a/*'] } });
  const lease = { signal: new AbortController().signal, held: () => true };
  const claims = await claim(db, taskId);
  const results = await Promise.all(
    claims.map((change) => bench.work({ ...change, taskId, lease })),
  );
  turns.stop();
  assert.deepEqual(new Set(results.map(({ reason }) => reason)), new Set(['out-of-scope']));
  assert.deepEqual([results.length, new Set(turns.noted).size], [20, 20]);
});
