import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { storeOf } from '../../../test/kit/scanner-fixture.ts';
import { systemClock } from '../../platform/base/clock.ts';
import { Semaphore } from '../../platform/base/semaphore.ts';
import { Slices } from '../../platform/base/slices.ts';
import type { CopyFilters } from '../../platform/model/copy-filters.ts';
import type { Store } from '../../platform/stores/store.ts';
import { estimating } from './estimate.ts';
import type { Examine } from './examine.ts';
import type { PageSettlement } from './ranges-table.ts';
import { verifying } from './verify.ts';
import { walkRange } from './walk.ts';

const never = new AbortController().signal;
const mode = 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE';
/** Objects are their own keys. */
const filters: CopyFilters = { maxSize: 3 };

/** The only page of a walk over both stores. */
async function pageOf(
  { source, target }: { readonly source: Store; readonly target: Store },
  kind: 'verify' | 'estimate',
  examine: Examine,
): Promise<PageSettlement> {
  const pages: PageSettlement[] = [];
  const walked = {
    ...({ source, target, kind, mode, examine, copyFilters: filters } as const),
    range: { after: '', cursor: '', digest: Buffer.alloc(32) },
    slices: new Slices(systemClock),
    hasRoom: () => Promise.resolve(true),
    turnOver: () => Promise.resolve(false),
    settle: (held: { readonly digest: Uint8Array }, page: PageSettlement) => {
      pages.push(page);
      return Promise.resolve({ ...held, settled: true, withoutEvent: 0 });
    },
  };
  assert.equal(await walkRange(walked, never), 'done');
  const [page] = pages;
  assert.ok(page !== undefined && pages.length === 1);
  return page;
}

describe('what filters exclude', () => {
  test('counts in a verification as read, and not as different', async () => {
    const traits = { listsChecksums: false };
    const sides = {
      source: await storeOf(['abc', 'large'], { traits }),
      target: await storeOf(['abc'], { traits }),
    };
    const content = Buffer.from('other');
    await sides.target.put('large', { content, size: content.length }, {}, never);
    const sample = { share: 1, places: new Semaphore(2) };
    const recorded = () => Promise.resolve(new Map());
    const examine = verifying({ ...sides, attempts: 1, recorded, sample });
    const page = await pageOf(sides, 'verify', examine);
    assert.deepEqual([page.filtered, page.different, page.equal], [1, 0, 1]);
    assert.deepEqual(page.tally, { deepObjects: 2, deepBytes: 16, equalBytes: 1 });
    assert.deepEqual(page.differences, []);
  });

  test('counts in an estimate by its size, and as no work', async () => {
    const sides = { source: await storeOf(['abc', 'large']), target: await storeOf([]) };
    const sizes = { bufferBytes: 1_000, putBytes: 1_000, partBytes: 1_000 };
    const examine = estimating({ ...sides, policy: { overwriteMode: mode }, sizes });
    const page = await pageOf(sides, 'estimate', examine);
    assert.deepEqual([page.filtered, page.missing], [1, 1]);
    assert.partialDeepStrictEqual(page.tally, {
      ...{ size1Objects: 2, size1Bytes: 8, copyObjects: 1, copyBytes: 3, targetPuts: 1 },
    });
  });
});
