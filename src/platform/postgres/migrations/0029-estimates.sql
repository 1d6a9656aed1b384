-- contracts 0015: scans of the kind estimate. No release knows the table.
alter table scans drop constraint scans_kind_check;
alter table scans add constraint scans_kind check (kind in ('backfill', 'reconcile', 'verify', 'estimate')) not valid;
