import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from '../../../test/kit/memory-store.ts';
import { checkRemovals } from './removals.ts';

test('only a strong ETag is a condition for a removal', () => {
  const store = new MemoryStore();
  checkRemovals(store, [{ key: 'a' }, { key: 'b', ifMatch: '"e"' }]);
  for (const ifMatch of ['', '""', 'W/"e"']) {
    const removals = [{ key: 'a' }, { key: 'b', ifMatch }];
    assert.throws(() => checkRemovals(store, removals), { fault: 'unsupported' }, ifMatch);
  }
});
