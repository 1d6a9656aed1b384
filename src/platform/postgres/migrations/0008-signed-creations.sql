-- An official SDK may send one signed creation twice: the second gets what the first created.
create table signed_creations (
  -- SHA-256 of the access key ID, the signature and the hash of the body.
  digest bytea primary key,
  -- What was created. No foreign key: it may be deleted meanwhile, and is not always a row of one table.
  created_id text not null,
  created_at timestamptz not null default now()
);

alter table audit
  -- Whether the call repeated an earlier one and changed nothing.
  add column repeated boolean not null default false;
