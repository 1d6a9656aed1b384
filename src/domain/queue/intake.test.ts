import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NamedKeys } from './changes.ts';
import { DatabaseError } from '../../platform/postgres/db.ts';
import { Intake, IntakeFull, type IntakeOptions } from './intake.ts';

/** An intake whose commits wait until they are released. */
function held(options: Partial<IntakeOptions> = {}) {
  const commits: (readonly NamedKeys[])[] = [];
  const gates: (() => void)[] = [];
  let accepted = 0;
  const intake = new Intake({
    commit: async (named) => {
      commits.push(named);
      await new Promise<void>((resolve) => gates.push(resolve));
      return new Map(named.map(({ taskId, projectId }) => [taskId, projectId]));
    },
    onAccepted: (keys) => (accepted += keys),
    batchMax: 100,
    queueMax: 1_000,
    ...options,
  });
  return {
    intake,
    commits,
    accepted: () => accepted,
    /** Lets the next commit go, once it has begun. */
    next: async (): Promise<void> => {
      while (gates.length === 0) await turn();
      gates.shift()?.();
    },
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function event(taskId: string, ...keys: string[]) {
  return { taskId, projectId: 'p', keys };
}

/** How a promise stands: `waiting`, or its value. */
async function state(promise: Promise<unknown>): Promise<unknown> {
  await turn();
  return await Promise.race([promise, Promise.resolve('waiting')]);
}

test('events of one moment share a commit, and each waits for it', async () => {
  const { intake, commits, next, accepted } = held();
  const all = [intake.accept(event('t', 'a', 'b', 'a')), intake.accept(event('t', 'b', 'c'))];
  const other = intake.accept(event('u', 'a'));
  assert.equal(await state(Promise.race([...all, other])), 'waiting');
  assert.equal(accepted(), 0);
  await next();
  assert.deepEqual(await Promise.all([...all, other]), [true, true, true]);
  assert.deepEqual(commits, [
    [
      { taskId: 't', projectId: 'p', keys: ['a', 'b', 'c'], accepted: 5 },
      { taskId: 'u', projectId: 'p', keys: ['a'], accepted: 1 },
    ],
  ]);
  assert.equal(accepted(), 6);
});

test('events that arrive while a commit runs share the next', async () => {
  const { intake, commits, next } = held();
  const early = intake.accept(event('t', 'a'));
  await turn();
  const late = [intake.accept(event('t', 'b')), intake.accept(event('t', 'c'))];
  await next();
  await early;
  await next();
  await Promise.all(late);
  assert.deepEqual(
    commits.map((named) => named.map(({ keys }) => keys)),
    [[['a']], [['b', 'c']]],
  );
});

test('a commit takes at most its limit of keys, but always one event', async () => {
  const { intake, commits, next } = held({ batchMax: 3 });
  const all = [
    intake.accept(event('t', 'a', 'b')),
    intake.accept(event('t', 'c', 'd')),
    intake.accept(event('t', 'e', 'f', 'g', 'h')),
  ];
  for (let commit = 0; commit < all.length; commit++) await next();
  await Promise.all(all);
  assert.deepEqual(
    commits.map((named) => named[0]?.keys.length),
    [2, 2, 4],
  );
});

test('the same task under two projects is two entries', async () => {
  const { intake, commits, next } = held();
  const all = [
    intake.accept({ taskId: 't', projectId: 'p', keys: ['a'] }),
    intake.accept({ taskId: 't', projectId: 'q', keys: ['a'] }),
  ];
  await next();
  await Promise.all(all);
  assert.deepEqual(
    commits[0]?.map(({ projectId }) => projectId),
    ['p', 'q'],
  );
});

test('an event for a task of another project in the same commit returns false', async () => {
  const { intake, accepted } = held({ commit: async () => new Map([['t', 'p']]) });
  const all = [
    intake.accept({ taskId: 't', projectId: 'p', keys: ['a'] }),
    intake.accept({ taskId: 't', projectId: 'q', keys: ['b'] }),
  ];
  assert.deepEqual(await Promise.all(all), [true, false]);
  assert.equal(accepted(), 1);
});

test('an event whose task did not take its keys returns false', async () => {
  let accepted = 0;
  const { intake } = held({
    commit: async () => new Map([['t', 'p']]),
    onAccepted: (keys) => (accepted += keys),
  });
  const all = await Promise.all([
    intake.accept(event('t', 'a')),
    intake.accept(event('u', 'a', 'b')),
  ]);
  assert.deepEqual(all, [true, false]);
  assert.equal(accepted, 1);
});

test('events beyond the bound of the queue are refused, and later accepted again', async () => {
  const { intake, next } = held({ queueMax: 3 });
  const first = intake.accept(event('t', 'a', 'b', 'c'));
  await assert.rejects(intake.accept(event('t', 'd')), IntakeFull);
  await turn(); // The first is being written: its place is free.
  const second = intake.accept(event('t', 'd'));
  await next();
  await next();
  assert.deepEqual(await Promise.all([first, second]), [true, true]);
});

test('an event that cannot be written fails alone', async () => {
  const written: string[] = [];
  const { intake } = held({
    commit: async (named) => {
      const keys = named.flatMap((one) => one.keys);
      if (keys.includes('bad')) throw new DatabaseError('statement', 'no');
      written.push(...keys);
      return new Map(named.map(({ taskId, projectId }) => [taskId, projectId]));
    },
  });
  const all = await Promise.allSettled([
    intake.accept(event('t', 'a')),
    intake.accept(event('t', 'bad', 'b')),
    intake.accept(event('t', 'c')),
  ]);
  assert.deepEqual(
    all.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(written, ['a', 'c']);
});

test('a database that is down is tried once for all that wait, and again for later events', async () => {
  let asked = 0;
  const { intake } = held({
    commit: async () => {
      asked += 1;
      if (asked === 1) throw new DatabaseError('unavailable', 'gone');
      return new Map([['t', 'p']]);
    },
  });
  const all = await Promise.allSettled([1, 2, 3].map(() => intake.accept(event('t', 'a'))));
  assert.ok(all.every(({ status }) => status === 'rejected'));
  assert.equal(asked, 1);
  assert.equal(await intake.accept(event('t', 'a')), true);
});

test('drained resolves when all that was accepted is written', async () => {
  const { intake, next } = held();
  await intake.drained();
  const one = intake.accept(event('t', 'a'));
  const drained = intake.drained();
  assert.equal(await state(drained), 'waiting');
  await next();
  await Promise.all([drained, one]);
});
