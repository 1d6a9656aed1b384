import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turn, until } from '../../../test/kit/stepped-clock.ts';
import { done, workerOf } from '../../../test/kit/worker-fixture.ts';
import { DatabaseError } from '../../platform/postgres/db.ts';

const quick = { handle: async () => done };
const never = new AbortController().signal;

test('what is due is worked on and settled', async () => {
  const settled: string[] = [];
  const { queue, clock, worker, end } = workerOf({
    ...quick,
    onSettled: ({ key }) => settled.push(key),
  });
  queue.add('t', ...Array.from({ length: 20 }, (_, index) => `k${index}`));
  worker.start();
  await clock.passUntil(() => settled.length === 20);
  assert.equal(queue.done('t').length, 20);
  assert.equal(worker.inWork, 0);
  await end();
});

test('concurrency is limited, in total and for each task', async () => {
  const { queue, clock, worker, inWork, end } = workerOf({ concurrency: 3, taskConcurrency: 2 });
  queue.add('t', 'a', 'b', 'c', 'd');
  queue.add('u', 'v', 'w', 'x', 'y');
  worker.start();
  for (let round = 0; round < 8; round++) {
    await clock.passUntil(() => inWork.size > 0);
    await turn();
    const tasks = [...inWork.values()].map(({ claim }) => claim.taskId);
    assert.ok(tasks.length <= 3);
    assert.ok(tasks.filter((id) => id === 't').length <= 2);
    assert.ok(tasks.filter((id) => id === 'u').length <= 2);
    inWork.values().next().value?.end();
  }
  await clock.passUntil(() => queue.done('t').length + queue.done('u').length === 8);
  await end();
});

test('an event starts at once while slow keys of a scan hold all of their slots', async () => {
  const { queue, clock, worker, inWork, working, end } = workerOf({
    concurrency: 16,
    taskConcurrency: 16,
  });
  queue.add('t', ...Array.from({ length: 100 }, (_, index) => `scanned/${index}`));
  worker.start();
  await clock.passUntil(() => inWork.size === 14);
  await clock.pass(5_000);
  assert.equal(inWork.size, 14);
  queue.add('t', 'event');
  worker.wake();
  await clock.passUntil(() => working().includes('event'));
  await end();
});

for (const concurrency of [1, 8]) {
  test(`${concurrency} slots: a scan progresses while events never end`, async () => {
    const given = workerOf({
      handle: async () => {
        await given.clock.sleep(10, never);
        return done;
      },
      ...{ concurrency, taskConcurrency: concurrency },
    });
    const { queue, clock, worker, end } = given;
    const settled = () => queue.done('t');
    const scanned = () => settled().filter((key) => key.startsWith('scanned/')).length;
    queue.add('t', ...Array.from({ length: 500 }, (_, index) => `scanned/${index}`));
    let events = 0;
    const addEvents = () => {
      while ((queue.due.get('t') ?? []).filter((key) => key.startsWith('e')).length < 1_000)
        queue.add('t', `e${(events += 1)}`);
    };
    addEvents();
    worker.start();
    while (settled().length < 400) {
      await clock.pass(100);
      addEvents();
    }
    const share = scanned() / settled().length;
    assert.ok(share > 0.08 && share < 0.16, `scans had ${share} of the work`);
    await end();
  });
}

test('a change that becomes due by itself is found without a hint', async () => {
  const { queue, clock, worker, end } = workerOf(quick);
  queue.nextDueMs = 30;
  worker.start();
  await clock.passUntil(() => queue.looks > 0);
  queue.add('t', 'k');
  await clock.passUntil(() => queue.done('t').length === 1);
  await end();
});

test('a hint ends the wait', async () => {
  const { queue, clock, worker, end } = workerOf(quick);
  worker.start(); // Nothing waits anywhere: the next look would be in five seconds.
  await until(() => queue.looks > 0);
  for (let times = 0; times < 5; times++) await turn();
  queue.add('t', 'k');
  worker.wake();
  await clock.pass(500);
  assert.deepEqual(queue.done('t'), ['k']);
  await end();
});

test('a task that hangs leaves room for the others', async () => {
  const { queue, clock, worker, working, end } = workerOf({ concurrency: 3, taskConcurrency: 2 });
  queue.add('hanging', 'a', 'b', 'c', 'd');
  worker.start();
  await clock.passUntil(() => working().length === 2);
  queue.add('other', 'x');
  worker.wake();
  await clock.passUntil(() => working().includes('x'));
  await end();
});

test('where there is room for few, tasks take turns', async () => {
  const { queue, clock, worker, inWork, end } = workerOf({ concurrency: 4, taskConcurrency: 2 });
  const tasks = ['s', 't', 'u', 'v', 'w', 'x'];
  for (const task of tasks) {
    queue.add(task, ...Array.from({ length: 20 }, (_, index) => `${task}${index}`));
  }
  worker.start();
  for (let round = 1; round <= 9; round++) {
    await clock.passUntil(() => inWork.size === 4);
    for (const { end } of [...inWork.values()]) end();
    await clock.passUntil(() => queue.settled.length === 4 * round);
  }
  const counts = tasks.map((task) => queue.done(task).length);
  assert.deepEqual(counts, [6, 6, 6, 6, 6, 6]);
  await end();
});

test('tasks that hang together leave room for those that come after them', async () => {
  const { queue, clock, worker, working, end } = workerOf({ concurrency: 12, taskConcurrency: 8 });
  for (const task of ['a', 'b', 'c']) {
    queue.add(task, ...Array.from({ length: 20 }, (_, index) => `${task}${index}`));
    worker.wake();
    if (task === 'a') worker.start();
    await clock.passUntil(() => working().some((key) => key.startsWith(task)));
  }
  await end();
});

/** Lets work on a task end until so much is settled that as much is claimed ahead. */
async function workAhead(given: ReturnType<typeof workerOf>): Promise<void> {
  const { queue, clock, worker, inWork } = given;
  queue.add('t', ...Array.from({ length: 100 }, (_, index) => `k${index}`));
  worker.start();
  await clock.passUntil(() => inWork.size === 10);
  for (const { end } of [...inWork.values()]) end();
  await clock.passUntil(() => queue.done('t').length === 10);
  await clock.pass(1_000);
  worker.wake();
  await clock.passUntil(() => worker.inWork === 20);
  assert.equal(inWork.size, 10);
}

test('about as much is claimed ahead as was settled in the last second', async () => {
  const given = workerOf({ concurrency: 12, taskConcurrency: 10 });
  await workAhead(given);
  assert.equal(given.worker.inWork, 20);
  await given.end();
});

test('what a task that begins to hang had claimed ahead is given back', async () => {
  const given = workerOf({ concurrency: 12, taskConcurrency: 10 });
  const { queue, clock, worker, working, inWork, end } = given;
  await workAhead(given);
  await clock.pass(1_000); // In which nothing was settled.
  await clock.passUntil(() => worker.inWork === 10);
  assert.equal(inWork.size, 10);
  assert.equal(queue.released().length, 10);
  queue.add('other', 'x');
  worker.wake();
  await clock.passUntil(() => working().includes('x'));
  await end();
});

test('a lease is renewed while its work continues, and is held much longer than it was granted for', async () => {
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
  const { queue, clock, worker, inWork, errors, end } = workerOf({ leaseMs: 6_000 });
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
  assert.ok(errors.includes('renew'));
  await end();
});

test('leases of one task that cannot be renewed do not end those of another', async () => {
  const { queue, clock, worker, inWork, errors, end } = workerOf({ leaseMs: 6_000 });
  const renew = queue.renew.bind(queue);
  queue.renew = async (request) => {
    const keys = request.claims.map(({ key }) => key);
    if (keys.includes('broken')) throw new DatabaseError('timed-out', 'a lock');
    if (keys.includes('stuck')) await new Promise(() => undefined);
    return await renew(request);
  };
  queue.add('t', 'broken');
  queue.add('u', 'stuck');
  queue.add('v', 'fine');
  worker.start();
  await until(() => inWork.size === 3);
  const lease = inWork.get('fine')?.claim.lease;
  await clock.pass(20_000);
  assert.equal(lease?.held(), true);
  assert.deepEqual([...inWork.keys()], ['fine']);
  assert.ok(errors.includes('renew'));
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
  await clock.passUntil(() => queue.done('t').length === 1);
  assert.deepEqual(queue.released(), ['k']);
  assert.deepEqual(worked, ['k']);
  await end();
});

test('stop lets work finish, gives the rest back, and resolves when all is settled', async () => {
  const { queue, clock, worker, working, inWork } = workerOf({
    concurrency: 2,
    taskConcurrency: 2,
  });
  queue.add('t', 'a', 'b', 'c', 'd');
  worker.start();
  await clock.passUntil(() => working().length === 2);
  const stopped = worker.stop(10_000);
  await clock.pass(100);
  assert.deepEqual(working(), ['a', 'b']);
  for (const { claim, end } of [...inWork.values()]) {
    assert.equal(claim.lease.held(), true);
    end();
  }
  await clock.pass(20);
  await clock.passUntil(stopped);
  assert.deepEqual(queue.done('t'), ['a', 'b']);
  assert.equal(worker.inWork, 0);
  assert.deepEqual(queue.due.get('t'), ['c', 'd']);
});

test('stop aborts work that takes longer than allowed', async () => {
  const { queue, clock, worker, working } = workerOf();
  queue.add('t', 'a');
  worker.start();
  await clock.passUntil(() => working().length === 1);
  const stopped = worker.stop(1_000);
  await clock.pass(900);
  assert.equal(working().length, 1);
  await clock.pass(200);
  assert.equal(working().length, 0);
  await clock.passUntil(stopped);
  assert.equal(worker.inWork, 0);
});

test('stop does not wait longer than allowed for a database that accepts no results', async () => {
  const { queue, clock, worker, working, inWork, errors } = workerOf();
  queue.settle = () => Promise.reject(new DatabaseError('unavailable', 'gone'));
  queue.add('t', 'a');
  worker.start();
  await clock.passUntil(() => working().length === 1);
  inWork.get('a')?.end();
  const state = { stopped: false };
  const stopped = worker.stop(10_000).then(() => (state.stopped = true));
  await clock.pass(9_900);
  assert.equal(state.stopped, false, 'until then the database may come back');
  await clock.pass(10_000);
  assert.equal(state.stopped, true);
  assert.ok(errors.includes('settle'));
  await clock.passUntil(stopped);
  assert.equal(worker.inWork, 0);
});

test('changes that a claim returns during a stop are given back before the stop resolves', async () => {
  const { queue, clock, worker } = workerOf(quick);
  let open = (): void => undefined;
  queue.claimGate = new Promise((resolve) => (open = resolve));
  queue.add('t', 'k');
  worker.start();
  await clock.passUntil(() => queue.due.get('t')?.length === 0);
  const stopped = worker.stop(1_000);
  await clock.pass(100);
  open();
  await clock.passUntil(stopped);
  assert.deepEqual(queue.released(), ['k']);
  assert.deepEqual(queue.done('t'), []);
});

test('a task that is stopped gives back the claims that wait; those in work continue', async () => {
  const given = workerOf({ concurrency: 12, taskConcurrency: 10 });
  const { queue, clock, worker, inWork, end } = given;
  await workAhead(given);
  queue.due.clear();
  queue.dueTasks = async () => [];
  worker.giveBack('t');
  await clock.passUntil(() => worker.inWork === 10);
  assert.equal(inWork.size, 10);
  assert.equal(queue.released().length, 10);
  await end();
});

test('when the database is available again, work continues', async () => {
  const { queue, clock, worker, errors, end } = workerOf(quick);
  queue.errors.push(...[1, 2].map(() => new DatabaseError('unavailable', 'gone')));
  queue.add('t', 'k');
  worker.start();
  await clock.passUntil(() => queue.done('t').length === 1);
  assert.deepEqual(errors, ['claim', 'claim']);
  await end();
});
