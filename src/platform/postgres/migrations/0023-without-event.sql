-- What a reconcile found that no event had named, and when the source says that the oldest of these was modified.

alter table scan_ranges add column without_event bigint not null default 0, add column oldest_without_event timestamptz;

-- How many attempts a round may take; null: as many as the setting says. A reconcile tries what failed for good once. The
-- version before takes all of them.
alter table changes add column attempts_max int;
