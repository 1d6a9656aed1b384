import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Strikes } from './strikes.ts';

const MINUTE = 60_000;

function strike(strikes: Strikes, key: string, times: number): void {
  for (let time = 0; time < times; time++) strikes.add(key);
}

test('five failures in a row are one too many, for five minutes', () => {
  let now = 0;
  const strikes = new Strikes(() => now);
  strike(strikes, 'a', 4);
  assert.equal(strikes.outUntil('a'), undefined);
  strikes.add('a');
  assert.equal(strikes.outUntil('a'), 5 * MINUTE);
  assert.equal(strikes.outUntil('b'), undefined);
  now = 5 * MINUTE - 1;
  assert.equal(strikes.outUntil('a'), 5 * MINUTE);
  now = 5 * MINUTE;
  assert.equal(strikes.outUntil('a'), undefined);
});

test('a success in between begins the count anew', () => {
  const strikes = new Strikes(() => 0);
  strike(strikes, 'a', 4);
  strikes.clear('a');
  strike(strikes, 'a', 4);
  assert.equal(strikes.outUntil('a'), undefined);
});

test('a flood of keys takes no more memory than ten thousand of them', () => {
  const strikes = new Strikes(() => 0);
  strike(strikes, 'a', 5);
  for (let key = 0; key < 9_999; key++) strikes.add(`key ${key}`);
  assert.equal(strikes.outUntil('a'), 5 * MINUTE);
  strikes.add('one more');
  assert.equal(strikes.outUntil('a'), undefined);
});

test('a flood of keys brings back no other that is out', () => {
  const strikes = new Strikes(() => 0);
  for (let key = 0; key < 9_990; key++) strikes.add(`key ${key}`);
  strike(strikes, 'a', 5);
  for (let key = 0; key < 9_990; key++) strikes.add(`another ${key}`);
  assert.equal(strikes.outUntil('a'), 5 * MINUTE);
});
