import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compareKeys } from '../../platform/stores/keys.ts';
import { findCut } from './split.ts';

function sorted(keys: Iterable<string>): string[] {
  return [...new Set(keys)].sort(compareKeys);
}

async function cutOf(
  keys: readonly string[],
  range: { readonly cursor: string; readonly until?: string },
): Promise<{ readonly cut: string | undefined; readonly probes: number }> {
  let probes = 0;
  const cut = await findCut({ until: undefined, ...range }, (after) => {
    probes += 1;
    assert.ok(after.isWellFormed());
    return Promise.resolve(keys.find((key) => compareKeys(key, after) > 0));
  });
  return { cut, probes };
}

const numbered = (count: number, name: (index: number) => string): string[] =>
  sorted(Array.from({ length: count }, (_, index) => name(index)));

describe('findCut', () => {
  for (const [what, keys] of [
    [
      'numbers with leading zeros',
      numbered(4_000, (at) => `img-${at.toString().padStart(12, '0')}`),
    ],
    [
      'one deep prefix',
      numbered(4_000, (at) => `a/very/deep/prefix/of/logs/2026/${at.toString(36)}`),
    ],
    ['Chinese names', numbered(4_000, (at) => `${String.fromCodePoint(0x4e00 + at)}${at}`)],
    [
      'characters beyond the first plane',
      numbered(2_000, (at) => String.fromCodePoint(0x1f300 + at)),
    ],
  ] as const) {
    test(`cuts ${what} so that both parts have a good share`, async () => {
      const cursor = keys[100] ?? '';
      const { cut, probes } = await cutOf(keys, { cursor });
      assert.ok(cut !== undefined);
      const above = keys.filter((key) => compareKeys(key, cut) > 0).length;
      assert.ok(above > keys.length / 20 && above < keys.length * 0.95, `${above} above ${cut}`);
      assert.ok(probes < 40, `${probes} probes`);
    });
  }

  test('finds nothing where nothing is left', async () => {
    assert.equal((await cutOf(['a', 'b'], { cursor: 'b' })).cut, undefined);
    assert.equal((await cutOf(['a', 'b', 'c'], { cursor: 'a', until: 'a' })).cut, undefined);
  });

  test('gives a cut between the cursor and a key of the range, or none, for any keys', async () => {
    const text = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 6 })
      .filter((key) => !key.includes('\0'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 2, maxLength: 40 }),
        fc.nat(),
        fc.option(text, { nil: undefined }),
        async (given, at, until) => {
          const keys = sorted(given);
          const cursor = keys[at % keys.length] ?? '';
          const range = { cursor, ...(until !== undefined && { until }) };
          const { cut } = await cutOf(keys, range);
          if (cut === undefined) return;
          const isAbove = (key: string): boolean => compareKeys(key, cut) > 0;
          const inRange = keys.filter((key) => until === undefined || compareKeys(key, until) <= 0);
          assert.ok(compareKeys(cut, cursor) > 0, 'above the cursor');
          assert.ok(inRange.some(isAbove), 'below a key');
        },
      ),
    );
  });
});
