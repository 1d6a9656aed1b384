-- Whether an attempt of this round has written the target's object, or may have, and could not settle that: what the
-- next attempt finds may be its copy.

alter table changes add column write_sent boolean not null default false;
