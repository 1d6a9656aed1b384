-- Keys that a scan can neither keep nor have copied, such as one with a NUL: the scan is then incomplete.

alter table scan_ranges add column unreadable bigint not null default 0;
