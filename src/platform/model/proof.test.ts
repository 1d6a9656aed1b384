import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CopyEvidence } from './consistency.ts';
import { proofOf } from './proof.ts';

const none = { md5: undefined, crc64: undefined, crc64nvme: undefined };

function evidence(known: Partial<CopyEvidence>): CopyEvidence {
  return {
    ...{ sourceSize: 5, copiedSize: 5, sourceModified: 0, source: none, computed: none },
    ...{ target: none, md5OfParts: undefined, targetSize: 5, targetModified: 0 },
    ...{ targetEncryption: undefined },
    written: { etag: '"t"', versionId: undefined, writtenAt: undefined },
    ...known,
  };
}

const cases = [
  ['nothing but sizes', {}, 'size'],
  ['a checksum of the source alone', { source: { ...none, md5: 'a' } }, 'size'],
  ['a checksum of the target alone', { target: { ...none, md5: 'a' } }, 'size'],
  [
    'what was read and what the target has',
    { computed: { ...none, crc64: '1' }, target: { ...none, crc64: '1' } },
    'transport',
  ],
  ['the parts that were sent', { md5OfParts: '"a-2"' }, 'transport'],
  [
    'the parts that were sent, and a checksum of the source that was compared with nothing',
    { md5OfParts: '"a-2"', source: { ...none, md5: 'a' } },
    'transport',
  ],
  [
    'the only part that was sent, which has the MD5 of the source',
    { md5OfParts: '"a-1"', readAsDeclared: true },
    'source_checksum',
  ],
  ['only what was read', { readAsDeclared: true }, 'size'],
  [
    'a checksum of the source and the same of the target',
    { source: { ...none, md5: 'a' }, target: { ...none, md5: 'a' } },
    'source_checksum',
  ],
  [
    'a checksum of the source of what was read, and another of the way to the target',
    {
      source: { ...none, md5: 'a' },
      computed: { ...none, md5: 'a', crc64nvme: 'x' },
      target: { ...none, crc64nvme: 'x' },
    },
    'source_checksum',
  ],
  [
    'the parts that were sent, and a checksum of the source of what was read',
    { md5OfParts: '"a-2"', source: { ...none, crc64: '1' }, computed: { ...none, crc64: '1' } },
    'source_checksum',
  ],
  [
    'a checksum of the source of what was read, and nothing of the target',
    { source: { ...none, md5: 'a' }, computed: { ...none, md5: 'a' } },
    'size',
  ],
] as const;

for (const [compared, known, proof] of cases) {
  test(`${compared}: a copy proven by ${proof}`, () => {
    assert.equal(proofOf(evidence(known)), proof);
  });
}
