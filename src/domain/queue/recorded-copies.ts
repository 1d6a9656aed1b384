import type { Db } from '../../platform/postgres/db.ts';
import { indexedKey, keyOfIndexed } from '../../platform/postgres/long-keys.ts';

/** Both ends of a copy, as they were when it was settled. */
export interface RecordedCopy {
  readonly key: string;
  readonly sourceEtag: string;
  readonly targetEtag: string;
}

/**
 * The last copies of some keys whose bytes a checksum has proven. A key whose last round did not copy it has none: its
 * record may name an object of another writer. Served by the primary key.
 */
export async function recordedCopies(
  db: Db,
  taskId: string,
  keys: readonly string[],
): Promise<Map<string, RecordedCopy>> {
  // A key that the database cannot hold was never copied.
  const possible = keys.filter((key) => !key.includes('\0'));
  if (possible.length === 0) return new Map();
  const { rows } = await db.query<RecordedCopy>(
    `select object_key as key, coalesce(source_etag, '') as "sourceEtag", coalesce(target_etag, '') as "targetEtag"
    from objects
    where task_id = $1 and object_key = any($2::text[]) and outcome = 'copied'
      and proof in ('source_checksum', 'transport') and not target_doubtful
      and source_etag is not null and target_etag is not null`,
    [taskId, possible.map(indexedKey)],
  );
  const copies = rows.map((row) => ({ ...row, key: keyOfIndexed(row.key) }));
  return new Map(copies.map((copy) => [copy.key, copy]));
}
