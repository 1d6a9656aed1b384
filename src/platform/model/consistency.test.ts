import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkCopy, type CopyEvidence, type Demand, needsLook } from './consistency.ts';
import type { Checksums } from './checksums.ts';
import { type ConsistencyCheck, consistencyChecks } from './sync-task.ts';

const TIME = 1_700_000_000_000;
const values = [undefined, '1', '2'] as const;
type Sum = (typeof values)[number];

/** What three witnesses say of one kind of checksum. */
interface Said {
  readonly source: Sum;
  readonly computed: Sum;
  readonly target: Sum;
}

const triples: Said[] = values.flatMap((source) =>
  values.flatMap((computed) => values.map((target) => ({ source, computed, target }))),
);

const demand = (method: ConsistencyCheck): Demand => ({ method, kms: false });

const none: Said = { source: undefined, computed: undefined, target: undefined };

/** No look, or what a look may find. */
const looks = [
  undefined,
  { size: 5, time: TIME },
  { size: 5, time: TIME + 1 },
  { size: 5, time: TIME - 1 },
  { size: 4, time: TIME },
] as const;
type Look = (typeof looks)[number];

function evidence(
  crc64: Said,
  md5: Said,
  look: Look,
  { copiedSize = 5, crc64nvme = none } = {},
): CopyEvidence {
  const by = (witness: keyof Said): Checksums => ({
    ...{ md5: md5[witness], crc64: crc64[witness], crc64nvme: crc64nvme[witness] },
  });
  return {
    sourceSize: 5,
    copiedSize,
    sourceModified: TIME,
    source: by('source'),
    computed: by('computed'),
    target: by('target'),
    md5OfParts: undefined,
    targetSize: look?.size,
    targetModified: look?.time,
    targetEncryption: undefined,
    written: { etag: '"t"', versionId: undefined, writtenAt: undefined },
  };
}

/** Any two that are known and differ are a difference; the target and one other make a proof. */
function judge({ source, computed, target }: Said): 'same' | 'different' | 'unknown' {
  const known = [source, computed, target].filter((checksum) => checksum !== undefined);
  if (new Set(known).size > 1) return 'different';
  return target !== undefined && known.length > 1 ? 'same' : 'unknown';
}

for (const method of consistencyChecks) {
  test(`${method} judges right, whatever checksums are known and whatever a look finds`, () => {
    for (const crc64 of triples) {
      for (const md5 of triples) {
        for (const look of looks) {
          const given = evidence(crc64, md5, look);
          const check = checkCopy(demand(method), given);
          const [crcs, md5s] = [judge(crc64), judge(md5)];
          const text = `${JSON.stringify(given)} → ${JSON.stringify(check)}`;
          const proof = expectedProof(crcs, md5s);
          assert.equal(
            needsLook(demand(method), given),
            proof === undefined && look === undefined && method !== 'no_check',
            text,
          );
          const [passed, by] = proof ?? withoutProof(method, look);
          assert.deepEqual([check.passed, check.method], [passed, by], text);
        }
      }
    }
  });
}

function expectedProof(
  crcs: ReturnType<typeof judge>,
  md5s: ReturnType<typeof judge>,
): [boolean, string] | undefined {
  if (crcs === 'different') return [false, 'crc64'];
  if (md5s === 'different') return [false, 'md5'];
  if (crcs === 'same') return [true, 'crc64'];
  return md5s === 'same' ? [true, 'md5'] : undefined;
}

function withoutProof(method: string, look: Look): [boolean, string] {
  if (look === undefined) {
    return method === 'no_check' ? [true, 'size'] : [false, 'size_last_modified'];
  }
  return [look.size === 5 && look.time >= TIME, 'size_last_modified'];
}

test('bytes that are missing fail every method, whatever checksums say', () => {
  const same = { source: '1', computed: '1', target: '1' } as const;
  for (const method of consistencyChecks) {
    for (const copied of [4, 6, 0]) {
      const check = checkCopy(
        demand(method),
        evidence(same, same, looks[1], { copiedSize: copied }),
      );
      assert.deepEqual([check.passed, check.method], [false, 'size']);
      assert.match(check.detail, new RegExp(`${copied} bytes were copied of 5`));
    }
  }
});

test('the CRC of S3 decides between the other CRC and the MD5', () => {
  const same = { source: '1', computed: '1', target: '1' } as const;
  const taken = { source: undefined, computed: '1', target: '1' } as const;
  const changed = { source: '1', computed: undefined, target: '2' } as const;
  const judged = (crc64: Said, md5: Said, crc64nvme: Said) => {
    const { passed, method } = checkCopy(
      demand('crc64'),
      evidence(crc64, md5, undefined, { crc64nvme }),
    );
    return [passed, method];
  };
  assert.deepEqual(judged(none, none, same), [true, 'crc64nvme']);
  assert.deepEqual(judged(none, same, taken), [true, 'crc64nvme']);
  assert.deepEqual(judged(same, same, same), [true, 'crc64']);
  assert.deepEqual(judged(same, same, changed), [false, 'crc64nvme']);
  assert.deepEqual(judged(none, changed, same), [false, 'md5']);
  // Each end reports another kind of checksum, and those that we computed on the way are of both kinds.
  const sourceOnly = { source: '1', computed: '1', target: undefined } as const;
  assert.deepEqual(judged(sourceOnly, none, taken), [true, 'crc64nvme']);
});

test('the detail says how they differ, for people', () => {
  const late = checkCopy(demand('crc64'), evidence(none, none, { size: 5, time: TIME - 1 }));
  assert.match(late.detail, /0\.001 s before/);
  const other = { source: '1', computed: undefined, target: '2' } as const;
  assert.match(
    checkCopy(demand('crc64'), evidence(other, none, undefined)).detail,
    /has 1, the target 2/,
  );
});

test('parts that were joined as they were sent prove a copy where the whole has no checksum', () => {
  const joined = { ...evidence(none, none, undefined), md5OfParts: '"1-2"' };
  for (const method of consistencyChecks) {
    assert.equal(needsLook(demand(method), joined), false);
    assert.deepEqual(checkCopy(demand(method), joined), {
      method: 'md5_of_parts',
      passed: true,
      detail: '"1-2"',
    });
    const other: Said = { source: '1', computed: undefined, target: '2' };
    const summed = { ...evidence(other, none, undefined), md5OfParts: '"1-2"' };
    assert.equal(checkCopy(demand(method), summed).passed, false);
  }
});

test('a task that encrypts by a key service wants to see that it was', () => {
  const same: Said = { source: '1', computed: '1', target: '1' };
  for (const method of consistencyChecks) {
    const wanted: Demand = { method, kms: true };
    for (const look of looks) {
      for (const checksums of [same, none]) {
        const unsaid = evidence(checksums, none, look);
        assert.equal(needsLook(wanted, unsaid), look === undefined);
        for (const targetEncryption of [undefined, 'store', 'customer'] as const) {
          const check = checkCopy(wanted, { ...unsaid, targetEncryption });
          assert.deepEqual([check.passed, check.method], [false, 'encryption']);
        }
        const encrypted = { ...unsaid, targetEncryption: 'kms' } as const;
        assert.deepEqual(checkCopy(wanted, encrypted), checkCopy(demand(method), encrypted));
        assert.equal(needsLook(wanted, encrypted), needsLook(demand(method), encrypted));
      }
    }
  }
});
