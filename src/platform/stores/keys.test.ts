import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareKeys, faultOfKey } from './keys.ts';

const text = fc.string({ unit: 'binary' });
const planes = fc.array(fc.constantFrom('a', '\ud7ff', '\ue000', '\uffff', '🙈', '\u{10ffff}'));

test('keys are compared by their UTF-8 bytes', () => {
  fc.assert(
    fc.property(fc.oneof(fc.tuple(text, text), fc.tuple(planes, planes)), ([left, right]) => {
      const a = typeof left === 'string' ? left : left.join('');
      const b = typeof right === 'string' ? right : right.join('');
      const expected = Buffer.compare(Buffer.from(a), Buffer.from(b));
      assert.equal(Math.sign(compareKeys(a, b)), expected);
    }),
  );
});

test('a key has 1 to 1,024 bytes of Unicode', () => {
  for (const key of ['a', '/', '中'.repeat(341), 'x'.repeat(1024)]) {
    assert.equal(faultOfKey(key, 'bytes'), undefined);
  }
  for (const key of ['', 'x'.repeat(1025), '中'.repeat(342), '\ud800', 'a\udc00b']) {
    assert.notEqual(faultOfKey(key, 'bytes'), undefined);
  }
});

test('a key of Azure has 1 to 1,024 characters of Unicode', () => {
  for (const key of ['a', '中'.repeat(1024), '🙈'.repeat(512)]) {
    assert.equal(faultOfKey(key, 'characters'), undefined);
  }
  for (const key of ['', '中'.repeat(1025), '🙈'.repeat(513), '\ud800']) {
    assert.notEqual(faultOfKey(key, 'characters'), undefined);
  }
});
