-- Scans: walks over both listings of a task, which find what no event has named.

create table scans (
  id uuid primary key,
  task_id uuid not null,
  kind text not null check (kind in ('backfill', 'reconcile', 'verify')),
  state text not null default 'waiting' check (state in ('waiting', 'running', 'complete', 'incomplete', 'canceled')),
  -- Stopped by a user, until it is started again. A scan that writes also waits while its task is stopped.
  held boolean not null default false,
  -- Why it is incomplete, for people.
  reason text,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz,
  -- SHA-256 over the digests of its ranges in the order of their keys, once it is complete.
  digest bytea
);
create index scans_of_task on scans (task_id, created_at desc, id);
create unique index scans_writing on scans (task_id)
  where kind in ('backfill', 'reconcile') and state in ('waiting', 'running');

-- The ranges of a scan together are the whole key space. No row for a key that is listed: a range holds how far it is
-- and its counters.
create table scan_ranges (
  scan_id uuid not null references scans on delete cascade,
  -- Keys above this one; empty at the beginning of the key space.
  after_key text collate "C" not null,
  -- Up to this one, included; null at the end of the key space.
  until_key text collate "C",
  -- All keys up to this one are settled.
  cursor_key text collate "C" not null,
  state text not null default 'open' check (state in ('open', 'done', 'failed')),
  claim_id bigint,
  lease_until timestamptz,
  due_at timestamptz not null default now(),
  -- Failures since the cursor moved last.
  attempts integer not null default 0,
  message text,
  pages bigint not null default 0,
  -- The pages that it had when it was split, or could not be: it is left alone until it has some more.
  pages_at_split bigint not null default 0,
  source_objects bigint not null default 0,
  source_bytes bigint not null default 0,
  target_objects bigint not null default 0,
  target_bytes bigint not null default 0,
  equal bigint not null default 0,
  different bigint not null default 0,
  missing bigint not null default 0,
  extra bigint not null default 0,
  enqueued bigint not null default 0,
  -- SHA-256 over the digest before and the entries of the last page, from page to page.
  digest bytea not null default '',
  primary key (scan_id, after_key)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index scan_ranges_due on scan_ranges (due_at) where state = 'open';

-- How often, in hours, a task is reconciled by itself; 0 is never. Processes of the version before leave it at that.
alter table sync_tasks add column reconcile_hours integer not null default 0;
