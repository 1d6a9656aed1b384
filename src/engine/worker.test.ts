import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../base/clock.ts';
import type { ClaimedChange } from '../database/changes.ts';
import { DatabaseError } from '../database/db.ts';
import type { Settlement } from '../database/settle.ts';
import type { Claim, WorkResult } from './work.ts';
import { Worker, type WorkerOptions, type WorkQueue } from './worker.ts';

/** A clock that stands still but when it is moved. */
class SteppedClock implements Clock {
  #time = 0;
  readonly #sleepers = new Set<{ at: number; wake: () => void }>();

  now = () => this.#time;
  monotonic = () => this.#time;
  random = () => 0;

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      this.#sleepers.add({ at: this.#time + ms, wake: resolve });
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
  }

  /** Lets this much time pass, a little at a time, so that all that it wakes gets its turn. */
  async pass(ms: number): Promise<void> {
    for (const end = this.#time + ms; this.#time < end; ) {
      this.#time = Math.min(end, this.#time + 10);
      for (const sleeper of this.#sleepers) {
        if (sleeper.at > this.#time) continue;
        this.#sleepers.delete(sleeper);
        sleeper.wake();
      }
      await turn();
    }
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** The database's side, in memory: what is due is a list of keys for each task. */
class FakeQueue implements WorkQueue {
  readonly due = new Map<string, string[]>();
  readonly settled: (Settlement & { readonly taskId: string })[] = [];
  readonly renewals: string[][] = [];
  claimIds = 0;
  looks = 0;
  nextDueMs: number | undefined;
  /** Thrown by the next calls, one each. */
  readonly troubles: Error[] = [];
  renewing = true;
  /** Awaited by a claim after it took its keys. */
  claimGate: Promise<void> = Promise.resolve();

  add(taskId: string, ...keys: string[]): void {
    this.due.set(taskId, [...(this.due.get(taskId) ?? []), ...keys]);
  }

  async dueTasks() {
    this.looks += 1;
    const trouble = this.troubles.shift();
    if (trouble !== undefined) throw trouble;
    return [...this.due]
      .filter(([, keys]) => keys.length > 0)
      .map(([taskId]) => ({ taskId, revision: 1 }));
  }

  async claim({ taskId, limit }: { taskId: string; limit: number }): Promise<ClaimedChange[]> {
    const keys = this.due.get(taskId)?.splice(0, limit) ?? [];
    await this.claimGate;
    return keys.map((key) => ({
      key,
      generation: '1',
      claimId: String((this.claimIds += 1)),
      attempt: 1,
      acceptedAt: 0,
      copiedEtag: null,
      uploading: false,
    }));
  }

  async renew({ claims }: { claims: readonly { key: string; claimId: string }[] }) {
    if (!this.renewing) throw new DatabaseError('unavailable', 'gone');
    this.renewals.push(claims.map(({ key }) => key));
    return new Set(claims.map(({ claimId }) => claimId));
  }

  async settle(taskId: string, settlements: readonly Settlement[]) {
    for (const settlement of settlements) {
      this.settled.push({ ...settlement, taskId });
      if (settlement.released) this.add(taskId, settlement.key);
    }
    return { held: settlements.length, late: 0 };
  }

  async untilNextDue() {
    return this.nextDueMs;
  }

  /** Keys that were settled as done. */
  done(taskId: string): string[] {
    return this.settled
      .filter((one) => one.taskId === taskId && one.done)
      .map(({ key }) => key)
      .sort();
  }

  released(): string[] {
    return this.settled.filter((one) => one.released).map(({ key }) => key);
  }
}

const done: WorkResult = { done: true, delayMs: 0, released: false, outcome: 'copied' };

function workerOf(options: Partial<WorkerOptions> = {}) {
  const queue = new FakeQueue();
  const clock = new SteppedClock();
  const inWork = new Map<string, { claim: Claim; end: () => void }>();
  const troubles: string[] = [];
  const worker = new Worker({
    queue,
    clock,
    // Works until it is told to end, or its lease is over.
    handle: (claim) =>
      new Promise<WorkResult>((resolve) => {
        const end = () => {
          inWork.delete(claim.key);
          resolve(done);
        };
        inWork.set(claim.key, { claim, end });
        claim.lease.signal.addEventListener('abort', end);
      }),
    width: 4,
    taskWidth: 2,
    leaseMs: 60_000,
    onSettled: () => undefined,
    onLate: () => undefined,
    onTrouble: (doing) => troubles.push(doing),
    ...options,
  });
  return {
    queue,
    clock,
    worker,
    inWork,
    troubles,
    working: () => [...inWork.keys()].sort(),
    /** Stops at once, whatever is in work. */
    end: async (): Promise<void> => {
      const state = { over: false };
      void worker.stop(0).then(() => (state.over = true));
      while (!state.over) await clock.pass(10);
    },
  };
}

const quick = { handle: async () => done };

test('what is due is worked on and settled', async () => {
  const settled: string[] = [];
  const { queue, worker, end } = workerOf({ ...quick, onSettled: ({ key }) => settled.push(key) });
  queue.add('t', ...Array.from({ length: 20 }, (_, index) => `k${index}`));
  worker.start();
  await until(() => settled.length === 20);
  assert.equal(queue.done('t').length, 20);
  assert.equal(worker.inHand, 0);
  await end();
});

test('no more is in work than may be, in all and of one task', async () => {
  const { queue, worker, inWork, end } = workerOf({ width: 3, taskWidth: 2 });
  queue.add('t', 'a', 'b', 'c', 'd');
  queue.add('u', 'v', 'w', 'x', 'y');
  worker.start();
  for (let round = 0; round < 8; round++) {
    await until(() => inWork.size > 0);
    await turn();
    const tasks = [...inWork.values()].map(({ claim }) => claim.taskId);
    assert.ok(tasks.length <= 3);
    assert.ok(tasks.filter((id) => id === 't').length <= 2);
    assert.ok(tasks.filter((id) => id === 'u').length <= 2);
    inWork.values().next().value?.end();
  }
  await until(() => queue.done('t').length + queue.done('u').length === 8);
  await end();
});

test('a change that becomes due by itself is found without a hint', {
  timeout: 3_000,
}, async () => {
  const { queue, worker, end } = workerOf(quick);
  queue.nextDueMs = 30;
  worker.start();
  await until(() => queue.looks > 0);
  queue.add('t', 'k');
  await until(() => queue.done('t').length === 1);
  await end();
});

test('a hint ends the wait', { timeout: 3_000 }, async () => {
  const { queue, worker, end } = workerOf(quick);
  worker.start(); // Nothing waits anywhere: the next look would be in five seconds.
  await until(() => queue.looks > 0);
  for (let times = 0; times < 5; times++) await turn();
  queue.add('t', 'k');
  worker.wake();
  await until(() => queue.done('t').length === 1);
  await end();
});

test('a task that hangs leaves room for the others', { timeout: 3_000 }, async () => {
  const { queue, worker, working, end } = workerOf({ width: 3, taskWidth: 2 });
  queue.add('hanging', 'a', 'b', 'c', 'd');
  worker.start();
  await until(() => working().length === 2);
  queue.add('other', 'x');
  worker.wake();
  await until(() => working().includes('x'));
  await end();
});

/** Lets work on a task end until so much is settled that as much is claimed ahead. */
async function workAhead(given: ReturnType<typeof workerOf>): Promise<void> {
  const { queue, clock, worker, inWork } = given;
  queue.add('t', ...Array.from({ length: 100 }, (_, index) => `k${index}`));
  worker.start();
  await until(() => inWork.size === 10);
  for (const { end } of [...inWork.values()]) end();
  await until(() => queue.done('t').length === 10);
  await clock.pass(1_000);
  worker.wake();
  await until(() => worker.inHand === 20);
  assert.equal(inWork.size, 10);
}

test('about as much is claimed ahead as was settled in the last second', async () => {
  const given = workerOf({ width: 12, taskWidth: 10 });
  await workAhead(given);
  assert.equal(given.worker.inHand, 20);
  await given.end();
});

test('what a task that begins to hang had claimed ahead is given back', async () => {
  const given = workerOf({ width: 12, taskWidth: 10 });
  const { queue, clock, worker, working, inWork, end } = given;
  await workAhead(given);
  await clock.pass(1_000); // In which nothing was settled.
  await until(() => worker.inHand === 10);
  assert.equal(inWork.size, 10);
  assert.equal(queue.released().length, 10);
  queue.add('other', 'x');
  worker.wake();
  await until(() => working().includes('x'));
  await end();
});

test('a lease is renewed while its work goes on, and is held much longer than it was given for', async () => {
  const { queue, clock, worker, inWork, end } = workerOf({ leaseMs: 6_000 });
  queue.add('t', 'k');
  worker.start();
  await until(() => inWork.size === 1);
  const lease = inWork.get('k')?.claim.lease;
  await clock.pass(20_000);
  assert.equal(lease?.held(), true);
  assert.equal(lease.signal.aborted, false);
  assert.ok(queue.renewals.length >= 9);
  assert.ok(queue.renewals.every((keys) => keys.length === 1 && keys[0] === 'k'));
  await end();
});

test('a lease that cannot be renewed ends before the database would give it away', async () => {
  const { queue, clock, worker, inWork, troubles, end } = workerOf({ leaseMs: 6_000 });
  queue.add('t', 'k');
  queue.renewing = false;
  worker.start();
  await until(() => inWork.size === 1);
  const lease = inWork.get('k')?.claim.lease;
  await clock.pass(4_900);
  assert.equal(lease?.held(), true);
  await clock.pass(100);
  assert.equal(lease.held(), false);
  await clock.pass(500);
  assert.equal(lease.signal.aborted, true);
  assert.equal(inWork.size, 0);
  assert.ok(troubles.includes('renew'));
  await end();
});

test('a change whose lease passed before its turn is given back without being looked at', async () => {
  const worked: string[] = [];
  const { queue, clock, worker, end } = workerOf({
    leaseMs: 6_000,
    handle: async ({ key }) => {
      worked.push(key);
      return done;
    },
  });
  let open = (): void => undefined;
  queue.claimGate = new Promise((resolve) => (open = resolve));
  queue.add('t', 'k');
  worker.start();
  await until(() => queue.due.get('t')?.length === 0);
  await clock.pass(6_000); // The database took that long to answer.
  queue.claimGate = Promise.resolve();
  open();
  await until(() => queue.done('t').length === 1);
  assert.deepEqual(queue.released(), ['k']);
  assert.deepEqual(worked, ['k']);
  await end();
});

test('stop lets work end, gives the rest back, and resolves when all is settled', async () => {
  const { queue, clock, worker, working, inWork } = workerOf({ width: 2, taskWidth: 2 });
  queue.add('t', 'a', 'b', 'c', 'd');
  worker.start();
  await until(() => working().length === 2);
  const stopped = worker.stop(10_000);
  await clock.pass(100);
  assert.deepEqual(working(), ['a', 'b']);
  for (const { claim, end } of [...inWork.values()]) {
    assert.equal(claim.lease.held(), true);
    end();
  }
  await clock.pass(20);
  await stopped;
  assert.deepEqual(queue.done('t'), ['a', 'b']);
  assert.equal(worker.inHand, 0);
  assert.deepEqual(queue.due.get('t'), ['c', 'd']);
});

test('stop ends what takes longer than it may', async () => {
  const { queue, clock, worker, working } = workerOf();
  queue.add('t', 'a');
  worker.start();
  await until(() => working().length === 1);
  const stopped = worker.stop(1_000);
  await clock.pass(900);
  assert.equal(working().length, 1);
  await clock.pass(200);
  assert.equal(working().length, 0);
  await stopped;
  assert.equal(worker.inHand, 0);
});

test('what a claim brings while it is being stopped is given back before stop resolves', async () => {
  const { queue, clock, worker } = workerOf(quick);
  let open = (): void => undefined;
  queue.claimGate = new Promise((resolve) => (open = resolve));
  queue.add('t', 'k');
  worker.start();
  await until(() => queue.due.get('t')?.length === 0);
  const stopped = worker.stop(1_000);
  await clock.pass(100);
  open();
  await stopped;
  assert.deepEqual(queue.released(), ['k']);
  assert.deepEqual(queue.done('t'), []);
});

test('a task that is stopped gives back what waits; what is in work goes on', async () => {
  const given = workerOf({ width: 12, taskWidth: 10 });
  const { queue, worker, inWork, end } = given;
  await workAhead(given);
  queue.due.clear();
  queue.dueTasks = async () => [];
  worker.giveBack('t');
  await until(() => worker.inHand === 10);
  assert.equal(inWork.size, 10);
  assert.equal(queue.released().length, 10);
  await end();
});

test('when the database comes back, work goes on', { timeout: 5_000 }, async () => {
  const { queue, worker, troubles, end } = workerOf(quick);
  queue.troubles.push(...[1, 2].map(() => new DatabaseError('unavailable', 'gone')));
  queue.add('t', 'k');
  worker.start();
  await until(() => queue.done('t').length === 1);
  assert.deepEqual(troubles, ['claim', 'claim']);
  await end();
});
