import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import {
  addKeys,
  addTask,
  claim,
  first,
  settle,
  settlement,
} from '../../../test/kit/queue-rows.ts';

test('a write that was sent is remembered until the round is over', async () => {
  await using db = await testDatabase();
  const task = await addTask(db);
  await addKeys(db, task, ['k']);
  let held = first(await claim(db, task));
  const again = { done: false, reason: 'interrupted', startedAt: 1 };
  for (const [result, sent] of [
    [again, false],
    [{ ...again, writeSent: true }, true],
    [again, true],
    [{ done: false, released: true }, true],
  ] as const) {
    await settle(db, task, [settlement(held, result)]);
    held = first(await claim(db, task));
    assert.equal(held.writeSent, sent);
  }
  // An event makes it due again; the write was recorded, and the next round begins without one.
  await addKeys(db, task, ['k']);
  await settle(db, task, [settlement(held, { writeSent: true })]);
  held = first(await claim(db, task));
  assert.equal(held.writeSent, false);
});
