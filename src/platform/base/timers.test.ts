import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SteppedClock, turn } from '../../../test/kit/stepped-clock.ts';
import { after, Alarm, every, timeLimit } from './timers.ts';

test('a wait ends after its time, or when it is rung', async () => {
  const clock = new SteppedClock();
  const alarm = new Alarm(clock);
  const ended: string[] = [];
  void alarm.wait(100).then(() => ended.push('by time'));
  await clock.pass(90);
  assert.equal(ended.length, 0);
  await clock.pass(10);
  assert.deepEqual(ended, ['by time']);
  alarm.ring(); // Nobody waits: the next wait is not shortened.
  void alarm.wait(100).then(() => ended.push('by a ring'));
  await clock.pass(50);
  assert.deepEqual(ended, ['by time']);
  alarm.ring();
  await turn();
  assert.deepEqual(ended, ['by time', 'by a ring']);
});

test('what is scheduled runs at its time, and not after it was disposed of', async () => {
  const clock = new SteppedClock();
  const ran: string[] = [];
  after(clock, 100, () => ran.push('once'));
  after(clock, 100, () => ran.push('never'))[Symbol.dispose]();
  const repeated = every(clock, 40, () => ran.push(`at ${clock.now()}`));
  await clock.pass(100);
  assert.deepEqual(ran, ['at 40', 'at 80', 'once']);
  repeated[Symbol.dispose]();
  await clock.pass(100);
  assert.equal(ran.length, 3);
});

test('a limit ends after its time, with the signal that it was given, or never once it was disposed of', async () => {
  const clock = new SteppedClock();
  const outer = new AbortController();
  const late = timeLimit(clock, 100);
  const stopped = timeLimit(clock, 100, outer.signal);
  const inTime = timeLimit(clock, 100);
  inTime[Symbol.dispose]();
  await clock.pass(50);
  assert.equal(late.signal.aborted, false);
  const why = new Error('stopped');
  outer.abort(why);
  assert.equal(stopped.signal.reason, why);
  await clock.pass(50);
  assert.throws(() => late.signal.throwIfAborted(), { name: 'TimeoutError' });
  assert.equal(inTime.signal.aborted, false);
});
