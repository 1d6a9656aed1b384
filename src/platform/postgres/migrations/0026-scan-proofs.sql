-- Of a range: further counters, by their names in src/domain/scan/tally.ts. Scans that write have none.
alter table scan_ranges add column tally jsonb;
-- What disproved that a key is equal, the checksums that were compared, and why an object could not be read.
alter table scan_differences
  add column reason text,
  add column source_checksum text,
  add column target_checksum text,
  add column message text;
alter table scans
  -- What was chosen at its start: src/domain/scan/scan.ts.
  add column options jsonb,
  -- The enqueueing of a report: 'running' or 'done'; null where nobody has asked for it. Differences up to the key are enqueued.
  add column enqueueing_state text,
  add column enqueueing_key text collate "C" not null default '',
  add column enqueueing_count bigint not null default 0,
  add column enqueueing_due_at timestamptz;
