-- outside a transaction: what is due is claimed by lane.
drop index concurrently if exists changes_due_by_lane;
-- An expression, for the reason given at changes_due, which this index replaces.
create index concurrently changes_due_by_lane on changes (uuid_send(task_id), lane, due_at);
-- Processes of the version before find what is due more slowly until they end; both indexes would cost every event.
drop index concurrently if exists changes_due;
