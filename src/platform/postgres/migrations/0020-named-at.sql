-- When an event named the key last: a source may show an object a moment after its event. Null where none has; the
-- version before writes none, and then the time of acceptance is used.

alter table changes add column named_at timestamptz;
