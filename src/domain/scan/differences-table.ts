import type { Db } from '../../platform/postgres/db.ts';
import { indexedKey, keyOfIndexed } from '../../platform/postgres/long-keys.ts';
import { enqueueing, waking } from '../queue/enqueue.ts';
import type { Comparison } from './compare.ts';

/** A key that a verification found to differ. What a side lacks is absent. Times are milliseconds since the Unix epoch. */
export interface Difference {
  readonly key: string;
  readonly comparison: Exclude<Comparison, 'equal'>;
  readonly sourceSize?: number | undefined;
  readonly sourceEtag?: string | undefined;
  readonly sourceModifiedAt?: number | undefined;
  readonly targetSize?: number | undefined;
  readonly targetEtag?: string | undefined;
  readonly targetModifiedAt?: number | undefined;
}

/** Rows of one report; further differences are only counted. */
export const DIFFERENCES_MAX = 1_000_000;

const INSERT = `
  insert into scan_differences (scan_id, object_key, comparison, source_size, source_etag, source_modified_at,
    target_size, target_etag, target_modified_at)
  select $1, key, comparison, "sourceSize", "sourceEtag", to_timestamp("sourceModifiedAt" / 1000),
    "targetSize", "targetEtag", to_timestamp("targetModifiedAt" / 1000)
  from json_to_recordset($2) as r(key text, comparison text, "sourceSize" int8, "sourceEtag" text,
    "sourceModifiedAt" float8, "targetSize" int8, "targetEtag" text, "targetModifiedAt" float8)
  where (select sum(different + missing + extra) from scan_ranges where scan_id = $1) < ${DIFFERENCES_MAX}
  on conflict (scan_id, object_key) do nothing`;

/** Keeps what a page of a verification found, unless the report is full. */
export async function insertDifferences(
  db: Db,
  scanId: string,
  differences: readonly Difference[],
): Promise<void> {
  if (differences.length === 0) return;
  const rows = differences.map((each) => ({ ...each, key: indexedKey(each.key) }));
  await db.query(INSERT, [scanId, JSON.stringify(rows)]);
}

/** A page of a report, in the order of the keys. Served by the primary key. */
export async function listDifferences(
  db: Db,
  scanId: string,
  { after = '', limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<Difference[]> {
  const { rows } = await db.query<Difference>(
    `select object_key as key, comparison, source_size as "sourceSize", source_etag as "sourceEtag",
      source_modified_at as "sourceModifiedAt", target_size as "targetSize", target_etag as "targetEtag",
      target_modified_at as "targetModifiedAt"
    from scan_differences where scan_id = $1 and object_key > $2 order by object_key limit $3`,
    [scanId, indexedKey(after), limit],
  );
  return rows.map((row) => ({ ...row, key: keyOfIndexed(row.key) }));
}

const ENQUEUE = `
  with page as materialized (
    select object_key, comparison from scan_differences
    where scan_id = $1 and object_key > $3 and exists (select from tasks where id = $2 and running)
    order by object_key limit $4
  ), enqueued as (
    ${enqueueing('scan', `select $2::uuid as task_id, object_key from page where comparison <> 'extra'`)}
  ), notified as (
    ${waking('enqueued')}
  )
  select (select count(*) from enqueued)::int as count, max(object_key) as "lastKey"
  from page left join notified on true`;

/**
 * Makes a batch of a report's keys due; those that only the target has stay as they are.
 *
 * @returns How many, and the last key that was looked at; without one the report has no more.
 */
export async function enqueueDifferences(
  db: Db,
  scan: { readonly scanId: string; readonly taskId: string },
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<{ readonly count: number; readonly lastKey?: string | undefined }> {
  const { rows } = await db.query<{ count: number; lastKey?: string }>(ENQUEUE, [
    ...[scan.scanId, scan.taskId, after, limit],
  ]);
  return rows[0] ?? { count: 0 };
}
