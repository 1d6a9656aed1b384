import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectHead } from '../../model/object.ts';
import { problemOfAnswer } from './answer.ts';

const time = Date.UTC(2024, 0, 2);

function problemOf(
  theirs: string,
  ours: Partial<ObjectHead>,
  modified = new Date(time).toUTCString(),
): string | undefined {
  const head: ObjectHead = {
    ...{ key: 'k', size: 3, etag: '"e"', lastModified: time, contentType: undefined },
    ...{ contentHeaders: {}, userMetadata: {}, storageClass: undefined, tier: undefined },
    ...{ md5: undefined, crc64: undefined, encryption: undefined, versionId: undefined },
    ...ours,
  };
  const headers = { 'etag': theirs, 'content-length': '3', 'last-modified': modified };
  return problemOfAnswer({ status: 200, headers }, head, undefined);
}

const one = 'Fto5o-5ea0sNMlW_75VgGJCv2AcJ';
const parts = 'ns56DcSIfBFUENXjdhsJTIvl3Rcu';
const md5 = 'd41d8cd98f00b204e9800998ecf8427e';
const before = 'Mon, 01 Jan 2024 00:00:00 GMT';

for (const [what, theirs, ours, problem] of [
  ['the same MD5', `"${md5}"`, { etag: `"${md5.toUpperCase()}"` }, undefined],
  ['another MD5', `"${md5}"`, { etag: `"${md5.replace('d', 'a')}"` }, /the ETag d41d/],
  [
    'an MD5 that the bucket reports besides its ETag',
    `"${md5}"`,
    { etag: '"opaque"', md5 },
    undefined,
  ],
  ['the same ETag of Kodo', `"${one}"`, { etag: `"${one}"` }, undefined],
  ['another of Kodo', `"${one}"`, { etag: `"${one.replace('t', 'T')}"` }, /the ETag Fto5/],
] as const) {
  test(`${what} decides, whatever the time is`, () => {
    const found = problemOf(theirs, ours, before);
    if (problem === undefined) assert.equal(found, undefined);
    else assert.match(found ?? '', problem);
  });
}

for (const [theirs, ours] of [
  [`"${one}"`, `"${parts}"`],
  [`"${one}"`, `"${md5}"`],
  [`"${md5}-2"`, `"${md5}"`],
  ['"opaque"', '"opaque"'],
] as const) {
  test(`of ${theirs} and ${ours} the time decides`, () => {
    assert.match(problemOf(theirs, { etag: ours }, before) ?? '', /its object is of 2024-01-01/);
    assert.equal(problemOf(theirs, { etag: ours }), undefined);
  });
}
