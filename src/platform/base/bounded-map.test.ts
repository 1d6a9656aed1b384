import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoundedMap } from './bounded-map.ts';

test('one entry too many drops the one that was set longest ago, and no other', () => {
  const map = new BoundedMap<string, number>(3);
  for (const [index, key] of ['a', 'b', 'c'].entries()) map.set(key, index);
  map.set('a', 10); // Now the newest.
  map.set('d', 11);
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => map.get(key)),
    [10, undefined, 2, 11],
  );
  map.delete('c');
  map.set('e', 12);
  assert.deepEqual(
    [map.has('a'), map.has('c'), map.has('d'), map.has('e')],
    [true, false, true, true],
  );
  map.clear();
  assert.equal(map.has('a'), false);
});
