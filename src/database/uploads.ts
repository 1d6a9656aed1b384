import type { Db } from './db.ts';

export interface UploadRow {
  /** Null for an intention: whether the upload was opened is not known. */
  readonly uploadId: string | null;
  readonly sourceEtag: string;
  readonly size: number;
  readonly partSize: number;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

export interface PartRow {
  readonly number: number;
  readonly etag: string;
  readonly md5: string | null;
  readonly crc64: string | null;
}

/** Where an upload's row is found: at most one upload of a key is in progress. */
export interface UploadOf {
  readonly taskId: string;
  readonly key: string;
}

export async function findUpload(
  db: Db,
  { taskId, key }: UploadOf,
): Promise<{ readonly upload: UploadRow; readonly parts: readonly PartRow[] } | undefined> {
  const { rows } = await db.query<UploadRow>(
    `select upload_id as "uploadId", source_etag as "sourceEtag", size::float8 as size,
      part_size::float8 as "partSize", (extract(epoch from started_at) * 1000)::float8 as "startedAt"
    from uploads where task_id = $1 and object_key = $2`,
    [taskId, key],
  );
  const upload = rows[0];
  if (upload === undefined) return undefined;
  const parts = await db.query<PartRow>(
    `select number, etag, md5, crc64 from upload_parts where task_id = $1 and object_key = $2 order by number`,
    [taskId, key],
  );
  return { upload, parts: parts.rows };
}

/** Writes down that an upload is about to be opened. */
export async function insertUpload(
  db: Db,
  { taskId, key }: UploadOf,
  upload: { readonly sourceEtag: string; readonly size: number; readonly partSize: number },
): Promise<void> {
  await db.query(
    `insert into uploads (task_id, object_key, source_etag, size, part_size) values ($1, $2, $3, $4, $5)
    on conflict (task_id, object_key) do update set upload_id = null, source_etag = excluded.source_etag,
      size = excluded.size, part_size = excluded.part_size, started_at = now()`,
    [taskId, key, upload.sourceEtag, upload.size, upload.partSize],
  );
}

export async function setUploadId(
  db: Db,
  { taskId, key }: UploadOf,
  uploadId: string,
): Promise<void> {
  await db.query(`update uploads set upload_id = $3 where task_id = $1 and object_key = $2`, [
    taskId,
    key,
    uploadId,
  ]);
}

/** Writes down that a part was put and checked. */
export async function insertPart(db: Db, { taskId, key }: UploadOf, part: PartRow): Promise<void> {
  await db.query(
    `insert into upload_parts (task_id, object_key, number, etag, md5, crc64) values ($1, $2, $3, $4, $5, $6)
    on conflict (task_id, object_key, number) do update
    set etag = excluded.etag, md5 = excluded.md5, crc64 = excluded.crc64`,
    [taskId, key, part.number, part.etag, part.md5, part.crc64],
  );
}

/** Forgets an upload that was completed or aborted. */
export async function removeUpload(db: Db, { taskId, key }: UploadOf): Promise<void> {
  await db.query(
    `with parts as (delete from upload_parts where task_id = $1 and object_key = $2)
    delete from uploads where task_id = $1 and object_key = $2`,
    [taskId, key],
  );
}

/**
 * Uploads that nobody will finish: nothing waits for their key any more, or their task is being
 * deleted. Those of a stopped task, and of a change that waits, go on some day. They come in no
 * order: some that cannot be aborted do not stand in the way of the others for ever.
 */
export async function abandonedUploads(
  db: Db,
  limit: number,
): Promise<(UploadOf & { readonly uploadId: string | null; readonly startedAt: number })[]> {
  const { rows } = await db.query<
    UploadOf & { readonly uploadId: string | null; readonly startedAt: number }
  >(
    `select uploads.task_id as "taskId", uploads.object_key as key, upload_id as "uploadId",
      (extract(epoch from uploads.started_at) * 1000)::float8 as "startedAt"
    from uploads
    left join changes on changes.task_id = uploads.task_id and changes.object_key = uploads.object_key
    left join sync_tasks on sync_tasks.id = uploads.task_id
    where changes.task_id is null
      or (sync_tasks.deleted_at is not null and (changes.lease_until is null or changes.lease_until < now()))
    order by random()
    limit $1`,
    [limit],
  );
  return rows;
}

/** Whether a task has uploads that are neither completed nor aborted. */
export async function hasUploads(db: Db, taskId: string): Promise<boolean> {
  const { rows } = await db.query<{ any: boolean }>(
    `select exists (select from uploads where task_id = $1) as any`,
    [taskId],
  );
  return rows[0]?.any ?? false;
}
