import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Replays } from './replays.ts';

const MINUTE = 60_000;

test('a signature is used once, by each key that it is of', () => {
  const replays = new Replays(() => 0);
  assert.equal(replays.mayUse('AK', 'a', 0), true);
  assert.equal(replays.mayUse('AK', 'a', 0), false);
  assert.equal(replays.mayUse('AK', 'b', 0), true);
  assert.equal(replays.mayUse('OTHER', 'a', 0), true);
});

test('it is used again in the moments after, where that is given', () => {
  let now = 0;
  const replays = new Replays(() => now);
  assert.equal(replays.mayUse('AK', 'a', 2_000), true);
  now = 1_999;
  assert.equal(replays.mayUse('AK', 'a', 2_000), true);
  assert.equal(replays.mayUse('AK', 'a', 0), false);
  now = 2_000;
  assert.equal(replays.mayUse('AK', 'a', 2_000), false);
});

test('it is remembered while its date could still be taken', () => {
  let now = 0;
  const replays = new Replays(() => now);
  replays.mayUse('AK', 'a', 0);
  now = 30 * MINUTE;
  assert.equal(replays.mayUse('AK', 'a', 0), false);
  now += 1;
  assert.equal(replays.mayUse('AK', 'a', 0), true);
});

test('under a flood nothing that is still valid is forgotten: further calls are refused', () => {
  let now = 0;
  const replays = new Replays(() => now);
  for (let use = 0; use < 100_000; use++) replays.mayUse('AK', `${use}`, 0);
  assert.throws(() => replays.mayUse('AK', 'one more', 0), /too many signed calls .* in 1801 s/);
  assert.equal(replays.mayUse('AK', '0', 0), false);
  now = 30 * 60_000 + 1;
  assert.equal(replays.mayUse('AK', 'one more', 0), true);
});
