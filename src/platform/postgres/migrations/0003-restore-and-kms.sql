alter table sync_tasks
  -- Whether the target encrypts by its key service.
  add column kms boolean not null default false,
  -- Whether archived sources are restored first.
  add column restore boolean not null default false;
-- The defaults were for the tasks that were there.
alter table sync_tasks alter column kms drop default, alter column restore drop default;

-- Since when the source is being restored; its claims until then count as no attempt.
alter table changes add column restoring_since timestamptz;
