import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeObjectKey, faultOfLength, KEY_MAX, KeyError } from './object-key.ts';

const anyKey = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 200 })
  .filter((key) => !key.includes('\0') && Buffer.byteLength(key) <= KEY_MAX);

test('what encodeURIComponent wrote comes back', () => {
  fc.assert(
    fc.property(anyKey, (key) => {
      assert.equal(decodeObjectKey(encodeURIComponent(key)), key);
    }),
  );
});

test('what a form wrote comes back', () => {
  fc.assert(
    fc.property(anyKey, (key) => {
      const [, encoded = ''] = new URLSearchParams({ key }).toString().split('=');
      assert.equal(decodeObjectKey(encoded), key);
    }),
  );
});

test('it is decoded once', () => {
  assert.equal(decodeObjectKey('a%252Fb'), 'a%2Fb');
  assert.equal(decodeObjectKey('a%2Bb+c'), 'a+b c');
  assert.equal(decodeObjectKey('dir/中文?x=1&y#z'), 'dir/中文?x=1&y#z');
  assert.equal(decodeObjectKey('%e4%b8%ad'), '中');
});

for (const [what, encoded, told] of [
  ['nothing', '', /empty/],
  ['NUL', 'a%00b', /NUL/],
  ['NUL as it is', 'a\0b', /NUL/],
  ['a lone surrogate', 'a\ud800', /surrogate/],
  ['a lone surrogate in UTF-8', '%ED%A0%80', /UTF-8/],
  ['a percent sign alone', '100%', /"%25"/],
  ['an escape that is not hex', 'a%zz', /"%25"/],
  ['an escape that is cut short', 'a%2', /"%25"/],
  ['bytes that are not UTF-8', '%ff', /UTF-8/],
  ['a cut sequence', '%e4%b8', /UTF-8/],
  ['an overlong sequence', '%c0%af', /UTF-8/],
] as const) {
  test(`${what} is refused, and the message says so`, () => {
    assert.throws(
      () => decodeObjectKey(encoded),
      (error) => error instanceof KeyError && told.test(error.message),
    );
  });
}

test('1024 characters are a key and 1025 are not, counted after decoding', () => {
  for (const one of ['a', 'é', '中', '🙈']) {
    const longest = one.repeat(1024 / one.length);
    assert.equal(decodeObjectKey(encodeURIComponent(longest)), longest);
    assert.equal(faultOfLength(longest, 'characters'), undefined);
    assert.throws(() => decodeObjectKey(`${encodeURIComponent(longest)}a`), /has 1025 characters/);
  }
});

test('1024 bytes are no more than S3 takes and 1025 are, counted after decoding', () => {
  for (const [one, bytes] of [
    ['a', 1],
    ['é', 2],
    ['中', 3],
    ['🙈', 4],
  ] as const) {
    const longest = one.repeat(Math.floor(1024 / bytes)) + 'a'.repeat(1024 % bytes);
    assert.equal(faultOfLength(longest, 'bytes'), undefined);
    assert.match(faultOfLength(`${longest}a`, 'bytes') ?? '', /has 1025 bytes/);
  }
});
