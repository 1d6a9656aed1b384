-- outside a transaction
-- Scans that have not ended: workers look for them several times a second, and those that have ended stay for long.

drop index concurrently if exists scans_open;
create index concurrently scans_open on scans (id) where state in ('waiting', 'running');
