-- How the stores of a task were seen to behave when it was checked last: src/platform/model/behaviour.ts. Null where
-- they were not probed.

-- As queries do: the view first, then its table.
lock table tasks in access exclusive mode;

alter table sync_tasks add column behaviour jsonb;

create or replace view tasks as
  select id, kind, project_id, status = 'SYNCHRONIZING' and deleted_at is null as running, deleted_at,
    revision, created_at, last_started_at, sealed_credentials, sealing_key_id,
    source_cloud, source_region, source_bucket, source_endpoint,
    source_cdn_domain, source_cdn_protocol, source_cdn_authentication,
    target_cloud, target_region, target_bucket, target_endpoint,
    description, metadata_migration, kms, restore, overwrite_mode, consistency_check, storage_policy, app_id,
    behaviour
  from sync_tasks;
