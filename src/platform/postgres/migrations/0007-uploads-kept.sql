-- An upload outlives the failure of its object, so that a later attempt goes on with it; the maintenance
-- aborts what has not been used for some days.

alter table uploads
  -- When an attempt took it up, or finished a part of it.
  add column used_at timestamptz not null default now(),
  -- When it was given up: it is not taken up again, and waits to be aborted.
  add column abandoned_at timestamptz,
  -- SHA-256 of what it was started with beside the bytes; null where it was started by an earlier release.
  add column options_hash text;
