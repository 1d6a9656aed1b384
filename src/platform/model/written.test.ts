import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isComparable, isSameWrite } from './written.ts';

const TIME = 1_700_000_000_000;
const written = { etag: '"a"', versionId: undefined, writtenAt: TIME };
const found = { etag: '"a"', versionId: undefined, lastModified: TIME };

test('the same ETag, not written since, is the same write', () => {
  assert.ok(isSameWrite(written, found));
  assert.ok(isSameWrite(written, { ...found, lastModified: TIME - 3_600_000 }));
  assert.ok(isSameWrite(written, { ...found, lastModified: TIME + 1_000 }), 'clocks differ');
  assert.ok(isSameWrite(written, { ...found, etag: 'A' }), 'another form of one ETag');
});

test('another ETag is another write', () => {
  assert.ok(!isSameWrite(written, { ...found, etag: '"b"' }));
});

test('the same ETag of a later write of the same bytes is another write', () => {
  assert.ok(!isSameWrite(written, { ...found, lastModified: TIME + 60_000 }));
  const timeless = { ...written, writtenAt: undefined };
  assert.ok(isSameWrite(timeless, { ...found, lastModified: TIME + 60_000 }));
});

test('versions that both are named decide alone', () => {
  const versioned = { ...written, versionId: 'v1' };
  assert.ok(isSameWrite(versioned, { ...found, versionId: 'v1', lastModified: TIME + 60_000 }));
  assert.ok(!isSameWrite(versioned, { ...found, versionId: 'v2' }));
  const suspended = { ...written, versionId: 'null' };
  assert.ok(!isSameWrite(suspended, { ...found, versionId: 'null', etag: '"b"' }));
});

test('without an ETag on record only versions count', () => {
  const untagged = { ...written, etag: '' };
  assert.ok(!isSameWrite(untagged, { ...found, etag: '' }));
  assert.ok(!isSameWrite({ ...untagged, etag: '""' }, { ...found, etag: '' }));
  assert.ok(!isSameWrite(untagged, found));
  assert.ok(isSameWrite({ ...untagged, versionId: 'v1' }, { ...found, versionId: 'v1' }));
  assert.ok(!isSameWrite(written, { ...found, etag: '' }), 'it has lost its ETag');
});

test('a record without an ETag and a version cannot be compared', () => {
  assert.ok(isComparable(written));
  assert.ok(isComparable({ etag: '', versionId: 'v1' }));
  for (const etag of ['', '""', 'W/""']) assert.ok(!isComparable({ etag, versionId: 'null' }));
});
