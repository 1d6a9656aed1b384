import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { addTask } from '../../../test/kit/queue-rows.ts';
import {
  claimRange,
  type PageSettlement,
  type RangeClaim,
  rangesOf,
  renewRange,
  raiseTally,
  settlePage,
  splitRange,
} from './ranges-table.ts';
import { findScan, insertScan } from './scans-table.ts';
import type { Db } from '../../platform/postgres/db.ts';

const digestOf = (byte: number): Buffer => Buffer.alloc(32, byte);

function page(cursor: string, more: Partial<PageSettlement> = {}): PageSettlement {
  const objects = { sourceObjects: 1, sourceBytes: 1, targetObjects: 1, targetBytes: 1 };
  const counts = { equal: 1, different: 0, missing: 0, extra: 0, filtered: 0 };
  const lists = { enqueue: [], unreadable: [], differences: [], tally: undefined };
  return {
    pages: 2,
    ...objects,
    ...counts,
    ...lists,
    cursor,
    sourceNext: undefined,
    targetNext: undefined,
    done: false,
    digest: digestOf(1),
    ...more,
  };
}

const foundKeys = (...keys: string[]): PageSettlement['enqueue'] =>
  keys.map((key) => ({ key, sourceModifiedAt: 1_000 }));

async function claimedRange(db: Db): Promise<RangeClaim> {
  const taskId = await addTask(db);
  assert.ok(await insertScan(db, { id: randomUUID(), taskId, kind: 'reconcile' }));
  const claim = await claimRange(db, 60_000);
  assert.ok(claim !== undefined);
  return claim;
}

const LEASE_MS = 60_000;

describe('settlePage', () => {
  test('adds the further counters of a page to those before, and those of its report', async () => {
    await using database = await testDatabase();
    const claim = await claimedRange(database);
    await settlePage(database, claim, claim, page('b', { tally: { heads: 2, equalBytes: 1 } }));
    await settlePage(database, claim, { digest: digestOf(1) }, page('c'));
    const more = page('d', { tally: { heads: 3 } });
    await settlePage(database, claim, { digest: digestOf(1) }, more);
    await raiseTally(database, claim, { reported: 4, heads: 1 });
    const scan = await findScan(database, claim.taskId, claim.scanId);
    assert.deepEqual(scan?.tally, { heads: 6, equalBytes: 1, reported: 4 });
  });

  test('enqueues the keys of a page and moves the cursor, together', async () => {
    await using database = await testDatabase();
    const claim = await claimedRange(database);
    const found = await settlePage(
      database,
      claim,
      claim,
      page('b', { enqueue: foundKeys('a', 'b') }),
    );
    assert.equal(found?.settled, true);
    const scan = await findScan(database, claim.taskId, claim.scanId);
    assert.deepEqual([scan?.enqueued, scan?.equal, scan?.pages], [2, 1, 2]);
  });

  test('writes nothing where the range ends elsewhere by now, and says where', async () => {
    await using database = await testDatabase();
    const claim = await claimedRange(database);
    assert.ok(await splitRange(database, claim, 'm'));
    const found = await settlePage(database, claim, claim, page('z', { enqueue: foundKeys('z') }));
    assert.deepEqual([found?.settled, found?.until], [false, 'm']);
    const { rows } = await database.query<{ count: number }>(
      'select count(*)::int as count from changes',
    );
    assert.equal(rows[0]?.count, 0);
  });

  test('writes nothing twice: the digest identifies a page that was settled already', async () => {
    await using database = await testDatabase();
    const claim = await claimedRange(database);
    assert.equal((await settlePage(database, claim, claim, page('b')))?.settled, true);
    const again = await settlePage(database, claim, claim, page('b'));
    assert.deepEqual([again?.settled, again?.digest], [false, digestOf(1)]);
  });

  test('finds no range where the claim has been lost', async () => {
    await using database = await testDatabase();
    const claim = await claimedRange(database);
    const other = { ...claim, claimId: '0' };
    assert.equal(await settlePage(database, other, claim, page('b')), undefined);
  });

  test('loses no page to renewals and splits at the same moment', async () => {
    await using database = await testDatabase();
    const claim = await claimedRange(database);
    const stop = new AbortController();
    const { signal } = stop;
    const renewing = (async () => {
      while (!signal.aborted) assert.ok(await renewRange(database, claim, LEASE_MS));
    })();
    const splitting = (async () => {
      for (let cut = 30; cut > 0 && !signal.aborted; cut--)
        await splitRange(database, claim, `z${cut + 10}`);
    })();
    let held: { until?: string | undefined; digest: Uint8Array } = claim;
    let settled = 0;
    for (let at = 0; at < 200; ) {
      const digest = digestOf((at % 250) + 1);
      const key = `a${String(at).padStart(3, '0')}`;
      const found = await settlePage(
        database,
        claim,
        held,
        page(key, { digest, enqueue: foundKeys(key) }),
      );
      assert.ok(found !== undefined);
      held = found.settled ? { until: found.until, digest } : found;
      if (!found.settled) continue;
      settled += 1;
      at += 1;
    }
    stop.abort();
    await Promise.all([renewing, splitting]);
    assert.equal(settled, 200);
    const scan = await findScan(database, claim.taskId, claim.scanId);
    assert.deepEqual([scan?.equal, scan?.enqueued], [200, 200]);
    const ends = (await rangesOf(database, claim.scanId)).map(({ after, until }) => [after, until]);
    assert.equal(ends[0]?.[1], held.until);
  });
});
