import type { Fault } from '../../platform/model/fault.ts';
import type { Db } from '../../platform/postgres/db.ts';
import { indexedKey, keyOfIndexed } from '../../platform/postgres/long-keys.ts';
import type { Comparison } from './compare.ts';

/** What disproved that two objects are equal; of one that is unreadable, how that failed. */
export type DifferenceReason = 'size' | 'time' | 'checksum' | 'bytes' | Fault;

/** A key that a verification found to differ. What a side lacks is absent. Times are milliseconds since the Unix epoch. */
export interface Difference {
  readonly key: string;
  readonly comparison: Exclude<Comparison, 'equal'> | 'unreadable';
  readonly reason?: DifferenceReason | undefined;
  readonly sourceSize?: number | undefined;
  readonly sourceEtag?: string | undefined;
  readonly sourceModifiedAt?: number | undefined;
  readonly targetSize?: number | undefined;
  readonly targetEtag?: string | undefined;
  readonly targetModifiedAt?: number | undefined;
  /** Where checksums were compared: their kind and value. */
  readonly sourceChecksum?: string | undefined;
  readonly targetChecksum?: string | undefined;
  /** For people: why an object is unreadable. */
  readonly message?: string | undefined;
}

/** Rows of one report; further differences are only counted. */
export const DIFFERENCES_MAX = 1_000_000;

const REPORTED = `
  select sum((tally->>'reported')::int8)::int8 as count from scan_ranges where scan_id = $1`;

const INSERT = `
  insert into scan_differences (scan_id, object_key, comparison, source_size, source_etag, source_modified_at,
    target_size, target_etag, target_modified_at, reason, source_checksum, target_checksum, message)
  select $1, key, comparison, "sourceSize", "sourceEtag", to_timestamp("sourceModifiedAt" / 1000),
    "targetSize", "targetEtag", to_timestamp("targetModifiedAt" / 1000), reason, "sourceChecksum", "targetChecksum", message
  from json_to_recordset($2) as r(key text, comparison text, "sourceSize" int8, "sourceEtag" text,
    "sourceModifiedAt" float8, "targetSize" int8, "targetEtag" text, "targetModifiedAt" float8, reason text,
    "sourceChecksum" text, "targetChecksum" text, message text)
  order by key collate "C"
  limit greatest($3 - coalesce((${REPORTED}), 0), 0)
  on conflict (scan_id, object_key) do nothing`;

/** Pages of other ranges in progress could together add so many rows. */
const NEARLY_FULL = 100_000;

/**
 * Keeps what a page of a verification found, as far as the report has room. Settlements wait for each other once it
 * is nearly full: each counts what the others have added.
 *
 * @returns How many rows the report got.
 */
export async function insertDifferences(
  db: Db,
  scanId: string,
  differences: readonly Difference[],
  rowsMax: number = DIFFERENCES_MAX,
): Promise<number> {
  if (differences.length === 0) return 0;
  const { rows } = await db.query<{ count?: number }>(REPORTED, [scanId]);
  if ((rows[0]?.count ?? 0) > rowsMax - NEARLY_FULL) {
    await db.query(`select pg_advisory_xact_lock(hashtextextended($1, 0))`, [scanId]);
  }
  const indexed = differences.map((each) => ({ ...each, key: indexedKey(each.key) }));
  const { rowCount } = await db.query(INSERT, [scanId, JSON.stringify(indexed), rowsMax]);
  return rowCount;
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
      target_modified_at as "targetModifiedAt", reason, source_checksum as "sourceChecksum",
      target_checksum as "targetChecksum", message
    from scan_differences where scan_id = $1 and object_key > $2 order by object_key limit $3`,
    [scanId, indexedKey(after), limit],
  );
  return rows.map((row) => ({ ...row, key: keyOfIndexed(row.key) }));
}
