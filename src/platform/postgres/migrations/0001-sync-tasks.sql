-- Projects, their tokens, their sync tasks, and the work, history and counters of these.

create table projects (
  id text primary key,
  created_at timestamptz not null default now()
);

create table tokens (
  -- SHA-256 of the token: a token has enough chance in it not to need a slow hash.
  hash bytea primary key,
  project_id text not null references projects,
  created_at timestamptz not null default now()
);

-- The key of all sealed credentials, by its ID: one row, from the first process that started here.
create table sealing_key (
  single boolean primary key default true check (single),
  id text not null
);

create table sync_tasks (
  id uuid primary key,
  project_id text not null references projects,
  status text not null check (status in ('SYNCHRONIZING', 'STOPPED')),
  -- Raised by every start: workers that hold opened buckets compare it.
  revision integer not null default 1,
  created_at timestamptz not null default now(),
  last_started_at timestamptz not null default now(),
  -- Set by a delete: hidden at once, its rows and uploads are cleared away behind it.
  deleted_at timestamptz,
  source_cloud text not null,
  source_region text not null,
  source_bucket text not null,
  source_endpoint text,
  target_cloud text not null,
  target_region text not null,
  target_bucket text not null,
  target_endpoint text,
  description text not null,
  metadata_migration boolean not null,
  overwrite_mode text not null,
  consistency_check text not null,
  storage_policy text,
  app_id text,
  -- AES-256-GCM, bound to the task's ID; the key's ID tells which key opens it.
  sealed_credentials bytea not null,
  sealing_key_id text not null
);
create index sync_tasks_of_project on sync_tasks (project_id, created_at desc, id);

-- Renewed by every event for a key, never started over: a settle removes only what it has seen.
create sequence generations;
-- The right to settle one claim, and no later one.
create sequence claim_ids;
-- Tells the processes apart that add to the same counters.
create sequence writers;

-- What waits to be looked at: one row a key, however many events named it. No foreign keys: they
-- would cost a look-up for every key; deleting a task clears its rows.
create table changes (
  task_id uuid not null,
  object_key text collate "C" not null,
  generation bigint not null,
  -- When the oldest unsettled event came: the lag counts from here.
  accepted_at timestamptz not null,
  due_at timestamptz not null,
  -- Claims so far in this round.
  attempt integer not null default 0,
  claim_id bigint,
  lease_until timestamptz,
  -- A claim that had lapsed ended since: its write may lie over the one that is on record.
  late_write boolean not null default false,
  -- Of the attempt that failed last in this round.
  reason text,
  message text,
  started_at timestamptz,
  primary key (task_id, object_key)
) with (
  -- Room on the page for a claim's new row version, so that no index needs to know of it.
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_threshold = -1
);
-- Not of task_id itself: what asks for keys of a task would then do with this index at times, by what
-- the planner believes of a task that it has not yet seen, and read all of the task's rows.
create index changes_due on changes (uuid_send(task_id), due_at);

-- How the last look at each key ended. History, not work.
create table objects (
  task_id uuid not null,
  object_key text collate "C" not null,
  outcome text not null,
  reason text,
  message text,
  size bigint,
  check_method text,
  check_passed boolean,
  check_detail text,
  -- The ETag that was copied last: a source with another one has changed, whatever its time says.
  source_etag text,
  attempts integer not null,
  accepted_at timestamptz not null,
  started_at timestamptz not null,
  settled_at timestamptz not null default now(),
  primary key (task_id, object_key)
);
create index objects_failed on objects (task_id, object_key) where outcome = 'failed';
create index objects_settled on objects using brin (settled_at);

-- Counters in buckets: 300 s wide at first, folded into hours and then months as they age.
create table statistics (
  task_id uuid not null,
  -- Seconds; 0 stands for a calendar month.
  width integer not null,
  starts_at timestamptz not null,
  writer integer not null,
  requests bigint not null default 0,
  successes bigint not null default 0,
  failures bigint not null default 0,
  skips bigint not null default 0,
  bytes bigint not null default 0,
  primary key (task_id, starts_at, width, writer)
);
create index statistics_age on statistics (width, starts_at);

-- Multipart uploads in progress. A row without an upload ID is an intention: the upload may exist.
create table uploads (
  task_id uuid not null,
  object_key text collate "C" not null,
  -- Tells an upload from the next one of the same key: who comes late changes nothing of that.
  id bigint generated always as identity,
  upload_id text,
  source_etag text not null,
  size bigint not null,
  part_size bigint not null,
  started_at timestamptz not null default now(),
  primary key (task_id, object_key)
);

-- Parts that were put and checked.
create table upload_parts (
  task_id uuid not null,
  object_key text collate "C" not null,
  number integer not null,
  etag text not null,
  md5 text,
  crc64 text,
  primary key (task_id, object_key, number)
);
