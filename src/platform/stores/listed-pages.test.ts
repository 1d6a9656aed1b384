import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ObjectEntry } from '../model/object.ts';
import { mistakeInOrder, TokenTrail } from './listed-pages.ts';

function entries(...keys: readonly string[]): ObjectEntry[] {
  return keys.map((key) => ({ key, size: 1, etag: '', lastModified: 0, storageClass: undefined }));
}

describe('the order of a page', () => {
  for (const [keys, after, isOrdered] of [
    [[], 'z', true],
    [['a'], undefined, true],
    [['a', 'b'], undefined, true],
    [['\uffee', '🙈'], undefined, true],
    [['🙈', '\uffee'], undefined, false],
    [['b', 'a'], undefined, false],
    [['a', 'a'], undefined, false],
    [['a'], 'a', false],
    [['a', 'b'], 'aa', false],
    [['ab'], 'aa', true],
  ] as const) {
    test(`${JSON.stringify(keys)} after ${after ?? 'nothing'}`, () => {
      assert.equal(mistakeInOrder(entries(...keys), after) === undefined, isOrdered);
    });
  }
});

describe('tokens', () => {
  test('that never repeat lead on', () => {
    const trail = new TokenTrail();
    for (let page = 0; page < 1_000; page++) assert.ok(trail.leadsOn(`token-${page}`));
  });

  for (const [before, length] of [
    [0, 1],
    [0, 2],
    [3, 5],
    [10, 7],
    [100, 33],
  ] as const) {
    test(`that come in a circle of ${length}, after ${before} others, end`, () => {
      const trail = new TokenTrail();
      const pagesMax = 4 * (before + length);
      let page = 0;
      const token = () => (page < before ? page : before + ((page - before) % length));
      while (page <= pagesMax && trail.leadsOn(`token-${token()}`)) page += 1;
      assert.ok(page <= pagesMax, `it went on for ${page} pages`);
    });
  }
});
