import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Semaphore } from '../../src/platform/base/semaphore.ts';
import { faults, isRepeatable } from '../../src/platform/model/fault.ts';
import { around } from '../../src/platform/stores/layers/around.ts';
import { limited } from '../../src/platform/stores/layers/limited.ts';
import { resuming } from '../../src/platform/stores/layers/resuming.ts';
import { retrying } from '../../src/platform/stores/layers/retrying.ts';
import { MemoryStore } from '../kit/memory-store.ts';
import { layered } from '../../src/platform/stores/open-store.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import type { ReadBody } from '../../src/platform/http/bodies.ts';
import { bodyOf, patterned, rejectsWith, streamed } from '../conformance/store.ts';
import { type FaultScript, faulty, type FaultyOptions } from '../kit/faulty-store.ts';
import { ManualClock } from '../kit/manual-clock.ts';
import { SteppedClock } from '../kit/stepped-clock.ts';
import { until } from '../kit/until.ts';

const { signal } = new AbortController();
const policy = {
  attempts: 3,
  delayMs: (attempt: number) => attempt * 100,
  delayMaxMs: 5000,
  onRetry: () => {},
};

async function collected(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(body));
}

describe('retrying', () => {
  function setUp(script: FaultScript, options?: FaultyOptions) {
    const memory = new MemoryStore();
    const clock = new ManualClock();
    const { store, calls } = faulty(memory, script, options);
    const retried: number[] = [];
    const onRetry = (_error: unknown, attempt: number): void => void retried.push(attempt);
    const tried = retrying(store, { ...policy, onRetry }, clock);
    return { memory, clock, calls, retried, store: tried };
  }

  for (const fault of faults) {
    test(`${fault} is ${isRepeatable(fault) ? '' : 'not '}tried again`, async () => {
      const { store, calls, clock, retried } = setUp({ put: { 1: fault, 2: fault } });
      const put = store.put('key', bodyOf('x'), {}, signal);
      if (isRepeatable(fault)) {
        await put;
        assert.deepEqual(clock.sleeps, [100, 200]);
        assert.deepEqual(retried, [1, 2]);
      } else {
        await rejectsWith(fault, put);
        assert.equal(calls.get('put'), 1);
      }
    });
  }

  test('gives up after the last attempt', async () => {
    const unavailable = { 1: 'unavailable', 2: 'unavailable', 3: 'unavailable' } as const;
    const { store, calls } = setUp({ list: unavailable });
    await rejectsWith('unavailable', store.list({}, signal));
    assert.equal(calls.get('list'), 3);
  });

  test('waits as long as the store requires, up to a limit', async () => {
    const patient = setUp({ head: { 1: 'throttled' } }, { details: { retryAfterMs: 4000 } });
    await rejectsWith('not-found', patient.store.head('key', signal));
    assert.deepEqual(patient.clock.sleeps, [4000]);
    const hopeless = setUp({ head: { 1: 'throttled' } }, { details: { retryAfterMs: 6000 } });
    await rejectsWith('throttled', hopeless.store.head('key', signal));
    assert.deepEqual(hopeless.clock.sleeps, []);
  });

  test('a call holds its slot no longer than the bound while a store throttles', async () => {
    const throttled = { 1: 'throttled', 2: 'throttled', 3: 'throttled' } as const;
    const { store, clock, calls } = setUp({ head: throttled }, { details: { retryAfterMs: 3000 } });
    await rejectsWith('throttled', store.head('key', signal));
    assert.deepEqual(clock.sleeps, [3000]);
    assert.equal(calls.get('head'), 2);
  });

  test('waits its own time if the store requires less', async () => {
    const { store, clock } = setUp({ list: { 1: 'throttled' } }, { details: { retryAfterMs: 0 } });
    await store.list({}, signal);
    assert.deepEqual(clock.sleeps, [100]);
  });

  test('a stream is never sent again', async () => {
    const { store, calls } = setUp({ put: { 1: 'interrupted' }, putPart: { 1: 'interrupted' } });
    const body = () => ({ content: streamed('12'), size: 2 });
    await rejectsWith('interrupted', store.put('key', body(), {}, signal));
    const upload = await store.startParts('key', {}, signal);
    await rejectsWith('interrupted', upload.putPart(1, body(), signal));
    assert.equal(calls.get('put'), 1);
    assert.equal(calls.get('putPart'), 1);
    await upload.putPart(1, bodyOf('12'), signal);
  });

  test('a completion is not repeated: it may have been done', async () => {
    const { store, calls, memory } = setUp(
      { complete: { 1: 'interrupted' } },
      { afterwards: true },
    );
    const upload = await store.startParts('key', {}, signal);
    const receipt = await upload.putPart(1, bodyOf('12'), signal);
    await rejectsWith('interrupted', upload.complete([receipt], signal));
    assert.equal(calls.get('complete'), 1);
    assert.ok(memory.objects.has('key'));
  });

  test('an abort ends the waiting', async () => {
    const { store, calls } = faulty(new MemoryStore(), { head: { 1: 'unavailable' } });
    const slow = retrying(store, { ...policy, delayMs: () => 4000 }, new SteppedClock());
    const reason = new Error('enough');
    const stop = new AbortController();
    const waiting = assert.rejects(slow.head('key', stop.signal), (error) => error === reason);
    await until('the store was called', () => calls.get('head') === 1);
    stop.abort(reason);
    await waiting;
  });
});

describe('resuming', () => {
  const bytes = patterned(300_000);

  async function setUp(script: FaultScript): Promise<{
    store: Store;
    memory: MemoryStore;
    calls: ReadonlyMap<string, number>;
  }> {
    const memory = new MemoryStore();
    await memory.put('key', { content: bytes, size: bytes.length }, {}, signal);
    const { store, calls } = faulty(memory, script);
    return { store: resuming(store, policy, new ManualClock()), memory, calls };
  }

  for (const cutAfter of [0, 1, 65_536, 100_000, 299_999]) {
    test(`a body that breaks after ${cutAfter} bytes is continued`, async () => {
      const { store, calls } = await setUp({ read: { 1: { cutAfter }, 2: { cutAfter: 7 } } });
      const { head, body } = await store.read('key', {}, signal);
      assert.equal(head.size, bytes.length);
      assert.ok(bytes.equals(await collected(body)));
      assert.equal(calls.get('read'), cutAfter === 299_999 ? 2 : 3);
    });
  }

  test('a range that breaks is continued within the range', async () => {
    const { store } = await setUp({ read: { 1: { cutAfter: 1000 }, 2: { cutAfter: 0 } } });
    const range = { first: 5000, last: 399_999 };
    const { body } = await store.read('key', { range }, signal);
    assert.ok(bytes.subarray(5000).equals(await collected(body)));
  });

  test('a small body that breaks is fetched again', async () => {
    const { store } = await setUp({ read: { 1: { cutAfter: 1 }, 2: { cutAfter: 1 } } });
    const { body } = await store.read('key', {}, signal);
    assert.ok(bytes.equals(await body.bytes()));
  });

  test('another object is never glued to the first', async () => {
    const { store, memory } = await setUp({ read: { 1: { cutAfter: 100_000 } } });
    const { body } = await store.read('key', {}, signal);
    const other = patterned(300_000).reverse();
    await memory.put('key', { content: other, size: other.length }, {}, signal);
    await rejectsWith('changed', collected(body));
  });

  test('a body that never gives a byte is given up', async () => {
    const never = Object.fromEntries([2, 3, 4, 5, 6].map((call) => [call, { cutAfter: 0 }]));
    const { store, calls } = await setUp({ read: { 1: { cutAfter: 10 }, ...never } });
    const { body } = await store.read('key', {}, signal);
    await rejectsWith('interrupted', collected(body));
    assert.equal(calls.get('read'), 4);
  });

  test('a body that is discarded while it is opened again holds nothing', async () => {
    const memory = new MemoryStore();
    await memory.put('key', bodyOf('1234567890'), {}, signal);
    let discarded = 0;
    const inUse: ReadBody[] = [];
    const { store } = faulty(memory, { read: { 1: { cutAfter: 5 } } });
    const watched: Store = {
      ...around(store, {
        call: (_operation, _signal, run) => run(),
        read: (_signal, run) => run(),
      }),
      async read(...call) {
        const { head, body } = await store.read(...call);
        inUse[0]?.discard();
        const discard = (): void => void (discarded += 1);
        return {
          head,
          body: { ...body, [Symbol.asyncIterator]: () => body[Symbol.asyncIterator](), discard },
        };
      },
    };
    const { body } = await resuming(watched, policy, new ManualClock()).read('key', {}, signal);
    inUse.push(body);
    await rejectsWith('interrupted', collected(body));
    assert.equal(discarded, 2);
  });

  test('a store without ranges cannot read on: the break is what is reported', async () => {
    const { store } = await setUp({ read: { 1: { cutAfter: 10 }, 2: 'unsupported' } });
    const { body } = await store.read('key', {}, signal);
    await rejectsWith('interrupted', collected(body));
  });

  test('a failure to read on is passed on', async () => {
    const { store } = await setUp({ read: { 1: { cutAfter: 10 }, 2: 'denied' } });
    const { body } = await store.read('key', {}, signal);
    await rejectsWith('denied', collected(body));
  });
});

describe('limited', () => {
  test('keeps its place until the body is over', async () => {
    const memory = new MemoryStore();
    const store = limited(memory, new Semaphore(2));
    await store.put('key', bodyOf('12345'), {}, signal);
    for (const end of ['bytes', 'iterate', 'break', 'discard'] as const) {
      const [first, second] = [
        await store.read('key', {}, signal),
        await store.read('key', {}, signal),
      ];
      let third = false;
      const waiting = store.head('key', signal).then(() => (third = true));
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(third, false, end);
      if (end === 'bytes') await first.body.bytes();
      else if (end === 'discard') first.body.discard();
      else for await (const chunk of first.body) if (chunk.length > 0 && end === 'break') break;
      await waiting;
      second.body.discard();
    }
  });

  test('gives its place back after a failure', async () => {
    const { store } = faulty(new MemoryStore(), { put: { 1: 'denied' }, read: { 1: 'denied' } });
    const one = limited(store, new Semaphore(1));
    await rejectsWith('denied', one.put('key', bodyOf('x'), {}, signal));
    await rejectsWith('denied', one.read('key', {}, signal));
    await one.put('key', bodyOf('x'), {}, signal);
  });

  test('a call that is aborted while it waits takes no permit', async () => {
    const store = limited(new MemoryStore(), new Semaphore(1));
    await store.put('key', bodyOf('x'), {}, signal);
    const { body } = await store.read('key', {}, signal);
    const reason = new Error('enough');
    const stop = new AbortController();
    const aborted = assert.rejects(store.head('key', stop.signal), (error) => error === reason);
    const patient = store.head('key', signal);
    stop.abort(reason);
    await aborted;
    body.discard();
    await patient;
    await store.head('key', signal);
  });
});

test('limited releases the permit of an aborted read whose body is not read', async () => {
  const store = limited(new MemoryStore(), new Semaphore(1));
  await store.put('key', bodyOf('x'), {}, signal);
  const stop = new AbortController();
  const reason = new Error('enough');
  const { body } = await store.read('key', {}, stop.signal);
  stop.abort(reason);
  await store.head('key', signal);
  await assert.rejects(body.bytes(), (error) => error === reason);
});

test('a body that is continued after a break does not cause a deadlock', {
  timeout: 10_000,
}, async () => {
  const [from, to] = [new MemoryStore(), new MemoryStore()];
  const bytes = patterned(1000);
  await from.put('key', { content: bytes, size: bytes.length }, {}, signal);
  const broken = faulty(from, { read: { 1: { cutAfter: 10 }, 2: { cutAfter: 20 } } });
  const options = () => ({ calls: [new Semaphore(2)], clock: new ManualClock() });
  const [source, target] = [layered(broken.store, options()), layered(to, options())];
  // The third and the fourth read wait for a place, and then for one of the target.
  await Promise.all(
    ['1', '2', '3', '4'].map(async (copy) => {
      const { body } = await source.read('key', {}, signal);
      await target.put(copy, { content: body, size: bytes.length }, {}, signal);
    }),
  );
  assert.equal(to.objects.size, 4);
});
