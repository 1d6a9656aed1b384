import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimedChange } from '../../../test/kit/claimed-change.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { SteppedClock, until } from '../../../test/kit/stepped-clock.ts';
import { DatabaseError } from '../../platform/postgres/db.ts';
import type { Settlement } from './settle.ts';
import { Settler, type SettlerOptions } from './settler.ts';
import type { Claim, WorkResult } from './work.ts';

let claims = 0;

function claimOf(key: string, taskId = 't', held: () => boolean = () => true): Claim {
  claims += 1;
  return {
    ...claimedChange({ key, claimId: String(claims) }),
    taskId,
    lease: { signal: new AbortController().signal, held },
  };
}

const done: WorkResult = { done: true, delayMs: 0, released: false, outcome: 'copied' };

function settlerOf(
  settle: (keys: string[], settlements: readonly Settlement[]) => void,
  options: Partial<SettlerOptions> = {},
) {
  const batches: string[][] = [];
  const ended: [string, boolean][] = [];
  const errors: unknown[] = [];
  const settler = new Settler({
    clock: new ManualClock(),
    settle: async (_taskId, settlements) => {
      const keys = settlements.map(({ key }) => key);
      settle(keys, settlements);
      batches.push(keys);
      return new Set(settlements.map(({ claimId }) => claimId));
    },
    onEnded: (claim, _result, written) => ended.push([claim.key, written]),
    onLate: () => undefined,
    onError: (error) => errors.push(error),
    gatherMs: 5,
    batchEnough: 100,
    ...options,
  });
  return { settler, batches, ended, errors };
}

test('results that come together are written together, a task at a time', async () => {
  const { settler, batches, ended } = settlerOf((_keys, [settlement]) => {
    assert.equal(settlement?.outcome, 'copied');
    assert.equal(settlement.generation, '1');
  });
  for (const [key, task] of [
    ['a', 't'],
    ['b', 'u'],
    ['c', 't'],
  ] as const) {
    settler.add(claimOf(key, task), done);
  }
  await settler.drained();
  assert.deepEqual(batches, [['a', 'c'], ['b']]);
  assert.deepEqual(
    new Map(ended),
    new Map([
      ['a', true],
      ['b', true],
      ['c', true],
    ]),
  );
});

test('a batch that is full does not wait to gather', async () => {
  const { settler, batches } = settlerOf(() => undefined, {
    ...{ clock: new SteppedClock(), batchEnough: 2 },
  });
  for (const key of ['a', 'b']) settler.add(claimOf(key), done);
  await until(() => batches.length > 0);
  assert.deepEqual(batches, [['a', 'b']]);
});

test('results that arrive while a batch is written form one batch, however many they are', async () => {
  const { settler, batches } = settlerOf(() => undefined, { batchEnough: 2 });
  for (const key of ['a', 'b', 'c', 'd', 'e']) settler.add(claimOf(key), done);
  await settler.drained();
  assert.deepEqual(batches, [['a', 'b', 'c', 'd', 'e']]);
});

test('results that the database cannot write now are written when it can', async () => {
  let failures = 3;
  const { settler, batches, ended, errors } = settlerOf(() => {
    if (failures-- > 0) throw new DatabaseError('unavailable', 'gone');
  });
  settler.add(claimOf('a'), done);
  await settler.drained();
  assert.deepEqual(batches, [['a']]);
  assert.deepEqual(ended, [['a', true]]);
  assert.equal(errors.length, 3);
});

test('a batch is given up once all of its leases have ended', async () => {
  let tries = 0;
  const { settler, ended } = settlerOf(() => {
    tries += 1;
    throw new DatabaseError('unavailable', 'gone');
  });
  settler.add(
    claimOf('a', 't', () => tries < 3),
    done,
  );
  settler.add(
    claimOf('b', 't', () => tries < 2),
    done,
  );
  await settler.drained();
  assert.equal(tries, 3);
  assert.deepEqual(ended, [
    ['a', false],
    ['b', false],
  ]);
});

test('a result that can never be written delays no other', async () => {
  const { settler, batches, ended } = settlerOf((keys) => {
    if (keys.includes('bad')) throw new DatabaseError('statement', 'no');
  });
  for (const key of ['a', 'bad', 'b']) settler.add(claimOf(key), done);
  settler.add(claimOf('c', 'u'), done);
  await settler.drained();
  assert.deepEqual(new Set(batches), new Set([['a'], ['b'], ['c']]));
  assert.deepEqual(
    new Map(ended),
    new Map([
      ['a', true],
      ['bad', false],
      ['b', true],
      ['c', true],
    ]),
  );
});

test('a task whose results cannot be written delays no other', async () => {
  let stuck = true;
  const clock = new SteppedClock();
  const { settler, batches } = settlerOf(
    (keys) => {
      if (keys.includes('stuck') && stuck) throw new DatabaseError('timed-out', 'a lock');
    },
    { clock },
  );
  settler.add(claimOf('stuck'), done);
  for (const key of ['a', 'b']) {
    settler.add(claimOf(key, 'u'), done);
    await clock.passUntil(() => batches.flat().includes(key));
  }
  stuck = false;
  await clock.passUntil(settler.drained());
  assert.deepEqual(batches, [['a'], ['b'], ['stuck']]);
});

test('late settlements are reported, and not as written', async () => {
  const late: [string, number][] = [];
  const { settler, ended } = settlerOf(() => undefined, {
    settle: async (_taskId, [held]) => new Set(held && [held.claimId]),
    onLate: (taskId, count) => late.push([taskId, count]),
  });
  for (const key of ['held', 'late']) settler.add(claimOf(key), done);
  await settler.drained();
  assert.deepEqual(late, [['t', 1]]);
  assert.deepEqual(ended, [
    ['held', true],
    ['late', false],
  ]);
});
