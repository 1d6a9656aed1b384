import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type Comparable, decide, looksAtTarget } from './overwrite.ts';
import { type OverwriteMode, overwriteModes } from './sync-task.ts';

const TIME = 1_700_000_000_000;

function object(differs: Partial<Comparable> = {}): Comparable {
  return {
    ...{ size: 5, lastModified: TIME, md5: undefined, crc64: undefined, encryption: undefined },
    etag: '"opaque"',
    ...differs,
  };
}

test('what the target does not have is copied in every mode', () => {
  for (const mode of overwriteModes) {
    for (const changed of [true, false]) {
      assert.deepEqual(decide(mode, object(), undefined, { sourceChanged: changed, kms: false }), {
        kind: 'copy',
      });
    }
  }
});

test('an MD5 that differs counts unless both objects are those of the last copy', () => {
  const mode = 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE';
  const source = object({ md5: '1', crc64: '3' });
  const known = { sourceChanged: false, kms: false, asCopied: true };
  const target = object({ md5: '2' });
  assert.deepEqual(decide(mode, source, target, known), {
    kind: 'skip',
    reason: 'target-up-to-date',
  });
  for (const [other, differs] of [
    [target, { asCopied: false }],
    [target, { sourceChanged: true }],
    [object({ crc64: '4' }), {}],
    [object({ md5: '2', size: 6 }), {}],
  ] as const) {
    assert.deepEqual(decide(mode, source, other, { ...known, ...differs }), { kind: 'copy' });
  }
});

test('FULL_OVERWRITE alone does not look at the target', () => {
  assert.deepEqual(
    overwriteModes.filter((mode) => !looksAtTarget(mode)),
    ['FULL_OVERWRITE'],
  );
});

const checksums = ['unknown', 'source only', 'target only', 'equal', 'different'] as const;
type Sum = (typeof checksums)[number];

const sourceChecksum: Record<Sum, string | undefined> = {
  'unknown': undefined,
  'source only': '1',
  'target only': undefined,
  'equal': '1',
  'different': '1',
};
const targetChecksum: Record<Sum, string | undefined> = {
  'unknown': undefined,
  'source only': undefined,
  'target only': '2',
  'equal': '1',
  'different': '2',
};

interface Case {
  readonly size: 'same' | 'other';
  readonly time: 'older' | 'same' | 'newer';
  readonly md5: Sum;
  readonly crc64: Sum;
  readonly crc64nvme: Sum;
  readonly changed: boolean;
}

const cases: Case[] = (['same', 'other'] as const).flatMap((size) =>
  (['older', 'same', 'newer'] as const).flatMap((time) =>
    checksums.flatMap((md5) =>
      checksums.flatMap((crc64) =>
        checksums.flatMap((crc64nvme) =>
          [true, false].map((changed) => ({ size, time, md5, crc64, crc64nvme, changed })),
        ),
      ),
    ),
  ),
);

/** The rules once more, in the words of the reference. */
function expected(mode: OverwriteMode, one: Case): string {
  const { size, time, md5, crc64, crc64nvme, changed } = one;
  if (mode === 'FULL_OVERWRITE') return 'copy';
  if (mode === 'NO_OVERWRITE') return 'target-exists';
  if (mode === 'CRC64_COMPARISON_OVERWRITE') {
    const comparable = [crc64, crc64nvme].find(
      (checksum) => checksum === 'equal' || checksum === 'different',
    );
    if (comparable !== undefined) return comparable === 'equal' ? 'same-crc64' : 'copy';
  }
  const reasons = [
    size === 'other',
    time === 'newer',
    changed,
    md5 === 'different',
    crc64 === 'different',
    crc64nvme === 'different',
  ];
  return reasons.includes(true) ? 'copy' : 'target-up-to-date';
}

const offset = { older: -1, same: 0, newer: 1 };

for (const mode of overwriteModes) {
  test(`${mode} decides as the reference says in all ${cases.length} cases`, () => {
    for (const one of cases) {
      const source = object({
        lastModified: TIME + offset[one.time],
        md5: sourceChecksum[one.md5],
        crc64: sourceChecksum[one.crc64],
        crc64nvme: sourceChecksum[one.crc64nvme],
      });
      const target = object({
        size: one.size === 'same' ? 5 : 6,
        md5: targetChecksum[one.md5],
        crc64: targetChecksum[one.crc64],
        crc64nvme: targetChecksum[one.crc64nvme],
      });
      const decision = decide(mode, source, target, { sourceChanged: one.changed, kms: false });
      const found = decision.kind === 'copy' ? 'copy' : decision.reason;
      assert.equal(found, expected(mode, one), JSON.stringify(one));
    }
  });
}

test('an object not encrypted as the task requires is copied again unless nothing may be replaced', () => {
  const known = { sourceChanged: false, kms: true };
  for (const mode of overwriteModes) {
    for (const encryption of [undefined, 'store', 'customer', 'kms'] as const) {
      const { kind } = decide(mode, object(), object({ encryption }), known);
      const copied = mode === 'FULL_OVERWRITE' || (encryption !== 'kms' && mode !== 'NO_OVERWRITE');
      assert.equal(kind, copied ? 'copy' : 'skip', `${mode} ${encryption ?? 'none'}`);
    }
  }
});

test('an object that may be a late write is up to date only if a checksum proves it', () => {
  const mode = 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE';
  const skip = { kind: 'skip', reason: 'target-up-to-date' };
  const known = { sourceChanged: false, kms: false };
  const [plain, parts] = [`"${'a'.repeat(32)}"`, `"${'a'.repeat(32)}-3"`];
  for (const [both, unsettled] of [
    [{}, { kind: 'copy' }],
    [{ etag: plain }, skip],
    [{ etag: parts }, skip],
    [{ md5: 'm' }, skip],
    [{ crc64: '1' }, skip],
  ] as const) {
    assert.deepEqual(decide(mode, object(both), object(both), known), skip);
    const doubted = { ...known, unsettled: true };
    assert.deepEqual(decide(mode, object(both), object(both), doubted), unsettled);
  }
});

const bySizeAndTime = [
  'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE',
  'CRC64_COMPARISON_OVERWRITE',
] as const;

test('equal bytes with nothing else to carry are not copied, however new the source is', () => {
  const hex = `"${'a'.repeat(32)}"`;
  const known = { sourceChanged: false, kms: false, equalBesideBytes: true };
  const equal = { kind: 'skip', reason: 'target-equal' };
  const copy = { kind: 'copy' };
  for (const [differs, also, expected] of [
    [{ etag: hex }, {}, equal],
    [{ etag: `"${'a'.repeat(32)}-3"` }, {}, equal],
    [{ crc64nvme: 'n' }, {}, equal],
    [{ etag: hex }, { sourceChanged: true }, equal],
    [{ etag: hex }, { unsettled: true }, equal],
    [{}, { asCopied: true }, equal],
    // An ETag that is not a checksum, and an MD5 that a writer declared.
    [{}, {}, copy],
    [{ md5: 'm' }, {}, copy],
    [{ md5: 'm' }, { sourceChanged: true }, copy],
    [{ etag: hex }, { equalBesideBytes: false }, copy],
    [{}, { asCopied: true, equalBesideBytes: false }, copy],
    [{}, { asCopied: true, sourceChanged: true }, copy],
  ] as const) {
    for (const mode of bySizeAndTime) {
      if (mode === 'CRC64_COMPARISON_OVERWRITE' && 'crc64nvme' in differs) continue;
      const source = object({ ...differs, lastModified: TIME + 1 });
      const decision = decide(mode, source, object(differs), { ...known, ...also });
      assert.deepEqual(decision, expected, JSON.stringify([mode, differs, also]));
    }
  }
  const loud = object({ etag: 'A'.repeat(32), lastModified: TIME + 1 });
  assert.deepEqual(decide(bySizeAndTime[0], loud, object({ etag: hex }), known), equal);
  const other = { etag: hex, crc64: '2', lastModified: TIME + 1 };
  assert.deepEqual(
    decide(bySizeAndTime[0], object(other), object({ etag: hex, crc64: '1' }), known),
    copy,
  );
});

/** How a store forms its ETags, and what else a HEAD reports of the bytes `content`. */
const stores = {
  md5: (content: string) => ({ etag: `"${md5(content)}"`, md5: md5(content) }),
  parts: (content: string) => ({ etag: `"${md5(content)}-2"` }),
  crc: (content: string, write: number) => ({ etag: `"w${write}"`, crc64: md5(content) }),
  /** Azure: the MD5 is a property that the writer declares. */
  declared: (content: string, write: number) => ({ etag: `"w${write}"`, md5: md5(content) }),
};

function md5(content: string): string {
  return createHash('md5').update(content).digest('hex');
}

/** Two tasks in opposite directions, each with an event of every write: how many writes follow one. */
function writesBetween(kinds: readonly [keyof typeof stores, keyof typeof stores]): number {
  let writes = 1;
  const write = (side: 0 | 1): Comparable =>
    object({ lastModified: TIME + writes, ...stores[kinds[side]]('text', writes) });
  const sides: [Comparable, Comparable | undefined] = [write(0), undefined];
  const records: [Copied | undefined, Copied | undefined] = [undefined, undefined];
  for (let from: 0 | 1 = 0; writes < 20; from = from === 0 ? 1 : 0) {
    const to = from === 0 ? 1 : 0;
    const [source, target, record] = [sides[from], sides[to], records[from]];
    assert.ok(source !== undefined);
    const decision = decide(bySizeAndTime[0], source, target, {
      kms: false,
      sourceChanged: record !== undefined && record.source !== source.etag,
      asCopied: record?.source === source.etag && record.target === target,
      equalBesideBytes: true,
    });
    if (decision.kind === 'skip') return writes;
    writes += 1;
    const written = write(to);
    sides[to] = written;
    records[from] = { source: source.etag, target: written };
  }
  return writes;
}

interface Copied {
  readonly source: string;
  readonly target: Comparable;
}

const kinds = Object.keys(stores) as (keyof typeof stores)[];
for (const one of kinds) {
  for (const other of kinds) {
    // Where neither end has a checksum of its own that the other has too, nothing shows that the bytes are equal.
    const comparable = one === other ? one !== 'declared' : [one, other].some(isOfContent);
    if (!comparable) continue;
    test(`two tasks in opposite directions come to rest: ETags by ${one} and by ${other}`, () => {
      assert.ok(writesBetween([one, other]) <= 4);
    });
  }
}

function isOfContent(kind: keyof typeof stores): boolean {
  return kind === 'md5' || kind === 'parts';
}
