-- Why a key waits, and which lane it waits in. What the version before inserts are events.

alter table changes
  -- Changes of a lower lane are claimed first: 0 what users and late writes ask for, 1 what a scan found.
  add column lane smallint not null default 0,
  -- event, retry, recheck, late_write or scan: of the last request that did not come in a worse lane.
  add column origin text not null default 'event';
