import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SteppedClock } from '../../../test/kit/stepped-clock.ts';
import { CostlyAnswer } from './costly-answer.ts';

/** Answers are numbered; each takes `tookMs`. */
function counted() {
  const clock = new SteppedClock();
  const state = { asked: 0, tookMs: 1_000, fails: false };
  const answer = new CostlyAnswer({
    clock,
    async ask() {
      state.asked += 1;
      const number = state.asked;
      await clock.sleep(state.tookMs, new AbortController().signal);
      if (state.fails) throw new Error('not this time');
      return number;
    },
    patienceMs: 500,
    share: 0.05,
  });
  return { clock, state, answer };
}

test('callers at the same time share one question', async () => {
  const { clock, state, answer } = counted();
  const all = Promise.all([answer.get(), answer.get(), answer.get()]);
  await clock.passUntil(all);
  assert.deepEqual(await all, [1, 1, 1]);
  assert.equal(state.asked, 1);
});

test('asking takes no more than its share of the time, however often it is called', async () => {
  const { clock, state, answer } = counted();
  await clock.passUntil(answer.get());
  for (let second = 0; second < 99; second++) {
    void answer.get();
    await clock.pass(1_000);
  }
  assert.ok(state.asked >= 5 && state.asked <= 6, `${state.asked} times in 100 s`);
});

test('where a newer answer takes longer than the patience, the last one is given', async () => {
  const { clock, state, answer } = counted();
  await clock.passUntil(answer.get());
  await clock.pass(20_000);
  const late = answer.get();
  await clock.pass(510);
  assert.equal(await late, 1);
  await clock.pass(500);
  assert.equal(await answer.get(), 2);
  await clock.pass(20_000);
  state.tookMs = 100;
  const soon = answer.get();
  await clock.pass(110);
  assert.equal(await soon, 3);
});

test('a failure is returned until the question is asked again', async () => {
  const { clock, state, answer } = counted();
  state.fails = true;
  const failing = answer.get();
  await Promise.all([assert.rejects(failing, /not this time/), clock.pass(1_010)]);
  await assert.rejects(answer.get(), /not this time/);
  assert.equal(state.asked, 1);
  state.fails = false;
  state.tookMs = 100;
  await clock.pass(20_000);
  const back = answer.get();
  await clock.pass(110);
  assert.equal(await back, 2);
});
