import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { DatabaseError } from '../../platform/postgres/db.ts';
import { Readiness } from './readiness.ts';

function fixture() {
  const clock = new ManualClock();
  const checks: PromiseWithResolvers<void>[] = [];
  const state = { faults: 0 };
  let wake = (): void => undefined;
  const readiness = new Readiness({
    check: () => {
      checks.push(Promise.withResolvers());
      return checks.at(-1)?.promise ?? Promise.resolve();
    },
    faultCount: () => state.faults,
    clock: {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      random: () => 0.5,
      sleep: () => new Promise((resolve) => (wake = resolve)),
    },
  });
  return { clock, checks, state, readiness, tooLate: () => wake() };
}

function refused(message: string) {
  return { name: 'NotReady', message };
}

test('not ready before all has started, and not once the stop has begun; nothing is checked then', async () => {
  const { readiness, checks } = fixture();
  await assert.rejects(readiness.ready(), refused('The service is starting.'));
  readiness.begin();
  readiness.end();
  await assert.rejects(readiness.ready(), refused('The service is stopping.'));
  assert.equal(checks.length, 0);
});

test('a check that succeeded counts for five seconds, and callers at the same time share one', async () => {
  const { readiness, checks, clock } = fixture();
  readiness.begin();
  const both = [readiness.ready(), readiness.ready()];
  checks[0]?.resolve();
  await Promise.all(both);
  clock.time += 4_999;
  await readiness.ready();
  assert.equal(checks.length, 1);
  clock.time += 1;
  const later = readiness.ready();
  checks[1]?.resolve();
  await later;
});

test('a statement that met a fault of the database ends what an earlier check has shown', async () => {
  const { readiness, checks, state } = fixture();
  readiness.begin();
  const first = readiness.ready();
  checks[0]?.resolve();
  await first;
  state.faults += 1;
  const second = readiness.ready();
  checks[1]?.reject(new DatabaseError('disk-full', 'could not extend file "base/5/16471"'));
  await assert.rejects(second, refused('The disk of the database is full.'));
});

test('a check that failed counts for half a second, and reports the state but not the message', async () => {
  const { readiness, checks, clock } = fixture();
  readiness.begin();
  const first = readiness.ready();
  checks[0]?.reject(new Error('the host db-7 is away'));
  await assert.rejects(first, refused('The check of the database failed.'));
  clock.time += 499;
  await assert.rejects(readiness.ready(), refused('The check of the database failed.'));
  assert.equal(checks.length, 1);
  clock.time += 1;
  const second = readiness.ready();
  checks[1]?.resolve();
  await second;
});

test('a check that takes too long is not waited for, and no second one begins beside it', async () => {
  const { readiness, checks, tooLate } = fixture();
  readiness.begin();
  const first = readiness.ready();
  tooLate();
  await assert.rejects(first, refused('The database took too long to answer.'));
  const second = readiness.ready();
  assert.equal(checks.length, 1);
  checks[0]?.resolve();
  await second;
});
