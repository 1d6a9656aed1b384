-- Who may call, and with what; what each may do; and what was done.

-- The name is what clients look a project up by: an OMS client asks for its region's name.
alter table projects
  add column name text unique,
  -- Quotas of this project; null: those of the settings.
  add column tasks_max integer check (tasks_max >= 0),
  add column event_keys_max integer check (event_keys_max > 0);

create table users (
  id text primary key,
  name text not null unique,
  -- scrypt with its parameters; null: no log-in by password.
  password_hash text,
  enabled boolean not null default true,
  created_at timestamptz not null default now()
);

create table groups (
  id text primary key,
  name text not null unique,
  created_at timestamptz not null default now()
);

create table group_members (
  group_id text not null references groups on delete cascade,
  user_id text not null references users on delete cascade,
  primary key (group_id, user_id)
);
create index group_members_of_user on group_members (user_id);

create table policies (
  name text primary key,
  document jsonb not null,
  created_at timestamptz not null default now()
);

-- A user or a group may do in a project what a policy says: one of the table, or a role of the system.
create table grants (
  id text primary key,
  user_id text references users on delete cascade,
  group_id text references groups on delete cascade,
  project_id text not null references projects,
  policy text not null,
  created_at timestamptz not null default now(),
  check (num_nonnulls(user_id, group_id) = 1),
  unique nulls not distinct (user_id, group_id, project_id, policy)
);
create index grants_of_group on grants (group_id);

create table access_keys (
  id text primary key,
  user_id text not null references users on delete cascade,
  -- AES-256-GCM, bound to the key's ID: a signature cannot be verified by a hash.
  sealed_secret bytea not null,
  sealing_key_id text not null,
  enabled boolean not null default true,
  created_at timestamptz not null default now()
);
create index access_keys_of_user on access_keys (user_id);

alter table tokens
  -- Null: the token of a first start, which may do everything.
  add column user_id text references users on delete cascade,
  add column expires_at timestamptz;
create index tokens_that_expire on tokens (expires_at) where expires_at is not null;

create table audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  -- No foreign keys: what was done stays true when its author is gone.
  project_id text,
  actor text not null,
  actor_kind text not null,
  address text not null,
  operation text not null,
  resource text,
  status integer not null,
  error_code text,
  request_id text not null,
  -- How many alike this row stands for: events are told once for some seconds.
  requests bigint not null default 1
);
create index audit_of_project on audit (project_id, id desc);

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'the audit is append-only';
end $$;
create trigger audit_stays before update or delete or truncate on audit
  for each statement execute function audit_is_append_only();
