-- outside a transaction
-- breaks 0029: programs that know no filters, prefixes or estimates would copy what they exclude, to other keys
-- Reports whose differences are being enqueued: workers look for them several times a second.

drop index concurrently if exists scans_enqueueing;
create index concurrently scans_enqueueing on scans (enqueueing_due_at) where enqueueing_state = 'running';
