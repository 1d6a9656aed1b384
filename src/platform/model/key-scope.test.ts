import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type KeyFilters, KeyScope } from './key-scope.ts';

function scopeOf(keyFilters: KeyFilters, prefixes: { from?: string; to?: string } = {}) {
  return new KeyScope({
    keyFilters,
    sourcePrefix: prefixes.from,
    targetPrefix: prefixes.to,
  });
}

/** Few characters, so that much begins alike; two of them are in another order in UTF-16 than in UTF-8. */
const text = (maxLength: number, minLength = 0) =>
  fc.string({ unit: fc.constantFrom('a', 'b', '/', '\u{1F600}', '\uFFFD'), minLength, maxLength });
const prefixes = fc.array(text(3, 1), { maxLength: 3 });
const globs = fc.array(
  fc.tuple(text(2), fc.constantFrom('*', '**', '?', '*/**')).map((parts) => parts.join('')),
  { maxLength: 2 },
);
const plan = fc.record({
  keyFilters: fc.record({
    includePrefixes: prefixes,
    includeGlobs: globs,
    excludePrefixes: prefixes,
    excludeGlobs: globs,
  }),
  sourcePrefix: text(2),
  targetPrefix: text(2),
});
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

describe('KeyScope', () => {
  test('without filters every key is in scope, and called the same', () => {
    const scope = new KeyScope({});
    assert.deepEqual([scope.includes('any'), scope.isIdentity, scope.prefixes], [true, true, ['']]);
  });

  test('a key is in scope that an include describes and no exclude does', () => {
    const scope = scopeOf({
      includePrefixes: ['a/'],
      includeGlobs: ['**/*.jpg'],
      excludePrefixes: ['a/tmp/'],
      excludeGlobs: ['**/.*'],
    });
    for (const key of ['a/', 'a/b', 'x.jpg', 'b/x.jpg']) assert.ok(scope.includes(key), key);
    for (const key of ['b', 'a/tmp/x.jpg', 'a/.b', '.jpg']) assert.ok(!scope.includes(key), key);
  });

  test('all that is in scope begins with one of its prefixes, which are in order and apart', () => {
    let included = 0;
    fc.assert(
      fc.property(plan, fc.array(text(6), { minLength: 1, maxLength: 20 }), (given, keys) => {
        const scope = new KeyScope(given);
        assert.deepEqual(scope.prefixes, [...scope.prefixes].sort(byBytes));
        for (const one of scope.prefixes) {
          assert.equal(scope.prefixes.filter((other) => one.startsWith(other)).length, 1);
        }
        for (const key of keys.filter((one) => scope.includes(one))) {
          included += 1;
          assert.ok(scope.prefixes.some((prefix) => key.startsWith(prefix)));
        }
      }),
      { numRuns: 1_000 },
    );
    assert.ok(included > 50, `only ${included} keys were in scope`);
  });

  test('the keys of the target are in the order of the source, and lead back to it', () => {
    fc.assert(
      fc.property(plan, fc.array(text(6), { maxLength: 20 }), (given, rests) => {
        const scope = new KeyScope(given);
        const keys = [...new Set(rests)].map((rest) => given.sourcePrefix + rest).sort(byBytes);
        const mapped = keys.map((key) => scope.targetKey(key));
        assert.deepEqual(mapped, [...mapped].sort(byBytes));
        assert.deepEqual(
          mapped.map((key) => scope.sourceKey(key)),
          keys,
        );
      }),
    );
  });

  test('a prefix of the source is replaced by that of the target', () => {
    const scope = scopeOf({}, { from: 'photos/', to: 'backup/2026/' });
    assert.equal(scope.targetKey('photos/a/b'), 'backup/2026/a/b');
    assert.equal(scope.sourceKey('backup/2026/a/b'), 'photos/a/b');
    assert.deepEqual([scope.includes('photos/a'), scope.includes('videos/a')], [true, false]);
    assert.deepEqual(scope.prefixes, ['photos/']);
  });

  test('the target has no key for the prefix of the source alone', () => {
    const scope = scopeOf({}, { from: 'a/' });
    assert.deepEqual([scope.hasTarget('a/'), scope.hasTarget('a/b')], [false, true]);
    assert.ok(scopeOf({}, { from: 'a/', to: 'b/' }).hasTarget('a/'));
  });

  test('includes outside the prefix of the source, or inside excludes, leave no scope', () => {
    assert.deepEqual(scopeOf({ includePrefixes: ['b/'] }, { from: 'a/' }).prefixes, []);
    assert.deepEqual(scopeOf({ includePrefixes: ['a/b/'], excludePrefixes: ['a/'] }).prefixes, []);
    assert.deepEqual(scopeOf({ includePrefixes: ['a', 'ab'] }, { from: 'ab/' }).prefixes, ['ab/']);
  });

  for (const [what, filters, from, to, both] of [
    ['the same keys', {}, '', '', ''],
    ['a prefix within the source', {}, '', 'copy/', 'copy/'],
    [
      'a prefix within the source that is excluded',
      { excludePrefixes: ['copy/'] },
      '',
      'copy/',
      undefined,
    ],
    ['a prefix beside the source', {}, 'a/', 'b/', undefined],
    ['a prefix below the source', {}, 'a/', 'a/b/', 'a/b/'],
    ['a prefix above the source', {}, 'a/b/', 'a/', 'a/b/'],
    ['a prefix beside what is included', { includePrefixes: ['a/', 'b/'] }, '', 'c/', undefined],
    ['what is included twice', { includePrefixes: ['a/', 'c/a/'] }, '', 'c/', 'c/a/'],
    ['a glob beside the target', { includeGlobs: ['a/**'] }, '', 'b/', undefined],
    ['a glob anywhere', { includeGlobs: ['**/*.jpg'] }, '', 'b/', 'b/'],
    ['an excluded glob, which proves nothing', { excludeGlobs: ['b/**'] }, '', 'b/', 'b/'],
  ] as const) {
    test(`in one bucket: ${what}`, () => {
      assert.equal(scopeOf(filters, { from, to }).overlap(), both);
    });
  }

  test('in one bucket: without an overlap no key that was written is in scope', () => {
    let apart = 0;
    fc.assert(
      fc.property(plan, fc.array(text(6), { maxLength: 20 }), (given, keys) => {
        const scope = new KeyScope(given);
        if (scope.overlap() !== undefined) return;
        for (const key of keys.filter((one) => scope.includes(one))) {
          apart += 1;
          assert.ok(!scope.includes(scope.targetKey(key)), key);
        }
      }),
      { numRuns: 1_000 },
    );
    assert.ok(apart > 50, `only ${apart} keys were compared`);
  });
});
