import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { openApi } from '../../../../test/kit/api-in-memory.ts';
import { jsonErrorIn } from './json-error.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('jsonErrorIn', () => {
  for (const [text, line, column] of [
    ['', 1, 1],
    ['{"a":1,}', 1, 8],
    ['{"a":1', 1, 7],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3],
    ["{'a': 1}", 1, 2],
    ['{"a": NaN}', 1, 7],
    ['[1, 2] x', 1, 8],
    ['{"a": "\n"}', 1, 8],
    ['"\\x"', 1, 2],
    ['[01]', 1, 3],
  ] as const) {
    test(`finds the place in ${JSON.stringify(text)}`, () => {
      assert.deepEqual(jsonErrorIn(text), { line, column });
    });
  }

  test('agrees with the parser on what is JSON', () => {
    const json = fc.json();
    const broken = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', '0', 'e', '.', '-', ' ', '\n'),
      )
      .map(([text, at, put]) => {
        const index = at % (text.length + 1);
        return text.slice(0, index) + put + text.slice(index + (at % 2));
      });
    fc.assert(
      fc.property(fc.oneof(json, broken), (text) => {
        assert.equal(jsonErrorIn(text) === undefined, isJson(text), text);
      }),
      { numRuns: 2_000 },
    );
  });
});

test('a body that is not JSON is refused with the place, and nothing of the body', async () => {
  await using api = await openApi();
  const payload = '{\n  "src_sk": "SECRET",\n  "dst_sk": SECRET\n}';
  const headers = { 'content-type': 'application/json' };
  const reply = await api.call('POST', 'sync-tasks', { payload, headers });
  assert.equal(reply.statusCode, 400);
  const { error_detail } = reply.json<{ error_detail: string }>();
  assert.equal(error_detail, 'the body is not valid JSON at line 3, column 13');
  assert.doesNotMatch(reply.body, /SECRET/);
});
