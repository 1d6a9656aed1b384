import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryStore } from '../../../test/kit/memory-store.ts';
import { MiB } from '../../platform/base/bytes.ts';
import type { OverwriteMode } from '../../platform/model/sync-task.ts';
import { estimating } from './estimate.ts';
import type { Pair } from './listing.ts';
import { type Tally, tallied } from './tally.ts';

const sizes = { bufferBytes: MiB, putBytes: 32 * MiB, partBytes: 16 * MiB };
const md5 = (digit: string): string => `"${digit.repeat(32)}"`;

function pair(source: number | undefined, target?: number, etag = md5('a')): Pair {
  const entry = (size: number) => ({
    ...{ key: 'k', size, etag, lastModified: 1_000, storageClass: undefined },
  });
  return {
    key: 'k',
    source: source === undefined ? undefined : entry(source),
    target: target === undefined ? undefined : entry(target),
  };
}

async function tallyOf(
  pairs: readonly Pair[],
  overwriteMode: OverwriteMode = 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE',
  traits = {},
): Promise<Tally> {
  const [source, target] = [new MemoryStore(), new MemoryStore({ traits })];
  const examine = estimating({ source, target, policy: { overwriteMode }, sizes });
  const found = await examine(pairs, new AbortController().signal);
  return tallied(found.map(({ tally = {} }) => tally));
}

describe('an estimate', () => {
  test('counts objects and bytes by size, and what a backfill copies and skips', async () => {
    const tally = await tallyOf([
      pair(0),
      pair(4096),
      pair(4097),
      pair(10, 10),
      pair(undefined, 5),
    ]);
    assert.partialDeepStrictEqual(tally, {
      ...{ copyObjects: 3, copyBytes: 8193, skipObjects: 1, skipBytes: 10 },
      ...{ size0Objects: 1, size1Objects: 2, size1Bytes: 4106, size2Objects: 1, size2Bytes: 4097 },
    });
  });

  test('counts the requests of each way of a copy', async () => {
    const tally = await tallyOf([pair(10), pair(20 * MiB), pair(20 * MiB, undefined, '"a-2"')]);
    assert.partialDeepStrictEqual(tally, {
      // The object in parts is read once before its two ranges.
      ...{ sourceHeads: 0, sourceGets: 5, targetHeads: 3, targetPuts: 2 },
      ...{ targetUploads: 1, targetParts: 2, targetCompletes: 1 },
    });
  });

  test('counts by the overwrite mode', async () => {
    const pairs = [pair(10, 10), pair(10, 20)];
    assert.partialDeepStrictEqual(await tallyOf(pairs, 'FULL_OVERWRITE'), {
      ...{ copyObjects: 2, targetHeads: 0 },
    });
    assert.partialDeepStrictEqual(await tallyOf(pairs, 'NO_OVERWRITE'), { skipObjects: 2 });
    assert.partialDeepStrictEqual(await tallyOf(pairs, 'CRC64_COMPARISON_OVERWRITE'), {
      ...{ copyObjects: 1, lookObjects: 1, lookBytes: 10, sourceGets: 2, targetHeads: 2 },
    });
  });

  test('counts a look after the copy where the target reports no checksum, and what is too large', async () => {
    const none = { crc64: false, crc64nvme: false, listsChecksums: false };
    assert.equal((await tallyOf([pair(10)], undefined, none)).targetHeads, 2);
    const small = { partSizeMax: MiB, partCountMax: 2, putSizeMax: MiB };
    assert.partialDeepStrictEqual(await tallyOf([pair(3 * MiB)], undefined, small), {
      tooLargeObjects: 1,
    });
  });
});
