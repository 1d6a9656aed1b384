import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { differenceTexts } from './difference-texts.ts';

const row = {
  object_key: 'a',
  comparison: 'missing',
  reason: null,
  source_size: 7,
  source_time: 1_700_000_000_000,
  source_etag: '"e"',
  source_checksum: null,
  target_size: null,
  target_time: null,
  target_etag: null,
  target_checksum: null,
  message: null,
} as const;

const keyCell = (object_key: string): string => {
  const line = differenceTexts.csv.line({ ...row, object_key });
  return line.slice(0, line.indexOf(',missing,'));
};

describe('a report as CSV', () => {
  test('has a line of names, and one with as many cells for each row', () => {
    assert.equal(
      differenceTexts.csv.head,
      'object_key,comparison,reason,source_size,source_time,source_etag,source_checksum,' +
        'target_size,target_time,target_etag,target_checksum,message\r\n',
    );
    assert.equal(differenceTexts.csv.line(row), 'a,missing,,7,1700000000000,"""e""",,,,,,\r\n');
  });

  for (const [key, expected] of [
    ['=1+2', "'=1+2"],
    ['+a', "'+a"],
    ['-a', "'-a"],
    ['@a', "'@a"],
    ['\t=a', "'\t=a"],
    ['\u0085a', "'\u0085a"],
    ['\n=a', '"\'\n=a"'],
    ['\r', '"\'\r"'],
    ['a=b', 'a=b'],
    ["'a", "'a"],
    ['a,b', '"a,b"'],
    ['say "so"', '"say ""so"""'],
    ['two\nlines', '"two\nlines"'],
    ['=cmd|" /c"!A1,', '"\'=cmd|"" /c""!A1,"'],
  ] as const) {
    test(`writes the key ${JSON.stringify(key)} as ${JSON.stringify(expected)}`, () => {
      assert.equal(keyCell(key), expected);
    });
  }
});

test('a report as NDJSON has one JSON object a line, also for keys with newlines', () => {
  const line = differenceTexts.ndjson.line({ ...row, object_key: 'two\nlines' });
  assert.equal(line.indexOf('\n'), line.length - 1);
  assert.deepEqual(JSON.parse(line), { ...row, object_key: 'two\nlines' });
});
