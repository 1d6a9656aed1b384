import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { step, type SyncTaskSignal, type SyncTaskStatus, syncTaskStatuses } from './sync-task.ts';

const signals = ['start', 'stop', 'delete'] as const satisfies readonly SyncTaskSignal[];

test('exactly three steps are allowed', () => {
  const allowed = syncTaskStatuses.flatMap((status) =>
    signals.flatMap((signal) => {
      const target = step(status, signal);
      return target === undefined ? [] : [`${status} ${signal} ${target}`];
    }),
  );
  assert.deepEqual(allowed, [
    'SYNCHRONIZING stop STOPPED',
    'STOPPED start SYNCHRONIZING',
    'STOPPED delete gone',
  ]);
});

test('from wherever random signals lead, a stop and a delete end the task', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...signals)), (given) => {
      let status: SyncTaskStatus | 'gone' = 'SYNCHRONIZING';
      for (const signal of given) {
        if (status === 'gone') break;
        const was: SyncTaskStatus = status;
        status = step(status, signal) ?? status;
        assert.ok(status !== 'gone' || (was === 'STOPPED' && signal === 'delete'));
      }
      if (status !== 'gone') status = step(status, 'stop') ?? status;
      if (status !== 'gone') status = step(status, 'delete') ?? status;
      assert.equal(status, 'gone');
    }),
  );
});
