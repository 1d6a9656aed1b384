import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLogger, type LogLevel } from './log.ts';
import { Secret } from './seal.ts';

function capture(level: LogLevel = 'info') {
  const lines: string[] = [];
  const log = createLogger(
    level,
    { write: (line) => void lines.push(line) },
    { secretFields: ['own_key'] },
  );
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> };
}

describe('createLogger', () => {
  test('writes an event a line, at its level and above', () => {
    const { log, lines, last } = capture('warn');
    log.info({ event: 'task.started' }, 'started');
    log.warn({ event: 'store.retry', attempt: 2 }, 'trying again');
    assert.equal(lines.length, 1);
    const { time, ...line } = last();
    assert.deepEqual(line, { level: 40, event: 'store.retry', attempt: 2, msg: 'trying again' });
    assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/);
  });

  test('gives the lines of libraries an event too', () => {
    const { log, last } = capture();
    log.info('listening');
    assert.equal(last()['event'], 'library.said');
    log.child({ requestId: 'one' }).info({ event: 'x.y' }, 'ours');
    assert.equal(last()['event'], 'x.y');
  });

  test('keeps secrets out, at three levels', () => {
    const { log, lines } = capture();
    const held = {
      'ak': 'hunter2',
      'sk': 'hunter2',
      'x-auth-token': 'hunter2',
      'authorization': 'hunter2',
      'password': 'hunter2',
    };
    log.info({ ...held, event: 'x.y' });
    log.info({ event: 'x.y', src_node: held });
    log.info({
      event: 'x.y',
      req: { headers: held, body: { ak: 'hunter2', own_key: 'hunter2' } },
    });
    log.info({ event: 'x.y', deep: { value: new Secret('hunter2') } });
    log.child(held).info({ event: 'x.y' });
    assert.equal(lines.length, 5);
    assert.ok(!lines.join('').includes('hunter2'), lines.join(''));
  });

  test('an error is logged with its type, message and cause, and none of its other fields', () => {
    const { log, lines, last } = capture();
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', config: 'hunter2' });
    const err = Object.assign(new Error('no copy', { cause }), {
      fault: 'unavailable',
      request: { sk: 'hunter2' },
    });
    log.error({ event: 'copy.failed', err }, 'failed');
    assert.ok(!lines.join('').includes('hunter2'));
    const { stack, cause: why, ...told } = last()['err'] as Record<string, unknown>;
    assert.deepEqual(told, { type: 'Error', message: 'no copy', fault: 'unavailable' });
    assert.match(String(stack), /log\.test\.ts/);
    assert.equal((why as Record<string, unknown>)['code'], 'ECONNREFUSED');
  });
});
