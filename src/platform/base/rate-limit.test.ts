import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RateLimit } from './rate-limit.ts';

function limit(perMinute: number) {
  const clock = { time: 1_000_000 };
  return { clock, limit: new RateLimit({ perMinute, now: () => clock.time }) };
}

test('a minute’s worth comes through at once, then one at a time', () => {
  const { clock, limit: three } = limit(3);
  assert.deepEqual(
    [1, 2, 3].map(() => three.take('a')),
    [0, 0, 0],
  );
  assert.equal(three.take('a'), 20_000);
  assert.equal(three.take('b'), 0);
  clock.time += 19_999;
  assert.equal(three.take('a'), 1);
  clock.time += 1;
  assert.equal(three.wait('a'), 0);
  assert.equal(three.take('a'), 0);
  assert.equal(three.take('a'), 20_000);
  clock.time += 3_600_000;
  assert.deepEqual(
    [1, 2, 3, 4].map(() => three.take('a')),
    [0, 0, 0, 20_000],
  );
});

test('a limit of 0 requests is no limit', () => {
  const { limit: none } = limit(0);
  for (let time = 0; time < 1_000; time++) assert.equal(none.take('a'), 0);
});

test('a clock that is put back gives nothing and takes nothing', () => {
  const { clock, limit: one } = limit(1);
  assert.equal(one.take('a'), 0);
  clock.time -= 3_600_000;
  assert.equal(one.take('a'), 60_000);
});

test('in no minute more than twice its worth comes through, whatever comes', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 300 }),
      (perMinute, steps) => {
        const { clock, limit: some } = limit(perMinute);
        const through: number[] = [];
        for (const step of steps) {
          clock.time += step;
          const wait = some.take('a');
          if (wait === 0) through.push(clock.time);
          else assert.ok(wait > 0 && wait <= Math.ceil(60_000 / perMinute));
        }
        for (const begin of through) {
          const within = through.filter((time) => time >= begin && time < begin + 60_000);
          assert.ok(within.length <= 2 * perMinute, `${within.length} of ${perMinute}`);
        }
      },
    ),
  );
});

test('with too many keys, the least recently used key starts over with a full allowance', () => {
  const { limit: two } = limit(2);
  for (let key = 0; key < 9_999; key++) two.take(`key ${key}`);
  two.take('key 0');
  assert.equal(two.take('key 0'), 30_000);
  two.take('another');
  two.take('one too many');
  assert.equal(two.take('key 0'), 30_000);
  assert.equal(two.take('key 1'), 0);
  assert.equal(two.take('key 1'), 0);
});
