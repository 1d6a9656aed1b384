import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Remembered } from './remembered.ts';

function remembered() {
  const asked: PromiseWithResolvers<string | undefined>[] = [];
  const time = { now: 0 };
  const answers = new Remembered<string | undefined>({ forMs: 10, max: 2, now: () => time.now });
  const get = (key: string) =>
    answers.get(
      key,
      () => {
        asked.push(Promise.withResolvers());
        return asked.at(-1)?.promise ?? Promise.reject(new Error('nothing was asked'));
      },
      (answer) => answer !== undefined,
    );
  return { asked, answers, time, get };
}

test('an answer that is accepted is kept for the time given, and callers at the same time share it', async () => {
  const { asked, get, time } = remembered();
  const both = [get('a'), get('a')];
  asked[0]?.resolve('one');
  assert.deepEqual(await Promise.all(both), ['one', 'one']);
  time.now = 9;
  assert.equal(await get('a'), 'one');
  assert.equal(asked.length, 1);
  time.now = 10;
  const later = get('a');
  asked[1]?.resolve('two');
  assert.equal(await later, 'two');
});

test('an answer that is not accepted is not kept', async () => {
  const { asked, get } = remembered();
  const first = get('a');
  asked[0]?.resolve(undefined);
  assert.equal(await first, undefined);
  const second = get('a');
  asked[1]?.resolve('made since then');
  assert.equal(await second, 'made since then');
});

test('a caller does not get a miss from a question asked before its call, and a burst asks once more', async () => {
  const { asked, get } = remembered();
  const before = get('a');
  const during = [get('a'), get('a'), get('a')];
  asked[0]?.resolve(undefined);
  assert.equal(await before, undefined);
  await new Promise(setImmediate);
  assert.equal(asked.length, 2);
  asked[1]?.resolve('made meanwhile');
  assert.deepEqual(await Promise.all(during), Array(3).fill('made meanwhile'));
  assert.equal(await get('a'), 'made meanwhile');
  assert.equal(asked.length, 2);
});

test('a failed answer is not kept', async () => {
  const { asked, get } = remembered();
  const failing = get('a');
  asked[0]?.reject(new Error('gone'));
  await assert.rejects(failing, /gone/);
  const second = get('a');
  asked[1]?.resolve('back');
  assert.equal(await second, 'back');
});
