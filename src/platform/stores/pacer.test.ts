import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { allows, type RefusingStore } from '../../../test/kit/paced-store-model.ts';
import { SteppedClock } from '../../../test/kit/stepped-clock.ts';
import type { Work } from './account-pace.ts';
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

/** Clients of each kind, which send one request after the other to a store, all at one pace. */
async function run(
  clients: Partial<Record<Work, number>>,
  { refuses, seconds }: { readonly refuses: (work: Work, now: number) => boolean; seconds: number },
): Promise<Record<Work, number[]>> {
  const clock = new SteppedClock();
  const pacer = new Pacer(clock);
  const accepted: Record<Work, number[]> = { check: [], object: [], scan: [] };
  const stop = new AbortController();
  const client = async (work: Work): Promise<void> => {
    for (;;) {
      const sentAt = await pacer.turn(stop.signal, work);
      const isRefused = refuses(work, sentAt);
      await clock.sleep(100, stop.signal);
      pacer.answered({ sentAt, refused: isRefused, work });
      if (isRefused) await clock.sleep(50, stop.signal);
      else accepted[work].push(clock.now());
    }
  };
  const works: readonly Work[] = ['check', 'object', 'scan'];
  const running = works.flatMap((work) =>
    Array.from({ length: clients[work] ?? 0 }, () => client(work)),
  );
  const over = Promise.allSettled(running);
  await clock.pass(seconds * 1000);
  stop.abort(new Error('enough'));
  await over;
  return accepted;
}

const perSecond = (times: readonly number[], from: number, until: number): number =>
  times.filter((time) => time >= from * 1000 && time < until * 1000).length / (until - from);

const limitedTo = (store: RefusingStore) => (_work: Work, now: number) => store.refuses(now, 100);

describe('lists of scans beside other requests', () => {
  test('are not paced while nothing is refused', async () => {
    const { object, scan } = await run(
      { object: 6, scan: 20 },
      { refuses: () => false, seconds: 10 },
    );
    assert.ok(perSecond(object, 1, 10) > 50);
    assert.ok(perSecond(scan, 1, 10) > 150);
  });

  test('give way to objects where the store allows less than both want', async () => {
    const refuses = () => limitedTo(allows(() => 500, 50));
    const { object: alone } = await run({ object: 40 }, { refuses: refuses(), seconds: 15 });
    const both = { object: 40, scan: 40 };
    const { object, scan } = await run(both, { refuses: refuses(), seconds: 15 });
    // From the beginning: the objects do not slow down first.
    for (const from of [0, 5]) {
      const [rate, before] = [object, alone].map((times) => perSecond(times, from, 15));
      assert.ok((rate ?? 0) > 0.95 * (before ?? 0), `${rate} of ${before}`);
    }
    // The scans list with what is left.
    assert.ok(perSecond(scan, 5, 15) > 30, String(perSecond(scan, 5, 15)));
  });

  test('are not starved by objects that want more than the store allows', async () => {
    const refuses = limitedTo(allows(() => 100, 10));
    const { object, scan } = await run({ object: 60, scan: 20 }, { refuses, seconds: 25 });
    assert.ok(perSecond(object, 10, 25) > 80);
    const share = perSecond(scan, 10, 25) / perSecond(object, 10, 25);
    assert.ok(share > 1 / 40 && share < 1 / 8, String(share));
  });

  test('are slowed down alone where the store refuses lists only', async () => {
    const lists = allows(() => 10, 5);
    const refuses = (work: Work, now: number) => work === 'scan' && lists.refuses(now, 100);
    const { object, scan } = await run({ object: 20, scan: 20 }, { refuses, seconds: 25 });
    assert.ok(perSecond(object, 0, 25) > 170, String(perSecond(object, 0, 25)));
    const rate = perSecond(scan, 15, 25);
    assert.ok(rate > 5 && rate <= 10.5, String(rate));
  });

  test('continue where the store refuses requests at random', async () => {
    let count = 0;
    const refuses = () => (count += 1) % 20 === 0;
    const { scan } = await run({ object: 20, scan: 20 }, { refuses, seconds: 25 });
    assert.ok(perSecond(scan, 15, 25) > 3, String(perSecond(scan, 15, 25)));
  });

  test('are listed as fast as before when the store allows it again', async () => {
    const store = allows((now) => (now < 10_000 ? 100 : 10_000), 50);
    const refuses = limitedTo(store);
    const { scan } = await run({ object: 6, scan: 20 }, { refuses, seconds: 40 });
    assert.ok(perSecond(scan, 30, 40) > 150, String(perSecond(scan, 30, 40)));
  });
});

test('checks go before objects, and objects before scans, whatever the order of arrival', async () => {
  const clock = new SteppedClock();
  const pacer = new Pacer(clock);
  for (let at = 0; at < 8; at++) {
    pacer.answered({ sentAt: await pacer.turn(signal), refused: true, retryAfterMs: 1000 });
  }
  const served: Work[] = [];
  const one = async (work: Work): Promise<void> => {
    await pacer.turn(signal, work);
    served.push(work);
  };
  const all = (['scan', 'scan', 'object', 'object', 'check'] as const).map(one);
  await clock.passUntil(Promise.all(all));
  assert.deepEqual(served, ['check', 'object', 'object', 'scan', 'scan']);
});
