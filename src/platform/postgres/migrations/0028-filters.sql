-- Which objects a task is about, how their keys change, and which of them are copied. Null: all, and not at all.

-- As queries do: the view first, then its table.
lock table tasks in access exclusive mode;

alter table sync_tasks add column key_filters jsonb, add column source_prefix text, add column target_prefix text,
  add column copy_filters jsonb, add column missing_source text not null default 'fail';

create or replace view tasks as
  select id, kind, project_id, status = 'SYNCHRONIZING' and deleted_at is null as running, deleted_at,
    revision, created_at, last_started_at, sealed_credentials, sealing_key_id,
    source_cloud, source_region, source_bucket, source_endpoint,
    source_cdn_domain, source_cdn_protocol, source_cdn_authentication,
    target_cloud, target_region, target_bucket, target_endpoint,
    description, metadata_migration, kms, restore, overwrite_mode, consistency_check, storage_policy, app_id,
    behaviour, key_filters, source_prefix, target_prefix, copy_filters, missing_source
  from sync_tasks;

-- Objects that a copy filter excludes.
alter table scan_ranges add column filtered bigint not null default 0;
