-- Listings of stores that list in another order than that of the keys' bytes: a scan reads such a listing whole, keeps
-- it here while it compares, and takes it in order. Neither table is logged: a crash of the server empties both, and the
-- listing is read again.

create unlogged table kept_listings (
  scan_id uuid not null,
  side text not null,
  object_key text collate "C" not null,
  size bigint not null,
  etag text not null,
  modified_at timestamptz not null,
  storage_class text,
  primary key (scan_id, side, object_key)
);

-- How far each is read.
create unlogged table listing_reads (
  scan_id uuid not null,
  side text not null,
  -- The store's own token to go on from; null at the beginning.
  next text,
  keys bigint not null default 0,
  complete boolean not null default false,
  claim_id bigint,
  lease_until timestamptz,
  due_at timestamptz not null default now(),
  -- Failures since the last page.
  attempts integer not null default 0,
  primary key (scan_id, side)
);

-- The sides that do not list in order, each seen so by a page of this scan, or when the task was checked.
-- Where the listing of each side goes on after a break: its last key that is settled, or, where a store goes on from its
-- own tokens only, the token of the page with the first key that is not. Null at the beginning of the range.
alter table scan_ranges add column source_next text, add column target_next text;

alter table scans add column source_unordered boolean not null default false,
  add column target_unordered boolean not null default false;
