import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { HeldBytes } from './held-bytes.ts';

const { signal } = new AbortController();

test('no more bytes are held than the bound allows, first come first served', async () => {
  const held = new HeldBytes(10);
  const order: string[] = [];
  async function take(name: string, size: number): Promise<Disposable> {
    const room = await held.take(size, signal);
    order.push(name);
    return room;
  }
  const first = await take('first', 6);
  const second = take('second', 5);
  const third = take('third', 1); // It would fit, but does not overtake.
  await setImmediate();
  assert.deepEqual([order, held.held], [['first'], 6]);
  first[Symbol.dispose]();
  const rooms = await Promise.all([second, third]);
  assert.deepEqual([order, held.held], [['first', 'second', 'third'], 6]);
  for (const room of rooms) room[Symbol.dispose]();
  assert.equal(held.held, 0);
});

test('what is larger than the bound is held alone', async () => {
  const held = new HeldBytes(10);
  const small = await held.take(1, signal);
  const large = held.take(100, signal);
  await setImmediate();
  assert.equal(held.held, 1);
  small[Symbol.dispose]();
  const room = await large;
  const next = held.take(1, signal);
  await setImmediate();
  assert.equal(held.held, 100);
  room[Symbol.dispose]();
  (await next)[Symbol.dispose]();
  assert.equal(held.held, 0);
});

test('a wait that is aborted takes no room and holds up no other', async () => {
  const held = new HeldBytes(10);
  const first = await held.take(10, signal);
  const stop = new AbortController();
  const aborted = held.take(10, stop.signal);
  const last = held.take(1, signal);
  stop.abort(new Error('enough'));
  await assert.rejects(aborted, /enough/);
  first[Symbol.dispose]();
  (await last)[Symbol.dispose]();
  assert.equal(held.held, 0);
});

test('a wait that is aborted as it is admitted gives its room back', async () => {
  const held = new HeldBytes(10);
  const first = await held.take(10, signal);
  const stop = new AbortController();
  const both = held.take(10, stop.signal);
  stop.abort(new Error('enough'));
  first[Symbol.dispose](); // Admits it before its rejection is seen.
  await assert.rejects(both, /enough/);
  assert.equal(held.held, 0);
});
