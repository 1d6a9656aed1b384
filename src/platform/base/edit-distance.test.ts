import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { editDistance } from './edit-distance.ts';

/** The definition, without a bound and without a table. */
function slowly(one: string, other: string): number {
  if (one === '' || other === '') return one.length + other.length;
  return Math.min(
    slowly(one.slice(1), other.slice(1)) + (one[0] === other[0] ? 0 : 1),
    slowly(one.slice(1), other) + 1,
    slowly(one, other.slice(1)) + 1,
  );
}

test('editDistance agrees with its definition up to the maximum, and is undefined beyond it', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '_'), maxLength: 6 });
  fc.assert(
    fc.property(text, text, fc.integer({ min: 0, max: 4 }), (one, other, max) => {
      const distance = slowly(one, other);
      assert.equal(editDistance(one, other, max), distance > max ? undefined : distance);
    }),
  );
});

test('editDistance of known cases', () => {
  assert.equal(editDistance('kitten', 'sitting', 3), 3);
  assert.equal(editDistance('kitten', 'sitting', 2), undefined);
  assert.equal(editDistance('', 'ab', 2), 2);
  assert.equal(editDistance('x'.repeat(10_000_000), 'src_ak', 2), undefined);
});
