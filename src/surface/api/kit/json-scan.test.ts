import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DEPTH_MAX, JsonScan } from './json-scan.ts';
import { RequestError } from './request-error.ts';

/** The reason why a text is refused; undefined when it is not. */
function refusal(
  text: string,
  { values = Infinity, cuts = [] as number[] } = {},
): string | undefined {
  const bytes = Buffer.from(text);
  const scan = new JsonScan({ values });
  try {
    let from = 0;
    for (const to of [
      ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b),
      bytes.length,
    ]) {
      scan.add(bytes.subarray(from, to));
      from = to;
    }
    return undefined;
  } catch (error) {
    assert.ok(error instanceof RequestError);
    return error.detail;
  }
}

/** Counts as the scan does, on the parsed value. */
function measure(value: unknown): { readonly depth: number; readonly values: number } {
  if (typeof value !== 'object' || value === null) return { depth: 0, values: 0 };
  const inner = Object.values(value).map(measure);
  return {
    depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)),
    // One for the opening, one for each comma.
    values: inner.reduce((sum, { values }) => sum + values, Math.max(1, inner.length)),
  };
}

describe('a JSON text is bounded while it arrives', () => {
  test('by its depth and its values, as they are once it is parsed, in whatever pieces', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 6 }),
        fc.array(fc.nat(5_000)),
        fc.constantFrom(undefined, 2),
        (value, cuts, indent) => {
          const text = JSON.stringify(value, null, indent);
          const { values } = measure(value);
          assert.equal(refusal(text, { values: values + 1, cuts }), undefined, text);
          if (values > 0) assert.match(refusal(text, { values, cuts }) ?? '', /fields and list/);
        },
      ),
    );
  });

  test('by its depth, with lists and objects alike', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const nested = (depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`;
      assert.equal(refusal(nested(DEPTH_MAX)), undefined);
      assert.match(refusal(nested(DEPTH_MAX + 1)) ?? '', /nested deeper than 32 levels/);
      assert.equal(refusal(`[${`${open}1${close},`.repeat(100)}1]`), undefined, 'closed again');
    }
  });

  test('by the length of its numbers; brackets, commas and quotes in strings count nothing', () => {
    assert.equal(refusal(`[${'9'.repeat(64)}, -1.5e+300]`), undefined);
    assert.match(
      refusal(`[${'9'.repeat(65)}]`) ?? '',
      /a number or word of more than 64 characters/,
    );
    const strings = ['['.repeat(100), ','.repeat(100), '"', '\\', '\\"', '9'.repeat(100)];
    assert.equal(refusal(JSON.stringify(strings), { values: strings.length + 1 }), undefined);
  });
});
