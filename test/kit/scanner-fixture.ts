import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { systemClock } from '../../src/platform/base/clock.ts';
import { silentLog } from '../../src/platform/base/log.ts';
import type { Database } from '../../src/platform/postgres/db.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import type { ScanKind } from '../../src/domain/scan/scan.ts';
import { Scanner } from '../../src/domain/scan/scanner.ts';
import type { ScannerOptions } from '../../src/domain/scan/scanner-options.ts';
import { findScan, insertScan, type ScanRecord } from '../../src/domain/scan/scans-table.ts';
import { type MemoryOptions, MemoryStore } from './memory-store.ts';
import { until } from './until.ts';

const never = new AbortController().signal;

export interface Sides {
  readonly source: Store;
  readonly target: Store;
}

/** @param sides Of all tasks, or by the task. */
export function scannerOf(
  database: Database,
  sides: Sides | ((taskId: string) => Sides),
  {
    waitingMax = 1e9,
    concurrency = 3,
    clock = systemClock,
    ...options
  }: Partial<ScannerOptions> = {},
): Scanner {
  return new Scanner({
    sizes: { bufferBytes: 1, putBytes: 1, partBytes: 1 },
    ...options,
    database,
    open: async (taskId) => ({
      ...(typeof sides === 'function' ? sides(taskId) : sides),
      policy: { overwriteMode: 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE' },
      [Symbol.dispose]: () => undefined,
    }),
    clock,
    log: silentLog,
    concurrency,
    leaseMs: 10_000,
    waitingMax,
  });
}

export async function storeOf(
  keys: Iterable<string>,
  options?: MemoryOptions,
): Promise<MemoryStore> {
  const store = new MemoryStore(options);
  for (const key of keys)
    await store.put(key, { content: Buffer.from(key), size: Buffer.byteLength(key) }, {}, never);
  return store;
}

export async function addScan(
  db: Database,
  taskId: string,
  kind: ScanKind = 'backfill',
): Promise<string> {
  const id = randomUUID();
  assert.ok(await insertScan(db, { id, taskId, kind }));
  return id;
}

export async function shown(db: Database, taskId: string, scanId: string): Promise<ScanRecord> {
  const scan = await findScan(db, taskId, scanId);
  assert.ok(scan !== undefined);
  return scan;
}

/** The scan once it has ended, or has come to a state. */
export async function scanOnce(
  db: Database,
  taskId: string,
  scanId: string,
  is = (scan: ScanRecord): boolean => scan.endedAt !== undefined,
): Promise<ScanRecord> {
  await until('the scan has come so far', async () => is(await shown(db, taskId, scanId)), 60);
  return await shown(db, taskId, scanId);
}

export async function waiting(db: Database): Promise<string[]> {
  const { rows } = await db.query<{ key: string }>(
    `select object_key as key from changes order by object_key`,
  );
  return rows.map(({ key }) => key);
}

/** Resolves when a range has failed for now, and makes it due again. */
export async function failedOnce(db: Database): Promise<void> {
  const isTried = async (): Promise<boolean> => {
    const { rows } = await db.query<{ message?: string }>('select message from scan_ranges');
    return rows[0]?.message !== undefined;
  };
  await until('a listing has failed', isTried, 60);
  await db.query('update scan_ranges set due_at = now()');
}

/** A scan from its beginning to its end. */
export async function scanned(
  db: Database,
  sides: Sides,
  scan: { readonly taskId: string; readonly kind: ScanKind },
  options: Partial<ScannerOptions> = {},
): Promise<ScanRecord> {
  const scanId = await addScan(db, scan.taskId, scan.kind);
  const scanner = scannerOf(db, sides, options);
  scanner.start();
  const ended = await scanOnce(db, scan.taskId, scanId);
  await scanner.stop();
  return ended;
}
