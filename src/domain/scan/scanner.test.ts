import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import {
  addScan,
  failedOnce,
  scannerOf,
  scanOnce,
  type Sides,
  shown,
  storeOf,
  waiting,
} from '../../../test/kit/scanner-fixture.ts';
import { addKeys, addTask, claim } from '../../../test/kit/queue-rows.ts';
import { systemClock } from '../../platform/base/clock.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import type { ListPage, Store } from '../../platform/stores/store.ts';
import {
  endScansOf,
  findScan,
  insertScan,
  removeOldScans,
  type ScanRecord,
  signalScan,
} from './scans-table.ts';

const never = new AbortController().signal;

const numbers = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `logs/2026/${at.toString().padStart(7, '0')}`);

describe('Scanner', () => {
  test('enqueues what the target lacks or has otherwise, and counts every key once', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const keys = [...numbers(2_500), 'a b', 'Ünï', '\u{1F600}', '\uFFFD', "quo'te"];
    const target = await storeOf(keys.filter((_, at) => at % 2 === 0));
    const source = await storeOf(keys);
    await target.put('extra', { content: Buffer.from('x'), size: 1 }, {}, never);
    await target.put('Ünï', { content: Buffer.from('x'), size: 1 }, {}, never);
    for (const { head } of source.objects.values()) Object.assign(head, { lastModified: 1_000 });
    const scanId = await addScan(db, taskId);
    const scanner = scannerOf(db, { source, target });
    scanner.start();
    const scan = await scanOnce(db, taskId, scanId);
    await scanner.stop();
    const lacking = keys.filter((key, at) => at % 2 === 1 && key !== 'Ünï');
    assert.deepEqual(new Set(await waiting(db)), new Set([...lacking, 'Ünï']));
    assert.equal(scan.state, 'complete');
    const { sourceObjects, missing, different, extra, enqueued, rangesOpen } = scan;
    assert.deepEqual(
      { sourceObjects, missing, different, extra, enqueued, rangesOpen },
      {
        sourceObjects: keys.length,
        missing: lacking.length,
        different: 1,
        extra: 1,
        enqueued: lacking.length + 1,
        rangesOpen: 0,
      },
    );
    assert.equal(scan.equal + scan.missing + scan.different, keys.length);
    assert.match(scan.digest ?? '', /^[0-9a-f]{64}$/);
  });

  for (const longer of ['source', 'target'] as const) {
    test(`of several processes share a scan by splitting it where the ${longer} has more; each key is counted once`, async () => {
      await using db = await testDatabase();
      const taskId = await addTask(db);
      const keys = numbers(60_000);
      const scanId = await addScan(db, taskId);
      const isSplit = ({ rangesOpen, rangesDone }: ScanRecord): boolean =>
        rangesOpen + rangesDone > 1;
      const long = await listingOf(keys, async (after = '') => {
        // No walk continues until one range has been split.
        if (after > (keys[50_000] ?? '')) await scanOnce(db, taskId, scanId, isSplit);
      });
      const short = await listingOf(['a', 'b']);
      const sides =
        longer === 'source' ? { source: long, target: short } : { source: short, target: long };
      const scanners = [scannerOf(db, sides), scannerOf(db, sides)];
      for (const scanner of scanners) scanner.start();
      const scan = await scanOnce(db, taskId, scanId);
      await Promise.all(scanners.map((scanner) => scanner.stop()));
      const { state, sourceObjects, targetObjects, missing, extra } = scan;
      const counts = [state, sourceObjects, targetObjects, missing, extra];
      const [all, two] = [keys.length, 2];
      assert.deepEqual(
        counts,
        longer === 'source' ? ['complete', all, two, all, two] : ['complete', two, all, two, all],
      );
      assert.equal((await waiting(db)).length, missing);
    });
  }

  test('continues where it was stopped, in another process', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const keys = numbers(12_000);
    const source = await listingOf(keys);
    const target = await listingOf([]);
    const scanId = await addScan(db, taskId);
    const first = scannerOf(db, { source, target });
    first.start();
    await scanOnce(db, taskId, scanId, ({ sourceObjects }) => sourceObjects > 0);
    await first.stop();
    const between = await shown(db, taskId, scanId);
    assert.ok(between.sourceObjects < keys.length);
    const second = scannerOf(db, { source, target });
    second.start();
    const scan = await scanOnce(db, taskId, scanId);
    await second.stop();
    assert.deepEqual([scan.state, scan.sourceObjects], ['complete', keys.length]);
  });

  test('waits while its task has as many scanned keys as it may; an event goes first', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const source = await listingOf(numbers(5_000));
    const target = await listingOf([]);
    const scanId = await addScan(db, taskId);
    const scanner = scannerOf(db, { source, target }, { waitingMax: 1_500 });
    scanner.start();
    await scanOnce(db, taskId, scanId, ({ enqueued }) => enqueued >= 1_500);
    await addKeys(db, taskId, ['an event']);
    const [first] = await claim(db, taskId, { limit: 1 });
    assert.equal(first?.key, 'an event');
    const scan = await shown(db, taskId, scanId);
    assert.equal(scan.state, 'running');
    assert.ok(scan.enqueued <= 2_500);
    await db.query('delete from changes');
    await scanOnce(db, taskId, scanId, ({ enqueued }) => enqueued > scan.enqueued);
    await scanner.stop();
  });

  test('is paused with its task, stopped, started and canceled', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const sides = { source: await listingOf(numbers(3_000)), target: await listingOf([]) };
    const scanId = await addScan(db, taskId);
    await db.query(`update sync_tasks set status = 'STOPPED'`);
    assert.equal((await shown(db, taskId, scanId)).state, 'paused');
    const scanner = scannerOf(db, sides);
    scanner.start();
    await db.query(`update sync_tasks set status = 'SYNCHRONIZING'`);
    assert.ok(await signalScan(db, scanId, 'stop'));
    assert.ok(!(await signalScan(db, scanId, 'stop')));
    assert.equal((await shown(db, taskId, scanId)).state, 'paused');
    assert.ok(await signalScan(db, scanId, 'start'));
    scanner.wake();
    assert.equal((await scanOnce(db, taskId, scanId)).state, 'complete');
    assert.ok(!(await signalScan(db, scanId, 'cancel')));
    const other = await addScan(db, taskId, 'reconcile');
    assert.ok(
      !(await insertScan(db, { id: randomUUID(), taskId, kind: 'backfill' })),
      'one at a time',
    );
    assert.ok(await signalScan(db, other, 'cancel'));
    assert.equal((await shown(db, taskId, other)).state, 'canceled');
    await scanner.stop();
  });

  test('is incomplete where a listing fails for good, and says which keys and why', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const source = await listingOf(numbers(3_000), (after) => {
      if (after !== undefined) throw denied;
    });
    const scanId = await addScan(db, taskId);
    const scanner = scannerOf(db, { source, target: await listingOf([]) });
    scanner.start();
    const scan = await scanOnce(db, taskId, scanId);
    await scanner.stop();
    assert.deepEqual([scan.state, scan.rangesFailed, scan.digest], ['incomplete', 1, undefined]);
    assert.match(scan.reason ?? '', /^The keys from the beginning to the end: list .*denied/);
  });

  test('a verification changes nothing', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    await db.query(`update sync_tasks set status = 'STOPPED'`);
    const sides = { source: await listingOf(numbers(1_200)), target: await listingOf(numbers(3)) };
    const scanId = await addScan(db, taskId, 'verify');
    const scanner = scannerOf(db, sides);
    scanner.start();
    const scan = await scanOnce(db, taskId, scanId);
    await scanner.stop();
    assert.deepEqual(
      [scan.state, scan.missing, scan.equal, scan.enqueued],
      ['complete', 1_197, 3, 0],
    );
    assert.deepEqual(await waiting(db), []);
  });

  test('lets the scans of other tasks go on while one waits for room', async () => {
    await using db = await testDatabase();
    const full = await addTask(db);
    const other = await addTask(db);
    const sides = { source: await listingOf(numbers(3_000)), target: await listingOf([]) };
    const first = await addScan(db, full);
    const scanner = scannerOf(db, sides, { waitingMax: 1_000, concurrency: 1 });
    scanner.start();
    await scanOnce(db, full, first, ({ enqueued }) => enqueued >= 1_000);
    const second = await addScan(db, other);
    await scanOnce(db, other, second, ({ enqueued }) => enqueued >= 1_000);
    assert.equal((await shown(db, full, first)).state, 'running');
    await scanner.stop();
  });

  for (const [passes, firstToEnd] of [
    ['10 s', 'short'],
    ['no time', 'long'],
  ] as const) {
    test(`where ${passes} passes from page to page, a ${firstToEnd} scan ends first of a long one and one that waits for its slot`, async () => {
      await using db = await testDatabase();
      const tasks = { long: await addTask(db), short: await addTask(db) };
      const pages = { long: 40, short: 5 };
      const scans = { long: await addScan(db, tasks.long, 'verify'), short: '' };
      await db.query(`update scan_ranges set due_at = now() - interval '1 hour'`);
      scans.short = await addScan(db, tasks.short);
      const sides = { long: await sidesOf(pages.long), short: await sidesOf(pages.short) };
      const sidesBy = (taskId: string): Sides => sides[taskId === tasks.long ? 'long' : 'short'];
      let time = 0;
      const monotonic = (): number => (time += passes === '10 s' ? 10_000 : 0);
      const clock = { ...systemClock, monotonic };
      const scanner = scannerOf(db, sidesBy, { concurrency: 1, clock });
      scanner.start();
      const long = await scanOnce(db, tasks.long, scans.long);
      const short = await scanOnce(db, tasks.short, scans.short);
      await scanner.stop();
      const [longEnd = 0, shortEnd = 0] = [long.endedAt, short.endedAt];
      assert.equal(shortEnd < longEnd ? 'short' : 'long', firstToEnd);
      const counted = [long, short].map(({ state, missing }) => [state, missing]);
      assert.deepEqual(counted, [
        ['complete', pages.long * 1_000],
        ['complete', pages.short * 1_000],
      ]);
    });
  }

  test('a key that cannot be kept makes it incomplete, and holds up no other', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const keys = [...numbers(1_500), 'logs/3000\0', `logs/4${'長'.repeat(1_024)}`, 'logs/5'];
    const scanId = await addScan(db, taskId);
    const scanner = scannerOf(db, { source: await listingOf(keys), target: await listingOf([]) });
    scanner.start();
    const scan = await scanOnce(db, taskId, scanId);
    await scanner.stop();
    assert.deepEqual([scan.state, scan.enqueued], ['incomplete', 1_501]);
    assert.match(scan.reason ?? '', /cannot be copied, such as "logs\/3000/);
  });

  test('counts a key that cannot be kept once, also where a walk breaks off behind it', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const scanId = await addScan(db, taskId);
    let calls = 0;
    const source = await listingOf([...numbers(999), 'logs/3\0', 'logs/4'], () => {
      calls += 1;
      if (calls === 2) throw throttled;
    });
    const scanner = scannerOf(db, { source, target: await listingOf([]) });
    scanner.start();
    await failedOnce(db);
    scanner.wake();
    const scan = await scanOnce(db, taskId, scanId);
    await scanner.stop();
    assert.deepEqual([scan.sourceObjects, scan.missing, calls > 2], [1_001, 1_000, true]);
  });

  test('progress ends the count of the attempts of a range', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const scanId = await addScan(db, taskId);
    await db.query('update scan_ranges set attempts = 19');
    let calls = 0;
    const source = await listingOf(numbers(3_000), () => {
      calls += 1;
      if (calls === 3) throw throttled;
    });
    const scanner = scannerOf(db, { source, target: await listingOf([]) });
    scanner.start();
    await failedOnce(db);
    scanner.wake();
    assert.equal((await scanOnce(db, taskId, scanId)).state, 'complete');
    await scanner.stop();
  });

  test('is removed with its report once it is old, and no other is', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const sides = { source: await listingOf(numbers(1_200)), target: await listingOf([]) };
    const scanner = scannerOf(db, sides);
    scanner.start();
    const old = await addScan(db, taskId, 'verify');
    await scanOnce(db, taskId, old);
    await db.query(`update scans set ended_at = now() - interval '8 days'`);
    const young = await addScan(db, taskId, 'verify');
    await scanOnce(db, taskId, young);
    await scanner.stop();
    for (let left = 1; left > 0; ) left = await removeOldScans(db, { days: 7, limit: 500 });
    assert.equal(await findScan(db, taskId, old), undefined);
    assert.equal((await shown(db, taskId, young)).missing, 1_200);
    const { rows } = await db.query<{ id: string }>(
      'select distinct scan_id as id from scan_differences',
    );
    assert.deepEqual(rows, [{ id: young }]);
  });

  test('ends when one of the buckets may be another', async () => {
    await using db = await testDatabase();
    const taskId = await addTask(db);
    const scanId = await addScan(db, taskId);
    await endScansOf(db, taskId, 'new credentials');
    const { state, reason } = await shown(db, taskId, scanId);
    assert.deepEqual([state, reason], ['incomplete', 'new credentials']);
  });
});

const throttled = new StoreError('throttled', { store: 'memory:bucket', operation: 'list' });
const denied = new StoreError('denied', { store: 'memory:bucket', operation: 'list' });

/** As many pages that the target lacks. */
async function sidesOf(pages: number): Promise<Sides> {
  return { source: await listingOf(numbers(pages * 1_000)), target: await listingOf([]) };
}

/** A bucket of which only listings are of interest: a page costs no more than its entries. */
async function listingOf(
  keys: readonly string[],
  before: (after: string | undefined) => Promise<void> | void = () => undefined,
): Promise<Store> {
  const entries = keys.map((key) => ({
    key,
    size: 1,
    etag: '"e"',
    lastModified: 1_000,
    storageClass: undefined,
  }));
  const store = await storeOf([]);
  store.list = async ({ after, limit = 1_000, forScan }): Promise<ListPage> => {
    assert.equal(forScan, true, 'the lists of a scan let other requests go first');
    if (limit > 1) await before(after);
    let [low, high] = [0, entries.length];
    while (after !== undefined && low < high) {
      const middle = (low + high) >> 1;
      if ((entries[middle]?.key ?? '') <= after) low = middle + 1;
      else high = middle;
    }
    const page = entries.slice(low, low + limit);
    const next = low + limit < entries.length ? page.at(-1)?.key : undefined;
    return { entries: page, next };
  };
  return store;
}
