import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from '../../../../test/kit/memory-store.ts';
import { testStore } from '../../../../test/conformance/store.ts';
import { forwarding, forwardingUpload } from './forwarding.ts';

const bucket = 'bucket';

testStore('a store that is passed on', {
  open: async () => {
    const inner = new MemoryStore();
    const store = forwarding(inner, {
      startParts: async (key, options, signal) =>
        forwardingUpload(await inner.startParts(key, options, signal), {}),
      resumeParts: (key, uploadId) => forwardingUpload(inner.resumeParts(key, uploadId), {}),
    });
    return { store, bucket, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
  },
});

test('what is changed is not passed on', async () => {
  const inner = new MemoryStore();
  const heads: string[] = [];
  const store = forwarding(inner, {
    head: (key, signal) => {
      heads.push(key);
      return inner.head(key, signal);
    },
  });
  const { signal } = new AbortController();
  await assert.rejects(store.head('key', signal), { fault: 'not-found' });
  await assert.rejects(store.read('key', {}, signal), { fault: 'not-found' });
  assert.deepEqual(heads, ['key']);
});
