import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachConcurrently } from './concurrently.ts';

const never = new AbortController().signal;

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test('every item is worked on once, and never more than the concurrency at a time', async () => {
  const seen: number[] = [];
  let inWork = 0;
  let most = 0;
  await eachConcurrently(Array(20).keys(), { concurrency: 3, signal: never }, async (item) => {
    most = Math.max(most, (inWork += 1));
    await turn();
    seen.push(item);
    inWork -= 1;
  });
  assert.equal(most, 3);
  assert.deepEqual(
    seen.sort((a, b) => a - b),
    [...Array(20).keys()],
  );
});

test('an item is pulled only when a slot is free', async () => {
  let pulled = 0;
  let ended = 0;
  function* items() {
    for (let item = 0; item < 20; item++) {
      assert.ok(pulled - ended < 2);
      pulled += 1;
      yield item;
    }
  }
  await eachConcurrently(items(), { concurrency: 2, signal: never }, async () => {
    await turn();
    ended += 1;
  });
  assert.equal(ended, 20);
});

test('the first failure starts nothing more, aborts the others, and waits for them', async () => {
  const failure = new Error('no');
  const ended: number[] = [];
  let returned = false;
  function* items() {
    try {
      for (let item = 0; ; item++) yield item;
    } finally {
      returned = true;
    }
  }
  const all = eachConcurrently(items(), { concurrency: 3, signal: never }, async (item, signal) => {
    await turn();
    if (item === 1) throw failure;
    while (!signal.aborted) await turn();
    await turn();
    ended.push(item);
    throw new Error('a later failure');
  });
  await assert.rejects(all, (error) => error === failure);
  assert.deepEqual(ended.sort(), [0, 2]);
  assert.ok(returned);
});

test('an aborted signal ends it with its reason', async () => {
  const stop = new AbortController();
  const reason = new Error('enough');
  let worked = 0;
  const all = eachConcurrently(
    Array(20).keys(),
    { concurrency: 2, signal: stop.signal },
    async () => {
      worked += 1;
      if (worked === 4) stop.abort(reason);
      await turn();
    },
  );
  await assert.rejects(all, (error) => error === reason);
  assert.equal(worked, 4);
});

test('a source that throws fails it as well', async () => {
  const failure = new Error('no');
  function* items() {
    yield 1;
    throw failure;
  }
  const all = eachConcurrently(items(), { concurrency: 2, signal: never }, turn);
  await assert.rejects(all, (error) => error === failure);
});

test('nothing to do is done at once', async () => {
  await eachConcurrently([], { concurrency: 4, signal: never }, () =>
    Promise.reject(new Error('no')),
  );
});
