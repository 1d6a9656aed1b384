-- Tasks may read their source through a CDN. Its key is sealed with the task's other credentials.

alter table sync_tasks
  add column source_cdn_domain text,
  add column source_cdn_protocol text,
  add column source_cdn_authentication text,
  add check (num_nulls(source_cdn_domain, source_cdn_protocol, source_cdn_authentication) in (0, 3));
