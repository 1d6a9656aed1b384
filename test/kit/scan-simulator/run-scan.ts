import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { ScanKind } from '../../../src/domain/scan/scan.ts';
import { Scanner } from '../../../src/domain/scan/scanner.ts';
import type { ScannerOptions } from '../../../src/domain/scan/scanner-options.ts';
import { findScan, insertScan, type ScanRecord } from '../../../src/domain/scan/scans-table.ts';
import { systemClock } from '../../../src/platform/base/clock.ts';
import { silentLog } from '../../../src/platform/base/log.ts';
import type { Database } from '../../../src/platform/postgres/db.ts';
import type { Store } from '../../../src/platform/stores/store.ts';
import { until } from '../until.ts';
import type { Sides } from './process.ts';
import { type ListingScript, scriptedListing } from './scripted-listing.ts';

/** A bucket with these keys, of which only listings are of interest. */
export function listingOf(keys: readonly string[], script: Partial<ListingScript> = {}): Store {
  const entries = keys.map((key) => ({
    ...{ key, size: 1, etag: '"e"', lastModified: 1_000, storageClass: undefined },
  }));
  return scriptedListing('memory:bucket', entries, { seed: 1, pageMax: 20, ...script });
}

/** Runs one scan of a task to its end; back-off takes no time. */
export async function runScan(
  db: Database,
  sides: Sides,
  {
    taskId,
    kind = 'verify',
    ...options
  }: { readonly taskId: string; readonly kind?: ScanKind } & Partial<ScannerOptions>,
): Promise<ScanRecord> {
  const id = randomUUID();
  assert.ok(await insertScan(db, { id, taskId, kind }));
  const scanner = new Scanner({
    sizes: { bufferBytes: 1, putBytes: 1, partBytes: 1 },
    database: db,
    open: () =>
      Promise.resolve({
        ...sides,
        policy: { overwriteMode: 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE' },
        [Symbol.dispose]: () => undefined,
      }),
    ...{ clock: systemClock, log: silentLog, concurrency: 2, leaseMs: 60_000, waitingMax: 1e9 },
    ...options,
  });
  scanner.start();
  const shown = async (): Promise<ScanRecord> =>
    (await findScan(db, taskId, id)) ?? assert.fail('there is no scan');
  await until('the scan has ended', async () => {
    await db.query(`update scan_ranges set due_at = now() where state = 'open'`);
    await db.query('update listing_reads set due_at = now()');
    scanner.wake();
    return (await shown()).endedAt !== undefined;
  });
  await until('nothing of it is kept', async () => {
    scanner.wake();
    return (await db.query('select 1 as kept from listing_reads')).rowCount === 0;
  });
  await scanner.stop();
  return await shown();
}
