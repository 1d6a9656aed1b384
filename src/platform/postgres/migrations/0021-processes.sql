-- The processes at work on the database. Each says so again every few seconds: src/domain/fleet/registration.ts.
create table processes (
  id uuid primary key,
  roles text[] not null,
  version text not null,
  -- How many migrations it knows.
  schema_version int not null,
  host text not null,
  pid int not null,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now()
);

-- Processes that know fewer migrations than this do not work after the migration; null: it breaks none.
alter table schema_migrations add column if not exists oldest int;
