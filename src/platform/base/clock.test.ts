import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from './clock.ts';

test('a sleep that is aborted rejects with the reason, however it was aborted', async () => {
  const reason = new Error('wake up');
  const stop = new AbortController();
  const sleeping = systemClock.sleep(60_000, stop.signal);
  stop.abort(reason);
  await assert.rejects(sleeping, (error) => error === reason);
  await assert.rejects(systemClock.sleep(60_000, stop.signal), (error) => error === reason);
});

test('a sleep ends by itself, and not before its time', async () => {
  const begin = systemClock.monotonic();
  await systemClock.sleep(20, new AbortController().signal);
  assert.ok(systemClock.monotonic() - begin >= 19);
});

test('chance lies in [0, 1) and is not always the same', () => {
  const drawn = Array.from({ length: 100 }, () => systemClock.random());
  assert.ok(drawn.every((chance) => chance >= 0 && chance < 1));
  assert.ok(new Set(drawn).size > 90);
});
