-- outside a transaction
-- The rows that the maintenance has something to clear in, by their age. Most rows are of plain copies at
-- the first attempt, and are not in it.
drop index concurrently if exists objects_to_clear;
create index concurrently objects_to_clear on objects (settled_at) where message is not null or attempts > 1;
