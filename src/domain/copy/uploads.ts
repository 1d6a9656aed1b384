import type { Db } from '../../platform/postgres/db.ts';

const THIS_UPLOAD = `task_id = $1 and object_key = $2 and id = $3`;

export interface UploadRow {
  readonly id: string;
  /** Absent for an intention: whether the upload was opened is not known. */
  readonly uploadId?: string | undefined;
  readonly sourceEtag: string;
  readonly size: number;
  readonly partSize: number;
  /** Absent where the upload was started by a release that did not record it. */
  readonly optionsHash?: string | undefined;
  readonly abandoned: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

export interface PartRow {
  readonly number: number;
  readonly etag: string;
  readonly md5?: string | undefined;
  readonly crc64?: string | undefined;
  readonly crc64nvme?: string | undefined;
}

/** At most one upload of a key is in progress. */
export interface UploadKey {
  readonly taskId: string;
  /** As in the index: `keyOfIndexed` gives the name of the object. */
  readonly key: string;
}

/** One upload, and not the next of the same key: what names it does nothing once it has ended. */
export interface UploadOf extends UploadKey {
  readonly id: string;
}

/**
 * The upload of a key, for an attempt that continues or drops it. From here on it counts as used:
 * a maintenance that would abandon it at the same moment finds that it is not idle, or this attempt
 * finds it abandoned.
 */
export async function takeUpUpload(
  db: Db,
  { taskId, key }: UploadKey,
): Promise<{ readonly upload: UploadRow; readonly parts: readonly PartRow[] } | undefined> {
  const { rows } = await db.query<UploadRow>(
    `update uploads set used_at = now() where task_id = $1 and object_key = $2
    returning id::text, upload_id as "uploadId", source_etag as "sourceEtag", size,
      part_size as "partSize", options_hash as "optionsHash",
      abandoned_at is not null as abandoned, uploads.started_at as "startedAt"`,
    [taskId, key],
  );
  const upload = rows[0];
  if (upload === undefined) return undefined;
  const parts = await db.query<PartRow>(
    `select number, etag, md5, crc64, crc64nvme from upload_parts where task_id = $1 and object_key = $2 order by number`,
    [taskId, key],
  );
  return { upload, parts: parts.rows };
}

/** Writes down that an upload is about to be opened, in place of any other. @returns Its ID here. */
export async function insertUpload(
  db: Db,
  { taskId, key }: UploadKey,
  upload: {
    readonly sourceEtag: string;
    readonly size: number;
    readonly partSize: number;
    readonly optionsHash: string;
  },
): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    `with parts as (delete from upload_parts where task_id = $1 and object_key = $2)
    insert into uploads (task_id, object_key, source_etag, size, part_size, options_hash)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (task_id, object_key) do update set id = default, upload_id = null, source_etag = excluded.source_etag,
      size = excluded.size, part_size = excluded.part_size, options_hash = excluded.options_hash,
      started_at = now(), used_at = now(), abandoned_at = null
    returning id::text`,
    [taskId, key, upload.sourceEtag, upload.size, upload.partSize, upload.optionsHash],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('an upload was not written down');
  return row.id;
}

/** Writes down how the target calls it. @returns False where it has ended, or is another's by now. */
export async function setUploadId(
  db: Db,
  { taskId, key, id }: UploadOf,
  uploadId: string,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update uploads set upload_id = $4 where ${THIS_UPLOAD} and upload_id is null`,
    [taskId, key, id, uploadId],
  );
  return rowCount === 1;
}

/** Records that a part was put and checked, if its upload is still recorded. */
export async function insertPart(
  db: Db,
  { taskId, key, id }: UploadOf,
  part: PartRow,
): Promise<void> {
  await db.query(
    `with used as (update uploads set used_at = now() where ${THIS_UPLOAD} returning task_id, object_key)
    insert into upload_parts (task_id, object_key, number, etag, md5, crc64, crc64nvme)
    select task_id, object_key, $4, $5, $6, $7, $8 from used
    on conflict (task_id, object_key, number) do update
    set etag = excluded.etag, md5 = excluded.md5, crc64 = excluded.crc64,
      crc64nvme = excluded.crc64nvme`,
    [taskId, key, id, part.number, part.etag, part.md5, part.crc64, part.crc64nvme],
  );
}

/** Forgets an upload that was completed or aborted. */
export async function removeUpload(db: Db, { taskId, key, id }: UploadOf): Promise<void> {
  await db.query(
    `with ended as (delete from uploads where ${THIS_UPLOAD} returning task_id, object_key)
    delete from upload_parts using ended
    where upload_parts.task_id = ended.task_id and upload_parts.object_key = ended.object_key`,
    [taskId, key, id],
  );
}

/** Marks an upload that no attempt may build on. The maintenance aborts it, unless the attempt does. */
export async function abandonUpload(db: Db, { taskId, key, id }: UploadOf): Promise<void> {
  await db.query(
    `update uploads set abandoned_at = coalesce(abandoned_at, now()) where ${THIS_UPLOAD}`,
    [taskId, key, id],
  );
}

/**
 * Marks unused uploads of tasks that are not deleted: those of objects that failed or are no longer listed,
 * and of stopped tasks, after `keepDays` without use; those of objects that ended otherwise, of which only
 * the record is left, after an hour.
 *
 * Each row's own `used_at` is part of the condition, so that it is judged again when an attempt has
 * taken the upload up, or begun another in its place, while this statement waited for the row.
 */
export async function abandonIdleUploads(
  db: Db,
  { keepDays }: { readonly keepDays: number },
): Promise<void> {
  await db.query(
    `update uploads set abandoned_at = now()
    from tasks
    where tasks.id = uploads.task_id and deleted_at is null and abandoned_at is null
      and used_at < now() - case
        when exists (select from objects where objects.task_id = uploads.task_id
          and objects.object_key = uploads.object_key and outcome <> 'failed') and not exists (select from changes
          where changes.task_id = uploads.task_id and changes.object_key = uploads.object_key)
        then interval '1 hour' else $1 * interval '1 day' end
      and not exists (select from changes
        where changes.task_id = uploads.task_id and changes.object_key = uploads.object_key
          and (running or lease_until > now()))`,
    [keepDays],
  );
}

export interface AbandonedUpload extends UploadOf {
  readonly uploadId?: string | undefined;
  readonly startedAt: number;
  /** Since when it waits to be aborted, milliseconds since the Unix epoch. */
  readonly abandonedAt: number;
  /** Of the task: a start since then, perhaps with other credentials, raises it. */
  readonly revision: number;
}

const OF_OTHERS = `deleted_at is null and abandoned_at is not null`;
/** Its task is being deleted. */
const OF_HIDDEN_TASK = `deleted_at is not null`;

/**
 * Uploads to abort that no attempt uses, either of hidden tasks or of the others. They come in no order:
 * some that cannot be aborted do not stand in the way of the others for ever.
 */
export async function abandonedUploads(
  db: Db,
  { hidden, limit }: { readonly hidden: boolean; readonly limit: number },
): Promise<AbandonedUpload[]> {
  const { rows } = await db.query<AbandonedUpload>(
    `select uploads.task_id as "taskId", uploads.object_key as key, uploads.id::text, upload_id as "uploadId", uploads.started_at as "startedAt",
      coalesce(abandoned_at, deleted_at) as "abandonedAt", revision
    from uploads
    join tasks on tasks.id = uploads.task_id
    left join changes on changes.task_id = uploads.task_id and changes.object_key = uploads.object_key
    where ${hidden ? OF_HIDDEN_TASK : OF_OTHERS} and (lease_until is null or lease_until < now())
    order by random()
    limit $1`,
    [limit],
  );
  return rows;
}

/** Whether a task has uploads that are neither completed nor aborted. */
export async function hasUploads(db: Db, taskId: string): Promise<boolean> {
  const { rows } = await db.query<{ found: boolean }>(
    `select exists (select from uploads where task_id = $1) as found`,
    [taskId],
  );
  return rows[0]?.found ?? false;
}
