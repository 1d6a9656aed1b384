import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  differenceFrom,
  ifMatchOf,
  mayChangeUnseen,
  pinText,
  problemOfAge,
  recordedTag,
} from './pin.ts';

const pin = { etag: '"e"', size: 5, lastModified: Date.UTC(2024, 0, 1) };
const later = pin.lastModified + 1000;

describe('a pin', () => {
  for (const [what, before, now, differs] of [
    ['the same', {}, {}, false],
    ['the same without quotes', {}, { etag: 'e' }, false],
    ['another ETag', {}, { etag: '"f"' }, true],
    ['an ETag in other letters', {}, { etag: '"E"' }, true],
    ['another size', {}, { size: 4 }, true],
    ['another time and the same ETag', {}, { lastModified: later }, false],
    ['a weak ETag of the same words', {}, { etag: 'W/"e"' }, false],
    [
      'a weak ETag of the same words, and another time',
      {},
      { etag: 'W/"e"', lastModified: later },
      true,
    ],
    ['a weak ETag before, and another time', { etag: 'W/"e"' }, { lastModified: later }, true],
    [
      'a weak ETag and time, and another version',
      { etag: 'W/"e"', versionId: '1' },
      { etag: 'W/"e"', versionId: '2' },
      true,
    ],
    [
      'a weak ETag and time of a bucket that does not keep versions',
      { etag: 'W/"e"', versionId: '1' },
      { etag: 'W/"e"', versionId: 'null' },
      false,
    ],
    ['another version and the same ETag', { versionId: '1' }, { versionId: '2' }, false],
    ['no ETag at both', { etag: '' }, { etag: '' }, false],
    ['no ETag at both, and another time', { etag: '' }, { etag: '', lastModified: later }, true],
    ['no ETag any more', {}, { etag: '' }, true],
    [
      'a fraction of a second',
      { etag: 'W/"e"' },
      { etag: 'W/"e"', lastModified: later - 1 },
      false,
    ],
  ] as const) {
    test(`${differs ? 'differs from' : 'is'} ${what}`, () => {
      const difference = differenceFrom({ ...pin, ...before }, { ...pin, ...now });
      assert.equal(difference !== undefined, differs, difference);
    });
  }

  test('is sent as If-Match where that can match', () => {
    assert.equal(ifMatchOf({ pin }), '"e"');
    assert.equal(ifMatchOf({ pin, unconditional: true }), undefined);
    assert.equal(ifMatchOf({ pin: { ...pin, etag: 'W/"e"' } }), undefined);
    assert.equal(ifMatchOf({ pin: { ...pin, etag: '""' } }), undefined);
    assert.equal(ifMatchOf({}), undefined);
  });

  test('as text has the time where the ETag does not decide, and the ETag of a CDN', () => {
    const weak = { ...pin, etag: 'W/"e"' };
    assert.equal(pinText(pin), '"e"');
    assert.equal(pinText({ ...pin, lastModified: later }), '"e"');
    assert.notEqual(pinText({ ...weak, lastModified: later }), pinText(weak));
    assert.notEqual(pinText({ ...weak, versionId: '1' }), pinText({ ...weak, versionId: '2' }));
    assert.equal(pinText({ ...pin, versionId: '1' }), '"e"');
    assert.equal(pinText({ ...pin, cdnEtag: 'W/"e"' }), '"e"');
    assert.notEqual(pinText({ ...pin, cdnEtag: '"1"' }), pinText({ ...pin, cdnEtag: '"2"' }));
  });
});

test('an object without a strong ETag and a version may change unseen while it is young', () => {
  const pin = { etag: '', size: 1, lastModified: 10_000 };
  const now = 10_000_000;
  assert.equal(mayChangeUnseen(pin, 11_000, now), true);
  assert.equal(mayChangeUnseen(pin, 12_000, now), false);
  assert.equal(mayChangeUnseen({ ...pin, etag: 'W/"e"' }, 11_000, now), true);
  assert.equal(mayChangeUnseen({ ...pin, etag: '""' }, 11_000, now), true);
  assert.equal(mayChangeUnseen({ ...pin, etag: '"e"' }, 11_000, now), false);
  assert.equal(mayChangeUnseen({ ...pin, versionId: 'v' }, 11_000, now), false);
  assert.equal(mayChangeUnseen({ ...pin, etag: 'W/"e"', versionId: 'v' }, 11_000, now), false);
  assert.equal(mayChangeUnseen({ ...pin, versionId: 'null' }, 11_000, now), true);
});

test('without the time of the store the time here decides, with a wide margin', () => {
  const pin = { etag: '', size: 1, lastModified: 10_000 };
  assert.equal(mayChangeUnseen(pin, undefined, 600_000), true);
  assert.equal(mayChangeUnseen(pin, undefined, 1_000_000), false);
  assert.equal(mayChangeUnseen({ ...pin, etag: '"e"' }, undefined, 10_000), false);
});

test('an object that is too young is read when it is old enough, and the message says when', () => {
  const lastModified = Date.UTC(2024, 0, 1, 12);
  const young = { etag: '', size: 1, lastModified };
  const now = lastModified + 60_500;
  const dated = problemOfAge(young, undefined, { date: lastModified + 500, now });
  assert.equal(dated?.retryAfterMs, 1_500);
  assert.match(
    dated.message,
    /modified at 2024-01-01T12:00:00.000Z, .* it is read from 2024-01-01T12:01:02.000Z on$/,
  );
  const undated = problemOfAge(young, undefined, { date: undefined, now });
  assert.equal(undated?.retryAfterMs, 900_000 - 60_500 + 2_000);
  assert.match(
    undated.message,
    /no Date, .* 15 minutes: it is read from 2024-01-01T12:15:02.000Z on$/,
  );
  assert.equal(problemOfAge(young, undefined, { date: undefined, now: now + 841_500 }), undefined);
  // A version that only one of the two answers names does not distinguish them.
  const versioned = { ...young, versionId: 'v' };
  assert.equal(problemOfAge(versioned, undefined, { date: undefined, now }), undefined);
  assert.equal(problemOfAge(versioned, young, { date: undefined, now })?.retryAfterMs, 841_500);
});

test('the record of an object without a strong ETag names its time', () => {
  const pin = { etag: '', size: 1, lastModified: 10_000 };
  assert.notEqual(recordedTag(pin), recordedTag({ ...pin, lastModified: 11_000 }));
  const weak = { ...pin, etag: 'W/"e"' };
  assert.notEqual(recordedTag(weak), recordedTag({ ...weak, lastModified: 11_000 }));
  assert.notEqual(recordedTag(weak), recordedTag({ ...weak, etag: 'W/"f"' }));
  assert.equal(recordedTag({ ...pin, etag: '"e"' }), '"e"');
});
