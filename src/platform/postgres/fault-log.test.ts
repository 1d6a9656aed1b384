import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { createLogger } from '../base/log.ts';
import { DatabaseError } from './db-error.ts';
import { FaultLog } from './fault-log.ts';

function faultLogWithLines() {
  const lines: Record<string, unknown>[] = [];
  const destination = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(JSON.parse(line.toString()) as Record<string, unknown>);
      done();
    },
  });
  const clock = new ManualClock();
  return {
    clock,
    lines,
    faultLog: new FaultLog({ log: createLogger('debug', destination), clock }),
  };
}

test('each fault of the database is logged once, then once a minute with how many statements met it', () => {
  const { clock, lines, faultLog } = faultLogWithLines();
  for (let time = 0; time < 100; time++) {
    faultLog.add(new DatabaseError('disk-full', 'could not extend file', { code: '53100' }));
    faultLog.add(new DatabaseError('unavailable', 'connection refused'));
  }
  clock.time += 59_999;
  faultLog.add(new DatabaseError('disk-full', 'could not extend file'));
  assert.deepEqual(
    lines.map(({ event, level, fault, count }) => [event, level, fault, count]),
    [
      ['database.failing', 50, 'disk-full', 1],
      ['database.failing', 40, 'unavailable', 1],
    ],
  );
  assert.equal(lines[0]?.['state'], 'The disk of the database is full.');
  clock.time += 1;
  faultLog.add(new DatabaseError('disk-full', 'could not extend file'));
  assert.deepEqual([lines[2]?.['fault'], lines[2]?.['count']], ['disk-full', 101]);
  assert.equal(faultLog.count, 202);
});

test('a fault of one statement is not one of the database', () => {
  const { lines, faultLog } = faultLogWithLines();
  for (const fault of ['statement', 'duplicate', 'constraint', 'timed-out', 'contended'] as const) {
    faultLog.add(new DatabaseError(fault, 'no'));
  }
  assert.deepEqual([lines.length, faultLog.count], [0, 0]);
});
