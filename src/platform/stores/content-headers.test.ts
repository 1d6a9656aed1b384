import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentHeaderNames } from '../model/object.ts';
import { ambiguousHeadersOf, contentHeadersOf, metadataValueOf } from './content-headers.ts';

test('several lines of a list header are one value', () => {
  const headers = {
    'cache-control': ['max-age=60', 'private'],
    'content-language': ['de', 'en'],
    'content-encoding': ['aws-chunked', 'gzip'],
    'content-disposition': ['inline', 'attachment'],
    'expires': ['0', '0'],
  };
  assert.deepEqual(contentHeadersOf(headers, contentHeaderNames), {
    'cache-control': 'max-age=60, private',
    'content-language': 'de, en',
    'content-encoding': 'gzip',
    'content-disposition': 'inline',
    'expires': '0',
  });
  assert.deepEqual(ambiguousHeadersOf(headers, contentHeaderNames), ['content-disposition']);
});

for (const [received, kept] of [
  ['gzip', 'gzip'],
  ['AWS-Chunked', undefined],
  ['Aws-Chunked, gzip', 'gzip'],
  ['gzip,aws-chunked,', 'gzip'],
  ['x-aws-chunked-like', 'x-aws-chunked-like'],
] as const) {
  test(`the content-encoding ${received} is kept as: ${kept ?? 'nothing'}`, () => {
    const headers = contentHeadersOf({ 'content-encoding': received }, contentHeaderNames);
    assert.equal(headers['content-encoding'], kept);
  });
}

test('several lines of user metadata are decoded one by one', () => {
  assert.equal(metadataValueOf(['=?UTF-8?B?5Lit?=', 'b'], 'rfc2047'), '中,b');
  assert.equal(metadataValueOf(undefined, 'percent'), '');
});
