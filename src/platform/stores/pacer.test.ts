import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { Pacer } from './pacer.ts';

const { signal } = new AbortController();

/** A request that the store answers at once. */
async function request(
  pacer: Pacer,
  refusal?: { readonly retryAfterMs?: number },
  until = signal,
): Promise<void> {
  const sentAt = await pacer.turn(until);
  pacer.answered({ sentAt, refused: refusal !== undefined, ...refusal });
}

function setUp() {
  const clock = new ManualClock();
  return { clock, pacer: new Pacer(clock) };
}

const refused = {};

describe('the pace of an account', () => {
  test('single refusals do not slow it down', async () => {
    const { clock, pacer } = setUp();
    for (let call = 1; call <= 1000; call++) {
      await request(pacer, [1, 100, 101].includes(call) ? refused : undefined);
      clock.time += 10;
    }
    assert.deepEqual(clock.sleeps, []);
  });

  test('a store that refuses requests for a while is slowed down, and recovers', async () => {
    const { clock, pacer } = setUp();
    const requests = async (count: number, refusal?: typeof refused) => {
      clock.sleeps.length = 0;
      for (let call = 0; call < count; call++) {
        await request(pacer, refusal);
        clock.time += 10;
      }
      return clock.sleeps.length;
    };
    assert.equal(await requests(100), 0);
    assert.ok((await requests(50, refused)) > 0);
    await requests(5000);
    assert.equal(await requests(100), 0);
  });

  test('a Retry-After of many refusals is respected by all requests', async () => {
    const { clock, pacer } = setUp();
    const throttled = () => request(pacer, { retryAfterMs: 30_000 });
    await Promise.all(Array.from({ length: 8 }, throttled));
    const before = clock.time;
    await request(pacer);
    assert.ok(clock.time - before >= 30_000, String(clock.time - before));
  });

  test('requests wait in the order in which they came, and an abort ends the wait', async () => {
    const { pacer } = setUp();
    await Promise.all(Array.from({ length: 8 }, () => request(pacer, refused)));
    const stop = new AbortController();
    const reason = new Error('enough');
    const served: string[] = [];
    const one = async (name: string, until: AbortSignal): Promise<void> => {
      await request(pacer, undefined, until);
      served.push(name);
    };
    const [first, second] = [one('1', signal), one('2', stop.signal)];
    const third = one('3', signal);
    stop.abort(reason);
    await assert.rejects(second, (error) => error === reason);
    await Promise.all([first, third]);
    assert.deepEqual(served, ['1', '3']);
  });
});
