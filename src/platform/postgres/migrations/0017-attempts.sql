-- Failed attempts with a key at an address, and log-ins of an address: all processes count them together. Not
-- logged: a crash of the server forgets counts of some minutes, and no attempt costs a sync.
create unlogged table attempts (
  -- SHA-256 of what is counted.
  digest bytea primary key,
  count int not null,
  until timestamptz not null
);

-- Signatures of calls that must not be carried out twice, as long as a signature may be valid.
create table used_signatures (
  -- As in signed_creations.
  digest bytea primary key,
  used_at timestamptz not null default now()
);
