import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { excessOf, fitMetadata, type MetadataLimits, type MetadataTraits } from './metadata.ts';
import { contentHeaderNames } from './object.ts';

const all: MetadataTraits = { names: 'token', contentHeaders: contentHeaderNames };
const hyphenated: MetadataTraits = { names: 'hyphenated', contentHeaders: [] };
const dotted: MetadataTraits = { names: 'dotted', contentHeaders: [] };
const word: MetadataTraits = { names: 'word', contentHeaders: [] };
const strict: MetadataTraits = { names: 'identifier', contentHeaders: ['content-encoding'] };

test('where the target keeps everything, all travels as it is and nothing is said', () => {
  const given = {
    contentHeaders: { 'expires': 'tomorrow', 'content-encoding': 'gzip' },
    userMetadata: { 'a-b': '1', '9': '2', 'a.b': 'Grüße' },
  };
  assert.deepEqual(fitMetadata(given, all), { ...given, notes: [] });
});

test('a content header that the target does not keep is left out, and that is said', () => {
  const contentHeaders = { 'expires': 'tomorrow', 'content-encoding': 'gzip' };
  assert.deepEqual(fitMetadata({ contentHeaders, userMetadata: {} }, strict), {
    contentHeaders: { 'content-encoding': 'gzip' },
    userMetadata: {},
    notes: ['expires was left out, the target keeps none'],
  });
});

test('metadata that the source cannot report is not copied, and a note says so', () => {
  const given = { contentHeaders: {}, userMetadata: { a: '1' } };
  const [note] = fitMetadata({ ...given, missingMetadata: 2 }, all).notes;
  assert.equal(
    note,
    'entries of metadata that the source does not report, and that are not copied: 2',
  );
  assert.deepEqual(fitMetadata({ ...given, missingMetadata: 0 }, all).notes, []);
});

test("a website's redirect does not travel, and that is said", () => {
  const given = { contentHeaders: {}, userMetadata: {} };
  const { notes } = fitMetadata({ ...given, redirects: true }, all);
  assert.deepEqual(notes, ["the website's redirect was left out"]);
  assert.deepEqual(fitMetadata({ ...given, redirects: false }, all).notes, []);
});

describe('a content header beyond ASCII, where the target keeps ASCII only', () => {
  const ascii: MetadataTraits = { ...all, contentHeaderValues: 'ascii' };
  const encoded = "filename*=UTF-8''gr%C3%BCn%20%281%29.txt";
  for (const [given, kept] of [
    ['attachment; filename="grün (1).txt"', `attachment; ${encoded}`],
    ['attachment; filename=grün.txt', "attachment; filename*=UTF-8''gr%C3%BCn.txt"],
    [
      'inline; filename="ü \\" ü"; size=3',
      "inline; filename*=UTF-8''%C3%BC%20%22%20%C3%BC; size=3",
    ],
    [`attachment; filename="grün (1).txt"; ${encoded}`, `attachment; ${encoded}`],
    ['Anhang ü', undefined],
    ['attachment; name="ü"; filename="x"', undefined],
  ] as const) {
    test(given, () => {
      const contentHeaders = { 'content-disposition': given };
      const fitted = fitMetadata({ contentHeaders, userMetadata: {} }, ascii);
      assert.equal(fitted.contentHeaders['content-disposition'], kept);
      const note =
        kept === undefined
          ? 'content-disposition was left out, the target keeps ASCII only'
          : "content-disposition has the file's name percent-encoded there";
      assert.deepEqual(fitted.notes, [note]);
      assert.deepEqual(fitMetadata({ contentHeaders, userMetadata: {} }, all).notes, []);
    });
  }

  test('is left out, and what is ASCII travels', () => {
    const contentHeaders = {
      'cache-control': 'no-store; why="ü"',
      'content-disposition': 'attachment; filename="a b.txt"',
    };
    assert.deepEqual(fitMetadata({ contentHeaders, userMetadata: {} }, ascii), {
      contentHeaders: { 'content-disposition': 'attachment; filename="a b.txt"' },
      userMetadata: {},
      notes: ['cache-control was left out, the target keeps ASCII only'],
    });
  });
});

test('names become what the target can have, and that is said', () => {
  const userMetadata = { 'a-b': '1', '9lives': '2', 'plain': '3' };
  assert.deepEqual(fitMetadata({ contentHeaders: {}, userMetadata }, strict), {
    contentHeaders: {},
    userMetadata: { a_b: '1', _9lives: '2', plain: '3' },
    notes: ['metadata 9lives is called _9lives there', 'metadata a-b is called a_b there'],
  });
});

test('names become letters, digits and hyphens where the target has these alone', () => {
  const userMetadata = { 'a_b': '1', '9.lives': '2', 'plain-1': '3' };
  const fitted = fitMetadata({ contentHeaders: {}, userMetadata }, hyphenated);
  assert.deepEqual(fitted.userMetadata, { 'a-b': '1', '9-lives': '2', 'plain-1': '3' });
  assert.deepEqual(fitted.notes, [
    'metadata 9.lives is called 9-lives there',
    'metadata a_b is called a-b there',
  ]);
});

test('names keep dots, or underscores, where the target has these too', () => {
  const given = { contentHeaders: {}, userMetadata: { 'a.b': '1', 'c_d': '2', 'e~f': '3' } };
  assert.deepEqual(fitMetadata(given, dotted).userMetadata, { 'a.b': '1', 'c-d': '2', 'e-f': '3' });
  assert.deepEqual(fitMetadata(given, word).userMetadata, { 'c_d': '2', 'a-b': '1', 'e-f': '3' });
});

test('names that only some versions of the target keep stay, and that is said', () => {
  const given = { contentHeaders: {}, userMetadata: { 'a_b': '1', 'c-d': '2' } };
  const fitted = fitMetadata(given, { ...all, underscoresMayChange: true });
  assert.deepEqual(fitted.userMetadata, given.userMetadata);
  assert.deepEqual(fitted.notes, ['metadata a_b may be called a-b there']);
});

test('what has no name has no header, and that is said', () => {
  const given = { contentHeaders: {}, userMetadata: { '': '1', 'a': '2' } };
  for (const traits of [all, strict, hyphenated, dotted, word]) {
    const fitted = fitMetadata(given, traits);
    assert.deepEqual(fitted.userMetadata, { a: '2' });
    assert.deepEqual(fitted.notes, ['metadata without a name was left out']);
  }
});

test('who has the name already keeps it', () => {
  const userMetadata = { 'a-b': '1', 'a_b': '2' };
  const fitted = fitMetadata({ contentHeaders: {}, userMetadata }, strict);
  assert.deepEqual(fitted.userMetadata, { a_b: '2' });
  assert.deepEqual(fitted.notes, ["metadata a-b was left out, the target's a_b is another's"]);
});

test('of two names that become one the first stays, and the other is named', () => {
  const userMetadata = { 'a.b': '2', 'a-b': '1' };
  const fitted = fitMetadata({ contentHeaders: {}, userMetadata }, strict);
  assert.deepEqual(fitted.userMetadata, { a_b: '1' });
  assert.deepEqual(fitted.notes, [
    'metadata a-b is called a_b there',
    "metadata a.b was left out, the target's a_b is another's",
  ]);
});

test('the target accepts every name that is written, and a note names each one that changed', () => {
  const names = fc.stringMatching(/^[\w!#$%&'*+.^`|~-]{1,12}$/);
  const target = fc.constantFrom(
    { traits: strict, possible: /^[A-Za-z_]\w*$/ },
    { traits: hyphenated, possible: /^[A-Za-z\d-]+$/ },
    { traits: dotted, possible: /^[A-Za-z\d.-]+$/ },
    { traits: word, possible: /^[\w-]+$/ },
  );
  fc.assert(
    fc.property(fc.dictionary(names, fc.string()), target, (userMetadata, { traits, possible }) => {
      const fitted = fitMetadata({ contentHeaders: {}, userMetadata }, traits);
      for (const [name, value] of Object.entries(fitted.userMetadata)) {
        assert.match(name, possible);
        assert.ok(Object.values(userMetadata).includes(value));
      }
      const odd = Object.keys(userMetadata).filter((name) => !(name in fitted.userMetadata));
      assert.ok(fitted.notes.length >= odd.length);
      for (const name of odd) assert.ok(fitted.notes.some((note) => note.includes(name)));
    }),
  );
});

describe('more metadata than the target takes', () => {
  const sizeOf = (name: string, value: string): number => name.length + value.length;
  const limits: MetadataLimits = { nameMax: 5, entryMax: 10, allMax: 20, sizeOf };
  const limited: MetadataTraits = { ...all, limits };

  test('stay together: what an object cannot be read without may be among them', () => {
    const userMetadata = { key: 'x'.repeat(100), b: '1' };
    const fitted = fitMetadata({ contentHeaders: {}, userMetadata }, limited);
    assert.deepEqual([fitted.userMetadata, fitted.notes], [userMetadata, []]);
  });

  test('are reported with the name, the size and the limit', () => {
    const long = 'n'.repeat(200);
    for (const [userMetadata, excess] of [
      [{ a: 'x'.repeat(9), b: 'x'.repeat(9) }, undefined],
      [
        { a: 'x'.repeat(9), b: 'x'.repeat(9), c: '' },
        'user metadata: 21 bytes, where 20 are the most of all',
      ],
      [{ e: 'x'.repeat(10) }, 'user metadata e: 11 bytes, where 10 are the most of one'],
      [
        { [long]: '' },
        `user metadata ${'n'.repeat(100)}…: a name of 200 bytes, where 5 are the most`,
      ],
    ] as const) {
      assert.equal(excessOf(userMetadata, limits), excess);
    }
  });
});

test('values that no header can carry have a note, and so has a header with several values', () => {
  const traits: MetadataTraits = { names: 'token', contentHeaders: ['content-disposition'] };
  const { userMetadata, notes } = fitMetadata(
    {
      contentHeaders: { 'content-disposition': 'inline' },
      ambiguousHeaders: ['content-disposition'],
      userMetadata: { plain: 'a  b', outer: ' a', feed: 'a\nb', other: '中' },
    },
    traits,
  );
  assert.deepEqual(userMetadata, { plain: 'a  b', outer: ' a', feed: 'a\nb', other: '中' });
  assert.equal(notes.length, 3);
  assert.match(notes[0] ?? '', /^content-disposition has several values/);
  assert.match(notes[1] ?? '', /^metadata feed has .*control characters/);
  assert.match(notes[2] ?? '', /^metadata outer has outer spaces/);
});
