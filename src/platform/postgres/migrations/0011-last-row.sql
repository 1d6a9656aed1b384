-- The last row of a key stays as long as its task. The maintenance clears its message and its attempts
-- only, so that what was copied last, and its evidence, remain.

alter table objects
  -- Whether the target may hold something else than what was copied last: a copy failed its check, or a
  -- late write may lie over it. Processes of the version before read and write this as an empty
  -- source_etag, which is written beside it until a later release.
  add column target_doubtful boolean not null default false;

-- contracts 0001: null once they are cleared; processes of the version before then list 0
alter table objects alter column attempts drop not null;
