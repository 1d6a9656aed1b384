import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeMetadata, encodeMetadata } from './metadata-text.ts';
import { latin1OfUtf8, utf8OfLatin1 } from '../http/header-text.ts';

for (const codec of ['rfc2047', 'percent'] as const) {
  describe(`user metadata, ${codec}`, () => {
    test('any text comes back, and travels as ASCII', () => {
      const text = fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string(),
        fc.string({ unit: fc.constantFrom('%', '4', '1', '=', '?', 'B', 'U', ' ', 'ü') }),
        // Encodings of encodings.
        fc
          .array(fc.constantFrom('%', '25', '%25', '%C3%BC', 'ü', '%0A', '%41'))
          .map((parts) => parts.join('')),
      );
      fc.assert(
        fc.property(text, (value) => {
          const written = encodeMetadata(value, codec);
          assert.match(written, /^[\x20-\x7e]*$/);
          assert.equal(written.trim(), written);
          assert.equal(decodeMetadata(written, codec), value);
        }),
      );
    });

    test('plain text is left alone', () => {
      for (const value of [
        '',
        'plain',
        'Tue Dec  1 10:00:00 2026',
        'a, b; c="d"',
        'half a percent: 0.5%',
      ]) {
        assert.equal(encodeMetadata(value, codec), value);
      }
    });

    test('UTF-8 that was sent as it is, is read', () => {
      assert.equal(decodeMetadata(latin1OfUtf8('grün 中文'), codec), 'grün 中文');
    });
  });
}

describe('percent signs that were not written by an encoder', () => {
  for (const value of [
    'https://x/y%20z?a=1%262',
    'https://x/%E4%B8%AD',
    '100%25',
    '%41',
    'a%20b',
    '%e4%b8%ad',
    '%25'.repeat(4000),
    '%' + '25'.repeat(4000),
  ]) {
    test(`${value.slice(0, 40)} stays, there and back`, () => {
      assert.equal(decodeMetadata(value, 'percent'), value);
      assert.equal(encodeMetadata(value, 'percent'), value);
    });
  }

  test('what would be taken for an encoding is encoded once more', () => {
    assert.equal(decodeMetadata('%E4%B8%AD', 'percent'), '中');
    assert.equal(encodeMetadata('%E4%B8%AD', 'percent'), '%25E4%25B8%25AD');
    assert.equal(decodeMetadata('%25E4%25B8%25AD', 'percent'), '%E4%B8%AD');
  });
});

test('words of RFC 2047 as others write them', () => {
  for (const [written, text] of [
    ['=?UTF-8?Q?gr=C3=BCn_und_mehr?=', 'grün und mehr'],
    ['=?utf-8?b?Z3LDvG4=?=', 'grün'],
    ['=?ISO-8859-1?Q?gr=FCn?=', 'grün'],
    ['=?UTF-8?B?5Lit?= =?UTF-8?B?5paH?=', '中文'],
    ['=?UTF-8?B?5L?= =?UTF-8?B?it?=', '=?UTF-8?B?5L?= =?UTF-8?B?it?='],
    ['no =?UTF-8?B?5Lit?= word alone', 'no =?UTF-8?B?5Lit?= word alone'],
    ['=?NO-SUCH?B?5Lit?=', '=?NO-SUCH?B?5Lit?='],
  ] as const) {
    assert.equal(decodeMetadata(written, 'rfc2047'), text);
  }
});

test('words are no longer than RFC 2047 allows', () => {
  for (const word of encodeMetadata('🙈中文x'.repeat(50), 'rfc2047').split(' ')) {
    assert.ok(word.length <= 75, word);
  }
});

test('Latin-1 that is not UTF-8 stays Latin-1', () => {
  assert.equal(utf8OfLatin1('gr\xfcn'), 'grün');
  assert.equal(utf8OfLatin1(latin1OfUtf8('grün')), 'grün');
});
