import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import {
  addKeys,
  addTask,
  claim,
  enqueue,
  expireLeases,
  first,
  settle,
  settlement,
} from '../../../test/kit/queue-rows.ts';
import type { Db } from '../../platform/postgres/db.ts';
import type { Origin } from './enqueue.ts';
import { listRetrying } from './objects.ts';

interface Waiting {
  readonly lane: number;
  readonly origin: Origin;
  readonly attempt: number;
  readonly due: boolean;
}

async function waiting(db: Db): Promise<Waiting> {
  const { rows } = await db.query<Waiting>(
    `select lane, origin, attempt, due_at <= now() as due from changes`,
  );
  assert.equal(rows.length, 1);
  return first(rows);
}

/** A key that failed once and waits for its next attempt. */
async function backingOff(db: Db, origin: Origin = 'event'): Promise<string> {
  const task = await addTask(db);
  await enqueue(db, task, origin, ['k']);
  await settle(db, task, [
    settlement(first(await claim(db, task)), { done: false, delayMs: 60_000 }),
  ]);
  return task;
}

describe('enqueueing', () => {
  for (const [origin, lane] of [
    ['event', 0],
    ['retry', 0],
    ['recheck', 0],
    ['late_write', 0],
    ['scan', 1],
  ] as const) {
    test(`a new key keeps its origin, ${origin}, and waits in lane ${lane}`, async () => {
      await using db = await testDatabase();
      await enqueue(db, await addTask(db), origin, ['k']);
      assert.deepEqual(await waiting(db), { lane, origin, attempt: 0, due: true });
    });
  }

  test('a key that waits keeps the better lane, whichever request comes last', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await enqueue(db, task, 'scan', ['k']);
    await addKeys(db, task, ['k']);
    const event = { lane: 0, origin: 'event', attempt: 0, due: true };
    assert.deepEqual(await waiting(db), event);
    await enqueue(db, task, 'scan', ['k']);
    assert.deepEqual(await waiting(db), event);
    await enqueue(db, task, 'retry', ['k']);
    assert.deepEqual(await waiting(db), { ...event, origin: 'retry' });
  });

  for (const [origin, attempt, due] of [
    ['event', 0, true],
    ['retry', 0, true],
    ['recheck', 1, true],
    ['late_write', 1, true],
    ['scan', 1, false],
  ] as const) {
    test(`${origin}: a key in back-off is ${due ? 'due at once' : 'not due sooner'}, its attempts ${attempt === 0 ? 'forgotten' : 'kept'}`, async () => {
      await using db = await testDatabase();
      await enqueue(db, await backingOff(db), origin, ['k']);
      const { attempt: attempts, due: isDue } = await waiting(db);
      assert.deepEqual({ attempts, isDue }, { attempts: attempt, isDue: due });
    });

    test(`${origin}: a key in work keeps its claim and its attempts, and makes one more round`, async () => {
      await using db = await testDatabase();
      const task = await backingOff(db, 'scan');
      await db.query('update changes set due_at = now()');
      const held = first(await claim(db, task));
      await enqueue(db, task, origin, ['k']);
      assert.equal((await waiting(db)).attempt, 2);
      assert.deepEqual(await settle(db, task, [settlement(held)]), { held: 1, late: 0 });
      const after = await waiting(db);
      assert.deepEqual([after.attempt, after.due, after.origin], [0, true, origin]);
    });
  }

  test('an event and a retry leave no reason with a key that has not been looked at since', async () => {
    await using db = await testDatabase();
    for (const [origin, listed] of [
      ['event', 0],
      ['retry', 0],
      ['recheck', 1],
      ['scan', 1],
    ] as const) {
      const task = await addTask(db);
      await enqueue(db, task, 'event', ['k']);
      const again = { done: false, delayMs: 60_000, reason: 'throttled' };
      await settle(db, task, [settlement(first(await claim(db, task)), again)]);
      await enqueue(db, task, origin, ['k']);
      assert.equal((await listRetrying(db, task, { limit: 1 })).length, listed, origin);
    }
  });

  test('only events say when a key was named', async () => {
    await using db = await testDatabase();
    for (const [before, then, isNamed] of [
      ['event', 'scan', true],
      ['event', 'recheck', true],
      ['scan', 'event', true],
      ['retry', 'event', true],
      ['scan', 'retry', false],
      ['retry', 'late_write', false],
    ] as const) {
      const task = await addTask(db);
      await enqueue(db, task, before, ['k']);
      await enqueue(db, task, then, ['k']);
      const { namedForMs } = first(await claim(db, task));
      assert.equal(namedForMs !== undefined, isNamed, `${before}, then ${then}`);
    }
  });

  test('a claim that lapsed does not stop the attempts from being forgotten', async () => {
    await using db = await testDatabase();
    const task = await addTask(db);
    await addKeys(db, task, ['k']);
    await claim(db, task);
    await expireLeases(db);
    await enqueue(db, task, 'scan', ['k']);
    assert.equal((await waiting(db)).attempt, 1);
    await addKeys(db, task, ['k']);
    assert.equal((await waiting(db)).attempt, 0);
  });
});
