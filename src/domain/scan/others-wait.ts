import type { Db } from '../../platform/postgres/db.ts';
import { DUE_LISTINGS } from './kept-listings-table.ts';
import { DUE_RANGES } from './ranges-table.ts';

/** Whether a scan other than this one has a range or a listing that is due and that no process works on. */
export async function othersWait(db: Db, scanId: string): Promise<boolean> {
  const { rows } = await db.query<{ wait: boolean }>(
    `select exists (select from ${DUE_RANGES} and scans.id <> $1)
      or exists (select from ${DUE_LISTINGS} and scans.id <> $1) as wait`,
    [scanId],
  );
  return rows[0]?.wait === true;
}
