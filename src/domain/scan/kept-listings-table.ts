import type { ObjectEntry } from '../../platform/model/object.ts';
import { type Db, prepared } from '../../platform/postgres/db.ts';
import { MAY_WORK } from './may-work.ts';
import { unreadableText } from './unreadable.ts';

/** One of both buckets of a scan. */
export type Side = 'source' | 'target';

/** The right to read a listing. */
export interface ListingClaim {
  readonly scanId: string;
  readonly taskId: string;
  readonly side: Side;
  /** Of the task: a start since then raises it. */
  readonly revision: number;
  readonly claimId: string;
  readonly attempts: number;
  /** Where the reading continues; undefined at the beginning. */
  readonly next?: string | undefined;
  readonly keys: number;
}

/** Keys of one side that are kept at most: about 3 GB of the database. */
export const KEPT_KEYS_MAX = 10_000_000;

/**
 * Has one side of a scan kept from now on. What was compared before cannot be trusted: the scan begins again, with one
 * range and without counters; what it has enqueued stays.
 *
 * @returns Whether that is news.
 */
export async function setUnordered(db: Db, scanId: string, side: Side): Promise<boolean> {
  // In the order in which pages lock: the ranges first.
  await db.query('select 1 as locked from scan_ranges where scan_id = $1 for update', [scanId]);
  const { rowCount } = await db.query(
    `update scans set source_unordered = source_unordered or $2 = 'source',
      target_unordered = target_unordered or $2 = 'target'
    where id = $1 and state in ('waiting', 'running')
      and not case when $2 = 'source' then source_unordered else target_unordered end`,
    [scanId, side],
  );
  if (rowCount === 0) return false;
  await db.query('delete from scan_ranges where scan_id = $1', [scanId]);
  await db.query('delete from scan_differences where scan_id = $1', [scanId]);
  await db.query(`insert into scan_ranges (scan_id, after_key, cursor_key) values ($1, '', '')`, [
    scanId,
  ]);
  await db.query(`select pg_notify('scans', '')`);
  return true;
}

/** Listings that nobody reads and that are due, with their scans and tasks; more conditions may follow. */
export const DUE_LISTINGS = `scans join tasks on tasks.id = scans.task_id
    join (values ('source'), ('target')) as sides (side)
      on case when sides.side = 'source' then scans.source_unordered else scans.target_unordered end
    where ${MAY_WORK}
      and not exists (
        select from listing_reads as reads where reads.scan_id = scans.id and reads.side = sides.side
          and (reads.complete or reads.lease_until > now() or reads.due_at > now())
      )`;

const CLAIM = `
  with wanted as materialized (
    select scans.id, sides.side, scans.task_id, tasks.revision
    from ${DUE_LISTINGS}
    order by scans.created_at, sides.side
    limit 1
  ), begun as (
    update scans set state = 'running', started_at = coalesce(started_at, now())
    where id in (select id from wanted) and state = 'waiting'
  ), ended as (
    -- A walk in the listing that a crash has emptied must not settle what it saw.
    update scan_ranges set claim_id = null, lease_until = null
    where scan_id in (select id from wanted) and claim_id is not null
  )
  insert into listing_reads as reads (scan_id, side, claim_id, lease_until, attempts)
  select id, side, nextval('claim_ids'), now() + $1 * interval '1 millisecond', 1 from wanted
  on conflict (scan_id, side) do update set claim_id = excluded.claim_id, lease_until = excluded.lease_until,
    attempts = reads.attempts + 1
    where not reads.complete and (reads.lease_until is null or reads.lease_until <= now()) and reads.due_at <= now()
  returning reads.scan_id as "scanId", reads.side, (select task_id from wanted) as "taskId",
    (select revision from wanted) as revision, reads.claim_id::text as "claimId", reads.attempts, reads.next, reads.keys`;

/** Claims a listing that is to be kept and is not read whole yet. */
export async function claimListing(db: Db, leaseMs: number): Promise<ListingClaim | undefined> {
  const { rows } = await db.query<ListingClaim>(CLAIM, [leaseMs]);
  return rows[0];
}

const KEEP = prepared(`
  with held as materialized (
    select scan_id, side from listing_reads where scan_id = $1 and side = $2 and claim_id = $3 for update
  ), kept as (
    insert into kept_listings (scan_id, side, object_key, size, etag, modified_at, storage_class)
    select held.scan_id, held.side, r.key, r.size, r.etag,
      to_timestamp(r."lastModified" / 1000), r."storageClass"
    from held, json_to_recordset($4) as r(key text, size int8, etag text, "lastModified" float8, "storageClass" text)
    on conflict (scan_id, side, object_key) do nothing
    returning 1
  ), unreadable as (
    -- The first range is always there.
    update scan_ranges set unreadable = unreadable + $7, message = coalesce(message, $9)
    where $7 > 0 and after_key = '' and scan_id in (select scan_id from held)
  )
  update listing_reads as reads set next = $5, complete = $6, keys = keys + (select count(*) from kept),
    attempts = 1, lease_until = case when $6 then null else now() + $8 * interval '1 millisecond' end,
    claim_id = case when $6 then null else claim_id end
  from held where reads.scan_id = held.scan_id and reads.side = held.side
  returning reads.keys`);

export interface KeptPage {
  readonly entries: readonly ObjectEntry[];
  readonly next: string | undefined;
  /** Keys that the database does not take. */
  readonly unreadable: readonly string[];
}

/** Keeps a page. @returns How many keys there are now; undefined where the claim has been lost. */
export async function keepPage(
  db: Db,
  { scanId, side, claimId }: ListingClaim,
  { entries, next, unreadable }: KeptPage,
  leaseMs: number,
): Promise<number | undefined> {
  const { rows } = await db.query<{ keys: number }>(KEEP, [
    ...[scanId, side, claimId, JSON.stringify(entries), next ?? null, next === undefined],
    ...[unreadable.length, leaseMs, unreadableText(unreadable)],
  ]);
  return rows[0]?.keys;
}

/** Releases a listing: another reader continues `delayMs` from now, from the beginning if `again` is set. */
export async function releaseListing(
  db: Db,
  { scanId, side, claimId }: ListingClaim,
  { delayMs, again = false }: { readonly delayMs: number; readonly again?: boolean },
): Promise<void> {
  await db.query(
    `update listing_reads set claim_id = null, lease_until = null, due_at = now() + $4 * interval '1 millisecond',
      next = case when $5 then null else next end
    where scan_id = $1 and side = $2 and claim_id = $3`,
    [scanId, side, claimId, delayMs, again],
  );
}

/** Ends every claim of a listing, for a process that knows itself to be the only one. */
export async function releaseListings(db: Db): Promise<void> {
  await db.query(
    'update listing_reads set claim_id = null, lease_until = null where claim_id is not null',
  );
}

/** A page of what is kept, in the order of the keys' bytes. Served by the primary key. */
export async function keptPage(
  db: Db,
  { scanId, side }: { readonly scanId: string; readonly side: Side },
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<ObjectEntry[]> {
  const { rows } = await db.query<{
    readonly key: string;
    readonly size: number;
    readonly etag: string;
    readonly lastModified: number;
    readonly storageClass?: string;
  }>(
    `select object_key as key, size, etag, modified_at as "lastModified", storage_class as "storageClass"
    from kept_listings where scan_id = $1 and side = $2 and object_key > $3 order by object_key limit $4`,
    [scanId, side, after, limit],
  );
  return rows.map((row) => ({ storageClass: undefined, ...row }));
}

const REMOVE = `
  with over as materialized (
    select scan_id, side from listing_reads as reads
    where not exists (select from scans where scans.id = reads.scan_id and scans.state in ('waiting', 'running'))
    limit 1 for update skip locked
  ), removed as (
    delete from kept_listings where (scan_id, side, object_key) in (
      select kept.scan_id, kept.side, kept.object_key from kept_listings as kept
      join over on over.scan_id = kept.scan_id and over.side = kept.side limit $1
    )
    returning 1
  ), emptied as (
    delete from listing_reads as reads using over
    where reads.scan_id = over.scan_id and reads.side = over.side and (select count(*) from removed) < $1
  )
  select count(*)::int as count from over`;

/** Removes about `limit` rows of a listing whose scan has ended. @returns Whether there may be more. */
export async function removeKept(db: Db, limit: number): Promise<boolean> {
  const { rows } = await db.query<{ count: number }>(REMOVE, [limit]);
  return (rows[0]?.count ?? 0) > 0;
}
