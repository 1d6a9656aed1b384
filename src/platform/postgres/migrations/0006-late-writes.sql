-- What the target held when a key was settled, what the copy's checksums prove, and the rechecks of
-- keys whose claim ended without a settlement: a write of such a claim may still reach the target.

alter table objects
  -- source_checksum, transport or size; null where nothing was copied, and for older records.
  add column proof text,
  -- The target's object as it was written, or found in place; null for older records.
  add column target_etag text,
  add column target_version text,
  -- By the target's clock; null where it does not report one.
  add column target_written_at timestamptz;

-- One row a key, kept until its last recheck is done. No foreign keys, as for changes.
create table rechecks (
  task_id uuid not null,
  object_key text collate "C" not null,
  -- The end of the lease that was lost last: the times of the rechecks count from here.
  lost_at timestamptz not null,
  due_at timestamptz not null,
  primary key (task_id, object_key)
);
-- An expression, for the reason given at changes_due.
create index rechecks_due on rechecks (uuid_send(task_id), due_at);
