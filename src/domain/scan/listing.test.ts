import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { listingOf, runScan } from '../../../test/kit/scan-simulator/run-scan.ts';
import { addTask } from '../../../test/kit/queue-rows.ts';
import type { Fault } from '../../platform/model/fault.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import type { Database } from '../../platform/postgres/db.ts';
import type { Store } from '../../platform/stores/store.ts';

const keys = Array.from({ length: 60 }, (_, at) => `k${at.toString().padStart(3, '0')}`);

/** A listing that fails at one of its pages, counted from 1, or from there on. */
function failing(
  fault: Fault,
  { page, times = 1 }: { readonly page: number; readonly times?: number },
): Store {
  const store = listingOf(keys, { pageMax: 1 });
  const list = store.list.bind(store);
  let pages = 0;
  store.list = async (options, signal) => {
    pages += 1;
    if (pages >= page && pages < page + times) {
      throw new StoreError(fault, { store: store.name, operation: 'list' });
    }
    return await list(options, signal);
  };
  return store;
}

async function waiting(db: Database): Promise<number> {
  return (await db.query('select 1 as waits from changes')).rowCount;
}

describe('a listing', () => {
  for (const [what, page, fault, state] of [
    ['its last page for now', 60, 'interrupted', 'complete'],
    ['its last page for good', 60, 'denied', 'incomplete'],
    ['a page in the middle for now', 30, 'throttled', 'complete'],
    // A bucket that vanishes, or is taken away, is not one that ends there.
    ['a page in the middle because the bucket is gone', 30, 'no-bucket', 'incomplete'],
    [
      'a page in the middle because the key may no longer list',
      30,
      'bad-credentials',
      'incomplete',
    ],
  ] as const) {
    for (const side of ['source', 'target'] as const) {
      test(`that fails at ${what}, of the ${side}, leaves the scan ${state}`, async () => {
        await using db = await testDatabase();
        const taskId = await addTask(db);
        const sides = { source: listingOf(keys), target: listingOf(keys) };
        const scan = await runScan(
          db,
          { ...sides, [side]: failing(fault, { page }) },
          { taskId, batchPairs: 7, splitPages: 1_000 },
        );
        assert.equal(scan.state, state);
        const all = keys.length;
        if (state === 'complete') assert.deepEqual([scan.equal, scan.targetObjects], [all, all]);
        else assert.match(scan.reason ?? '', new RegExp(fault));
        assert.deepEqual([scan.missing, scan.extra], [0, 0], 'what was not listed is not missing');
      });
    }
  }

  for (const [side, fault] of [
    ['source', 'no-bucket'],
    ['target', 'no-bucket'],
    ['target', 'denied'],
  ] as const) {
    test(`of a ${side} that answers ${fault} is not an empty one: nothing is enqueued`, async () => {
      await using db = await testDatabase();
      const taskId = await addTask(db);
      const sides = { source: listingOf(keys), target: listingOf(keys.slice(0, 5)) };
      const broken = failing(fault, { page: 1, times: Number.POSITIVE_INFINITY });
      const scan = await runScan(db, { ...sides, [side]: broken }, { taskId, kind: 'backfill' });
      assert.deepEqual([scan.state, scan.missing, await waiting(db)], ['incomplete', 0, 0]);
    });
  }

  test('that has keys again on the next page counts each once', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const sides = { source: listingOf(keys, { twisted: 100 }), target: listingOf(keys) };
    const { state, equal, sourceObjects, missing, extra } = await runScan(db, sides, { taskId });
    assert.deepEqual(
      { state, equal, sourceObjects, missing, extra },
      { state: 'complete', equal: 60, sourceObjects: 60, missing: 0, extra: 0 },
    );
  });

  test('keeps names apart that look alike, and objects beside and below each other', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const twins = [
      '\u00e9',
      'e\u0301',
      'a',
      'a/',
      'a/b',
      'a.b',
      'p/',
      'p/1',
      'A',
      ' a',
      'a ',
      '%61',
    ];
    for (const pageMax of [1, 3]) {
      const sides = {
        source: listingOf(twins, { pageMax }),
        target: listingOf(twins.slice(1), { pageMax }),
      };
      const { state, equal, missing, extra } = await runScan(db, sides, { taskId });
      assert.deepEqual([state, equal, missing, extra], ['complete', twins.length - 1, 1, 0]);
    }
    const { rows } = await db.query<{ key: string }>(
      'select distinct object_key as key from scan_differences',
    );
    assert.deepEqual(rows, [{ key: '\u00e9' }]);
  });
});
