import type { Db } from '../../platform/postgres/db.ts';
import type { RangeCounts } from './ranges-table.ts';

/** What is proven of one range of a scan. */
export interface CertifiedRange extends RangeCounts {
  /** Keys above this one; empty at the beginning of the key space. */
  readonly after: string;
  /** Up to this one, included; undefined at the end of the key space. */
  readonly until?: string | undefined;
  readonly state: 'open' | 'done' | 'failed';
  /** Why it is not done, for people. */
  readonly message?: string | undefined;
  /** In hexadecimal; empty before the first page. */
  readonly digest: string;
}

/** All ranges of a scan, in the order of their keys. */
export async function certifiedRanges(db: Db, scanId: string): Promise<CertifiedRange[]> {
  const { rows } = await db.query<CertifiedRange>(
    `select after_key as after, until_key as until, state, message, encode(digest, 'hex') as digest, pages,
      source_objects as "sourceObjects", source_bytes as "sourceBytes",
      target_objects as "targetObjects", target_bytes as "targetBytes", equal, different, missing, extra,
      filtered
    from scan_ranges where scan_id = $1 order by after_key`,
    [scanId],
  );
  return rows;
}
