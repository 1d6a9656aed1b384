import type { CloudType } from '../../platform/model/cloud.ts';
import type { CdnAuthenticationType, CdnProtocol } from '../../platform/model/source-cdn.ts';
import type { StoragePolicy } from '../../platform/model/storage-class.ts';
import type {
  ConsistencyCheck,
  OverwriteMode,
  SyncTask,
  SyncTaskStatus,
  Task,
} from '../../platform/model/sync-task.ts';
import { removeScansOf } from '../scan/scans-table.ts';
import type { Db } from '../../platform/postgres/db.ts';
import type { TaskBehaviour } from '../../platform/model/behaviour.ts';

export interface SealedCredentials {
  readonly sealed: Uint8Array;
  readonly keyId: string;
}

/** A row of the view `tasks`. The check constraints and the insert below keep these columns to their closed lists. */
interface TaskRow {
  readonly id: string;
  readonly project_id: string;
  readonly revision: number;
  readonly created_at: number;
  readonly last_started_at: number;
  readonly source_cloud: CloudType;
  readonly source_region: string;
  readonly source_bucket: string;
  readonly source_endpoint?: string | undefined;
  readonly target_cloud: CloudType;
  readonly target_region: string;
  readonly target_bucket: string;
  readonly target_endpoint?: string | undefined;
  readonly description: string;
  readonly metadata_migration: boolean;
  readonly kms: boolean;
  readonly restore: boolean;
  readonly overwrite_mode: OverwriteMode;
  readonly consistency_check: ConsistencyCheck;
  readonly storage_policy?: StoragePolicy | undefined;
  readonly app_id?: string | undefined;
  readonly source_cdn_domain?: string | undefined;
  readonly source_cdn_protocol?: CdnProtocol | undefined;
  readonly source_cdn_authentication?: CdnAuthenticationType | undefined;
  readonly behaviour?: TaskBehaviour | undefined;
  readonly sealed_credentials: Uint8Array;
  readonly sealing_key_id: string;
}

interface SyncTaskRow extends TaskRow {
  readonly status: SyncTaskStatus;
}

/** The three columns are absent together. */
function toSourceCdn(row: TaskRow): Task['sourceCdn'] {
  const { source_cdn_domain: domain, source_cdn_protocol: protocol } = row;
  const authenticationType = row.source_cdn_authentication;
  if (domain === undefined || protocol === undefined || authenticationType === undefined)
    return undefined;
  return { domain, protocol, authenticationType };
}

function toTask(row: TaskRow): Task {
  return {
    id: row.id,
    projectId: row.project_id,
    createdAt: row.created_at,
    lastStartedAt: row.last_started_at,
    source: {
      cloud: row.source_cloud,
      region: row.source_region,
      bucket: row.source_bucket,
      endpoint: row.source_endpoint,
    },
    target: {
      cloud: row.target_cloud,
      region: row.target_region,
      bucket: row.target_bucket,
      endpoint: row.target_endpoint,
    },
    sourceCdn: toSourceCdn(row),
    description: row.description,
    metadataMigration: row.metadata_migration,
    kms: row.kms,
    restore: row.restore,
    overwriteMode: row.overwrite_mode,
    consistencyCheck: row.consistency_check,
    storagePolicy: row.storage_policy,
    appId: row.app_id,
    behaviour: row.behaviour,
  };
}

function toSyncTask(row: SyncTaskRow): SyncTask {
  return { ...toTask(row), status: row.status };
}

/**
 * Inserts a task unless the project has as many as it may: its own `tasks_max`, or `tasksMax` where it has
 * none. Creations of one project wait for each other, so that two cannot share the last place.
 *
 * @returns Undefined where the project has no place left.
 */
export async function insertTask(
  db: Db,
  task: Omit<SyncTask, 'status' | 'createdAt' | 'lastStartedAt'>,
  credentials: SealedCredentials,
  tasksMax: number,
): Promise<SyncTask | undefined> {
  await db.query(`select id from projects where id = $1 for update`, [task.projectId]);
  const { rows } = await db.query<SyncTaskRow>(
    `insert into sync_tasks (id, project_id, status, source_cloud, source_region, source_bucket, source_endpoint,
      target_cloud, target_region, target_bucket, target_endpoint, description, metadata_migration, overwrite_mode,
      consistency_check, storage_policy, app_id, kms, restore, sealed_credentials, sealing_key_id, source_cdn_domain,
      source_cdn_protocol, source_cdn_authentication)
    select $1, $2, 'SYNCHRONIZING', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $22, $23, $24
    where (select count(*) from sync_tasks where project_id = $2 and deleted_at is null)
      < coalesce((select tasks_max from projects where id = $2), $21::integer)
    returning *`,
    [
      task.id,
      task.projectId,
      task.source.cloud,
      task.source.region,
      task.source.bucket,
      task.source.endpoint ?? null,
      task.target.cloud,
      task.target.region,
      task.target.bucket,
      task.target.endpoint ?? null,
      task.description,
      task.metadataMigration,
      task.overwriteMode,
      task.consistencyCheck,
      task.storagePolicy ?? null,
      task.appId ?? null,
      task.kms,
      task.restore,
      credentials.sealed,
      credentials.keyId,
      tasksMax,
      task.sourceCdn?.domain ?? null,
      task.sourceCdn?.protocol ?? null,
      task.sourceCdn?.authenticationType ?? null,
    ],
  );
  return rows[0] === undefined ? undefined : toSyncTask(rows[0]);
}

/** One page of a project's tasks, newest first. Served by the index `sync_tasks_of_project`. */
export async function listTasks(
  db: Db,
  projectId: string,
  page: {
    readonly limit: number;
    readonly offset: number;
    readonly status?: SyncTaskStatus | undefined;
  },
): Promise<{ tasks: SyncTask[]; count: number }> {
  const filter = `kind = 'sync' and project_id = $1 and deleted_at is null and ($2::text is null or status = $2)`;
  const values = [projectId, page.status ?? null];
  const { rows } = await db.query<SyncTaskRow>(
    `select * from sync_tasks where ${filter} order by created_at desc, id limit $3 offset $4`,
    [...values, page.limit, page.offset],
  );
  const counted = await db.query<{ count: number }>(
    `select count(*)::int as count from sync_tasks where ${filter}`,
    values,
  );
  return { tasks: rows.map(toSyncTask), count: counted.rows[0]?.count ?? 0 };
}

export async function findTask(
  db: Db,
  projectId: string,
  taskId: string,
): Promise<SyncTask | undefined> {
  const { rows } = await db.query<SyncTaskRow>(
    `select * from sync_tasks where id = $1 and kind = 'sync' and project_id = $2 and deleted_at is null`,
    [taskId, projectId],
  );
  return rows[0] === undefined ? undefined : toSyncTask(rows[0]);
}

export interface TaskToWork {
  readonly task: Task;
  readonly revision: number;
  readonly credentials: SealedCredentials;
}

/** A task with what opens its buckets; also one that is being deleted, for its clean-up. */
export async function taskToWork(db: Db, taskId: string): Promise<TaskToWork | undefined> {
  const { rows } = await db.query<TaskRow>(`select * from tasks where id = $1`, [taskId]);
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    task: toTask(row),
    revision: row.revision,
    credentials: { sealed: row.sealed_credentials, keyId: row.sealing_key_id },
  };
}

/**
 * Starts a stopped task, with new credentials where given.
 *
 * @returns Whether it was stopped; somebody else may have been first.
 */
export async function startTask(
  db: Db,
  taskId: string,
  credentials: SealedCredentials | undefined,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update sync_tasks set status = 'SYNCHRONIZING', last_started_at = now(), revision = revision + 1,
      sealed_credentials = coalesce($2, sealed_credentials), sealing_key_id = coalesce($3, sealing_key_id)
    where id = $1 and status = 'STOPPED' and deleted_at is null`,
    [taskId, credentials?.sealed ?? null, credentials?.keyId ?? null],
  );
  return rowCount === 1;
}

/** Keeps how the stores of a task were seen to behave. */
export async function setBehaviour(
  db: Db,
  taskId: string,
  behaviour: TaskBehaviour,
): Promise<void> {
  await db.query(`update sync_tasks set behaviour = $2 where id = $1`, [
    taskId,
    JSON.stringify(behaviour),
  ]);
}

/** Stops a running task. @returns Whether it was running. */
export async function stopTask(db: Db, taskId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update sync_tasks set status = 'STOPPED'
    where id = $1 and status = 'SYNCHRONIZING' and deleted_at is null`,
    [taskId],
  );
  return rowCount === 1;
}

/** Hides a stopped task; {@link clearTask} clears it away later. @returns Whether it was stopped. */
export async function hideTask(db: Db, taskId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update sync_tasks set deleted_at = now()
    where id = $1 and status = 'STOPPED' and deleted_at is null`,
    [taskId],
  );
  return rowCount === 1;
}

/** The tasks that are hidden and not cleared away yet. */
export async function hiddenTasks(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select id from sync_tasks where deleted_at is not null order by deleted_at`,
  );
  return rows.map((row) => row.id);
}

/** Whether a worker still holds a live claim on the task. */
export async function taskInWork(db: Db, taskId: string): Promise<boolean> {
  const { rows } = await db.query<{ held: boolean }>(
    `select exists (select from changes where task_id = $1 and lease_until > now()) as held`,
    [taskId],
  );
  return rows[0]?.held ?? false;
}

/** Tables with rows by task and key, which can be as many as the objects of a bucket. */
const TABLES_BY_KEY = ['changes', 'rechecks', 'objects', 'upload_parts', 'uploads'] as const;
const CLEARED_AT_ONCE = 10_000;

/**
 * Removes everything of a hidden task, its credentials included. Each batch of rows is a statement and a
 * transaction of its own, so that none runs long and vacuum can follow; one that is interrupted goes on
 * when it is called again.
 *
 * @param batch Rows of one statement.
 */
export async function clearTask(
  db: Db,
  taskId: string,
  {
    signal,
    batch = CLEARED_AT_ONCE,
  }: { readonly signal?: AbortSignal; readonly batch?: number } = {},
): Promise<void> {
  for (const table of TABLES_BY_KEY) {
    let from: string | undefined = '';
    while (from !== undefined) {
      signal?.throwIfAborted();
      from = await clearKeys(db, { table, taskId, from, batch });
    }
  }
  while ((await removeScansOf(db, taskId, batch)) > 0) signal?.throwIfAborted();
  // A task has some thousand of these at most: older ones are folded.
  await db.query('delete from statistics where task_id = $1', [taskId]);
  await db.query(`delete from sync_tasks where id = $1 and deleted_at is not null`, [taskId]);
}

/**
 * Removes about `batch` rows of a task, by ranges of keys, so that no statement visits again what an earlier one
 * removed. Served by the primary keys.
 *
 * @returns Where the next range begins; undefined when nothing is left.
 */
async function clearKeys(
  db: Db,
  range: {
    readonly table: (typeof TABLES_BY_KEY)[number];
    readonly taskId: string;
    readonly from: string;
    readonly batch: number;
  },
): Promise<string | undefined> {
  const { table, taskId, from, batch } = range;
  const { rows } = await db.query<{ key: string }>(
    `select object_key as key from ${table} where task_id = $1 and object_key >= $2
    order by object_key offset $3 limit 1`,
    [taskId, from, batch - 1],
  );
  const to = rows[0]?.key;
  await db.query(
    `delete from ${table}
    where task_id = $1 and object_key >= $2 and ($3::text is null or object_key <= $3)`,
    [taskId, from, to ?? null],
  );
  return to;
}
