-- What a verification found to differ: at most a million rows for a scan. Other scans enqueue what they find.

create table scan_differences (
  scan_id uuid not null references scans on delete cascade,
  object_key text collate "C" not null,
  comparison text not null,
  source_size bigint,
  source_etag text,
  source_modified_at timestamptz,
  target_size bigint,
  target_etag text,
  target_modified_at timestamptz,
  primary key (scan_id, object_key)
);
