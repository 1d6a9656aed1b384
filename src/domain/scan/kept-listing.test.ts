import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { listingOf, runScan } from '../../../test/kit/scan-simulator/run-scan.ts';
import { addTask } from '../../../test/kit/queue-rows.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import type { Database } from '../../platform/postgres/db.ts';
import { checkCut } from './cut-check.ts';
import { claimListing } from './kept-listings-table.ts';
import { OutOfOrder } from './listing.ts';
import { claimRange } from './ranges-table.ts';
import { insertScan } from './scans-table.ts';

const never = new AbortController().signal;

async function kept(db: Database): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    'select ((select count(*) from kept_listings) + (select count(*) from listing_reads))::int as count',
  );
  return rows[0]?.count ?? 0;
}

/** In UTF-16, `🙈` comes before `\uffee`. */
const keys = [
  'a',
  'b/c',
  'b.c',
  '\uffee',
  '🙈',
  ...Array.from({ length: 90 }, (_, at) => `n${at}`),
];

describe('a store that does not list in the order of keys', () => {
  for (const order of ['UTF-16', 'directories', 'hashes'] as const) {
    test(`is compared whole, in the order of ${order}, and the scan says so`, async () => {
      await using db = await testDatabase();
      const taskId = await addTask(db);
      const sides = { source: listingOf([...keys, 'x']), target: listingOf(keys, { order }) };
      const scan = await runScan(db, sides, { taskId });
      assert.equal(await kept(db), 0);
      const { state, equal, missing, extra, sourceUnordered, targetUnordered } = scan;
      assert.deepEqual(
        { state, equal, missing, extra, sourceUnordered, targetUnordered },
        {
          ...{ state: 'complete', equal: keys.length, missing: 1, extra: 0 },
          ...{ sourceUnordered: false, targetUnordered: true },
        },
      );
      const { rows } = await db.query<{ key: string }>(
        'select object_key as key from scan_differences',
      );
      assert.deepEqual(rows, [{ key: 'x' }]);
    });
  }

  test('that the probe of a task has found is read whole from the start', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const behaviour = { source: { ordered: true }, target: { ordered: false } };
    await db.query('update sync_tasks set behaviour = $1', [JSON.stringify(behaviour)]);
    const target = listingOf(keys, { order: 'hashes' });
    const list = target.list.bind(target);
    target.list = async (options, signal) => {
      assert.equal(options.anyOrder, true, 'no page in order is requested');
      return await list(options, signal);
    };
    const { state, equal } = await runScan(db, { source: listingOf(keys), target }, { taskId });
    assert.deepEqual([state, equal], ['complete', keys.length]);
  });

  test('with more keys than are kept ends a scan as incomplete', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const sides = { source: listingOf(keys, { order: 'hashes' }), target: listingOf(keys) };
    const { state, reason } = await runScan(db, sides, { taskId, keptKeysMax: 50 });
    assert.equal(state, 'incomplete');
    assert.match(reason ?? '', /^The listing of the source bucket: .* more than 50$/);
  });

  test('with a name too long for an index leaves the scan incomplete, and compares the others', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const long = '長'.repeat(1_000);
    const source = listingOf([...keys, long], { order: 'hashes' });
    const sides = { source, target: listingOf(keys) };
    const { state, reason, equal } = await runScan(db, sides, { taskId });
    assert.deepEqual([state, equal], ['incomplete', keys.length]);
    assert.match(reason ?? '', /such as "長長/);
  });

  test('that fails for good ends a scan as incomplete, and says why', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const source = listingOf(keys, { order: 'hashes' });
    const list = source.list.bind(source);
    source.list = async (options, signal) => {
      if (options.anyOrder === true) throw denied;
      return await list(options, signal);
    };
    const { state, reason } = await runScan(db, { source, target: listingOf(keys) }, { taskId });
    assert.equal(state, 'incomplete');
    assert.match(reason ?? '', /^The listing of the source bucket: .*denied/);
  });

  test('is read again where a crash of the database has emptied what was kept', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const behaviour = { source: { ordered: false }, target: {} };
    await db.query('update sync_tasks set behaviour = $1', [JSON.stringify(behaviour)]);
    const id = randomUUID();
    assert.ok(await insertScan(db, { id, taskId, kind: 'verify' }));
    assert.equal(await claimRange(db, 60_000), undefined, 'it is not read yet');
    assert.ok((await claimListing(db, 60_000)) !== undefined);
    assert.equal(await claimListing(db, 60_000), undefined, 'one reads it');
    await db.query('update listing_reads set complete = true');
    assert.ok((await claimRange(db, 60_000)) !== undefined);
    await db.query('truncate kept_listings, listing_reads');
    assert.ok((await claimListing(db, 60_000)) !== undefined);
    const { rows } = await db.query<{ claim?: string }>(
      'select claim_id::text as claim from scan_ranges',
    );
    assert.deepEqual(rows, [{}], 'the walk that saw an empty listing settles nothing');
  });
});

describe('a cut between two ranges', () => {
  const cut = { until: '\uffee', sourceNext: 'a', targetNext: undefined };
  const ordered = listingOf(keys);

  test('holds where both stores agree on what is above it', async () => {
    await checkCut({ source: ordered, target: ordered, range: { after: '' } }, cut, never);
  });

  test('does not where a store has a key above it that comes before it there', async () => {
    const source = listingOf(keys, { order: 'UTF-16', pageMax: 1 });
    await assert.rejects(
      checkCut({ source, target: ordered, range: { after: '' } }, cut, never),
      (error) => error instanceof OutOfOrder && error.side === 'source',
    );
  });
});

describe('a store that continues only from its own tokens', () => {
  /** A store that counts its pages, and fails as `fault` says. */
  function counted(fault: (after: string | undefined, page: number) => void) {
    const store = listingOf(keys, { listsFromKey: false, pageMax: 1 });
    const list = store.list.bind(store);
    const pages: (string | undefined)[] = [];
    store.list = async (options, signal) => {
      pages.push(options.after);
      fault(options.after, pages.length);
      return await list(options, signal);
    };
    return { store, pages };
  }

  test('is listed on from the last page after a break', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const { store, pages } = counted((_, page) => {
      if (page === 60) throw throttled;
    });
    const sides = { source: listingOf(keys), target: store };
    const { state, equal } = await runScan(db, sides, { taskId, batchPairs: 5 });
    assert.deepEqual([state, equal], ['complete', keys.length]);
    assert.ok(pages.length < keys.length + 10, `${pages.length} pages of ${keys.length}`);
  });

  test('is listed from its beginning where it no longer knows the token', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    let forgets = false;
    const { store } = counted((after, page) => {
      if (page === 60) forgets = true;
      if (after === undefined) forgets = false;
      if (forgets) throw page === 60 ? throttled : refused;
    });
    const sides = { source: listingOf(keys), target: store };
    const { state, equal } = await runScan(db, sides, { taskId, batchPairs: 5 });
    assert.deepEqual([state, equal], ['complete', keys.length]);
  });
});

const details = { store: 'memory:bucket', operation: 'list' };
const throttled = new StoreError('throttled', details);
const refused = new StoreError('refused', details);
const denied = new StoreError('denied', details);
