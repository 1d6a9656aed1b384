import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { before, bytesOf, CopyPair, sizes } from '../../../test/kit/copy-pair.ts';
import { faulty } from '../../../test/kit/faulty-store.ts';
import { LeaseLost } from './transfer.ts';

/** One size for each way: held whole, streamed by one PUT, in parts. */
const ways = { 'held whole': 7, 'streamed': 20, 'in parts': 37 } as const;

describe('a lease that is lost', () => {
  for (const [way, size] of Object.entries(ways)) {
    test(`before the object becomes visible publishes nothing, ${way}`, async () => {
      const pair = new CopyPair();
      await pair.fill(bytesOf(size));
      const lease = {
        signal: new AbortController().signal,
        assertHeld() {
          throw new LeaseLost('gone');
        },
      };
      let open = 0;
      pair.sourceSeen = {
        ...before(pair.source, 'read', () => undefined),
        read: async (...call) => {
          const { head, body } = await pair.source.read(...call);
          open += 1;
          return {
            head,
            body: {
              ...body,
              [Symbol.asyncIterator]: body[Symbol.asyncIterator].bind(body),
              discard: () => (open -= 1),
            },
          };
        },
      };
      await assert.rejects(pair.copy({ lease }), LeaseLost);
      assert.equal(pair.copied, undefined);
      if (way === 'streamed') assert.equal(open, 0, 'the body was not let go');
    });
  }

  test('in the middle of parts keeps what was done for the next attempt', async () => {
    const pair = new CopyPair();
    await pair.fill(bytesOf(37));
    const stop = new AbortController();
    const reason = new Error('the right ended');
    const { store, calls } = faulty(
      before(pair.target, 'putPart', (call) => {
        if (call === 4) stop.abort(reason);
      }),
      {},
    );
    pair.targetSeen = store;
    const one = { ...sizes, partConcurrency: 1 };
    const lease = { signal: stop.signal, assertHeld: () => undefined };
    await assert.rejects(pair.copy({ lease, sizes: one }), (error) => error === reason);
    assert.equal(pair.journal.upload?.parts.length, 3);
    assert.equal((await pair.copy({ sizes: one })).kind, 'copied');
    assert.equal(calls.get('putPart'), 4 + 2);
    assert.ok(pair.clean);
  });
});
