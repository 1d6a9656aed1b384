-- What every task has, whatever its kind, apart from what is a synchronization task's own: its status. The queue
-- and the copies read this view only. It is one table's rows, so it costs nothing and can be locked.

alter table sync_tasks add column kind text not null default 'sync';

create view tasks as
  select id, kind, project_id, status = 'SYNCHRONIZING' and deleted_at is null as running, deleted_at,
    revision, created_at, last_started_at, sealed_credentials, sealing_key_id,
    source_cloud, source_region, source_bucket, source_endpoint,
    source_cdn_domain, source_cdn_protocol, source_cdn_authentication,
    target_cloud, target_region, target_bucket, target_endpoint,
    description, metadata_migration, kms, restore, overwrite_mode, consistency_check, storage_policy, app_id
  from sync_tasks;
