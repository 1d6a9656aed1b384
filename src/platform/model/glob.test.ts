import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compileGlob, GlobError } from './glob.ts';

/** The meaning of a glob, tried in all ways. Takes far too long for long keys. */
function naive(pattern: readonly string[], key: readonly string[], begins = true): boolean {
  const [char, ...rest] = pattern;
  if (char === undefined) return key.length === 0;
  if (char === '*') return naiveStars(rest, key, begins);
  const [first, ...others] = key;
  const [wanted, after] = char === '\\' ? [rest[0], rest.slice(1)] : [char, rest];
  const fits = char === '?' ? first !== undefined && first !== '/' : first === wanted;
  return fits && naive(after, others, char !== '?' && first === '/');
}

function naiveStars(rest: readonly string[], key: readonly string[], begins: boolean): boolean {
  if (rest[0] !== '*') {
    const end = key.indexOf('/');
    const segment = end === -1 ? key : key.slice(0, end);
    return [...segment, ''].some((_, at) => naive(rest, key.slice(at), false));
  }
  if (!begins || rest[1] !== '/') {
    return [...key, ''].some((_, at) => naive(rest.slice(1), key.slice(at), false));
  }
  const ends = key.flatMap((char, at) => (char === '/' ? [at + 1] : []));
  return [0, ...ends].some((at) => naive(rest.slice(2), key.slice(at), true));
}

/** Few characters, so that much matches. */
const text = fc.array(fc.constantFrom('a', 'b', '/', '\u{1F600}', '\uFFFD'), { maxLength: 9 });
const pattern = fc
  .array(fc.constantFrom('a', 'b', '/', '*', '**', '**/', '/**/', '?', '\\*', '\u{1F600}'), {
    minLength: 1,
    maxLength: 7,
  })
  .map((parts) => parts.join(''))
  .filter((glob) => !glob.includes('***'));

describe('compileGlob', () => {
  test('a glob matches what it means, whatever glob and key are', () => {
    let matched = 0;
    fc.assert(
      fc.property(pattern, text, (glob, chars) => {
        const expected = naive(Array.from(glob), chars);
        if (expected) matched += 1;
        assert.equal(compileGlob(glob).matches(chars.join('')), expected);
      }),
      { numRuns: 20_000 },
    );
    assert.ok(matched > 500, `only ${matched} keys matched`);
  });

  test('a long glob matches what its parts match, beyond the words of its set', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(pattern, text), { maxLength: 30 }), (pairs) => {
        const separated = pairs.filter(([glob]) => !/^\*|\*$/.test(glob));
        const glob = ['^', ...separated.map(([one]) => one)].join('^^');
        const key = ['^', ...separated.map(([, chars]) => chars.join(''))].join('^^');
        const expected = separated.every(([one, chars]) =>
          naive(['^', ...Array.from(one)], ['^', ...chars]),
        );
        // No part has a "^", so that each part of the key meets its own part of the glob, or none does.
        assert.equal(compileGlob(glob).matches(key), expected);
      }),
      { numRuns: 2_000 },
    );
  });

  for (const [glob, yes, no] of [
    ['a/*', ['a/', 'a/b'], ['a', 'a/b/c', 'b/a/b']],
    ['a/**', ['a/', 'a/b/c'], ['a', 'ba/b']],
    ['**/*.jpg', ['x.jpg', 'a/b/x.jpg', '.jpg'], ['x.JPG', 'x.jpg/']],
    ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z'], ['az', 'a/bz', 'a/b/cz']],
    ['a**z', ['az', 'a/b/z'], ['a/b']],
    ['?', ['a', '\u{1F600}', '中'], ['', '/', 'ab']],
    ['a\\*\\[b]{', undefined, undefined],
    ['a\\*\\[b]\\{c}\\\\', ['a*[b]{c}\\'], ['aa[b]{c}\\']],
    ['a', ['a'], ['A', 'aa']],
  ] as const) {
    test(`${glob} ${yes === undefined ? 'is refused' : 'matches as documented'}`, () => {
      if (yes === undefined) {
        assert.throws(() => compileGlob(glob), GlobError);
        return;
      }
      const { matches } = compileGlob(glob);
      for (const key of yes) assert.ok(matches(key), `${glob} does not match ${key}`);
      for (const key of no) assert.ok(!matches(key), `${glob} matches ${key}`);
    });
  }

  test('the prefix of a glob is a prefix of all that it matches', () => {
    fc.assert(
      fc.property(pattern, text, (glob, chars) => {
        const { prefix, matches } = compileGlob(glob);
        if (matches(chars.join(''))) assert.ok(chars.join('').startsWith(prefix));
      }),
    );
    assert.equal(compileGlob('a/\\*b/*c').prefix, 'a/*b/');
  });

  for (const [glob, position, problem] of [
    ['', 1, /has no character/],
    ['a***', 4, /more than two "\*"/],
    ['\u{1F600}[a]', 2, /has "\[".*write "\\\["/],
    ['*.{a,b}', 3, /has "\{".*write "\\\{"/],
    ['a\\', 2, /backslash/],
    ['a\\n', 2, /backslash.*write "\\\\"/],
    ['a'.repeat(1_025), 1_025, /more than 1024 characters/],
  ] as const) {
    test(`${glob.slice(0, 9)} is refused, with its position`, () => {
      assert.throws(
        () => compileGlob(glob),
        (error) => {
          assert.ok(error instanceof GlobError);
          assert.deepEqual([error.pattern, error.position], [glob, position]);
          assert.match(error.message, problem);
          return true;
        },
      );
    });
  }

  test('no glob takes long: the time grows with the length of the key only', () => {
    const hostile = [
      '*a'.repeat(512),
      `${'a*'.repeat(511)}b`,
      '**/*'.repeat(1).concat('a**'.repeat(300)),
      `**/${'*?'.repeat(500)}`,
      '?'.repeat(1_024),
    ];
    for (const glob of hostile) {
      const { matches } = compileGlob(glob);
      const [short, long] = [1, 2].map((times) => {
        const key = 'a'.repeat(20_000 * times);
        const began = performance.now();
        matches(key);
        return performance.now() - began;
      });
      assert.ok(
        (long ?? 0) < Math.max(400, (short ?? 0) * 10),
        `${glob.slice(0, 9)} took ${long} ms`,
      );
    }
  });
});
