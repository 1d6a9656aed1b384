-- What the check of readiness writes and removes again at each turn. A page takes one row at most, so that
-- each turn needs a new page and finds a full disk, and vacuum gives the pages back after some twenty turns.
create table write_checks (
  padding text not null
) with (fillfactor = 10, autovacuum_vacuum_threshold = 20, autovacuum_vacuum_scale_factor = 0);
