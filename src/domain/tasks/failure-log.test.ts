import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../platform/base/clock.ts';
import { createLogger } from '../../platform/base/log.ts';
import { FailureLog } from './failure-log.ts';

test('the first failure of a task and reason is logged, then one a minute with the number of failures', () => {
  const lines: string[] = [];
  let now = 1_000_000;
  const clock = { ...systemClock, monotonic: () => now };
  const failures = new FailureLog(
    clock,
    createLogger('info', { write: (line: string) => lines.push(line) }),
  );
  const told = () =>
    lines.splice(0).map((line) => {
      const { event, taskId, key, reason, count, detail } = JSON.parse(line) as Record<
        string,
        unknown
      >;
      assert.equal(detail, `why ${String(key)}`);
      return [event, taskId, key, reason, count];
    });
  const add = (taskId: string, key: string, reason: string) =>
    failures.add({ taskId, key, reason, message: `why ${key}` });
  add('t1', 'a', 'denied');
  add('t1', 'b', 'denied');
  add('t1', 'c', 'not-found');
  add('t2', 'd', 'denied');
  assert.deepEqual(told(), [
    ['object.failed', 't1', 'a', 'denied', 1],
    ['object.failed', 't1', 'c', 'not-found', 1],
    ['object.failed', 't2', 'd', 'denied', 1],
  ]);
  now += 59_000;
  add('t1', 'e', 'denied');
  assert.deepEqual(told(), []);
  now += 1_000;
  add('t1', 'f', 'denied');
  add('t1', 'g', 'denied');
  assert.deepEqual(told(), [['object.failed', 't1', 'f', 'denied', 3]]);
});
