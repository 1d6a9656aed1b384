import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countTurns } from '../../../test/kit/count-turns.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { Slices } from './slices.ts';

for (const [ms, expected] of [
  [0, 1],
  [1, 4],
  [4, 10],
  [5, 20],
  [50, 20],
] as const) {
  test(`20 callers that compute ${ms} ms each take ${expected} turns of the event loop`, async () => {
    const clock = new ManualClock();
    const slices = new Slices(clock);
    const turns = countTurns();
    const compute = (at: number) => (): number => {
      turns.note();
      clock.time += ms;
      return at;
    };
    const calls = Array.from({ length: 20 }, (_, at) => at);
    const results = await Promise.all(calls.map((at) => slices.run(compute(at))));
    turns.stop();
    assert.deepEqual(results, calls);
    assert.equal(new Set(turns.noted).size, expected);
  });
}

test('what throws uses up its slice, too', async () => {
  const clock = new ManualClock();
  const slices = new Slices(clock);
  const turns = countTurns();
  const failing = (): void => {
    turns.note();
    clock.time += 6;
    throw new Error('no');
  };
  const calls = [1, 2].map(() => slices.run(failing));
  const results = await Promise.allSettled(calls);
  turns.stop();
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(new Set(turns.noted).size, 2);
});
