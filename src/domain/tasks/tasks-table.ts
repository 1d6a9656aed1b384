import type { MissingSource, SyncTaskStatus } from '../../platform/model/sync-task.ts';
import { removeScansOf } from '../scan/scans-table.ts';
import type { Db } from '../../platform/postgres/db.ts';
import type { TaskBehaviour } from '../../platform/model/behaviour.ts';
import {
  planToRow,
  type SyncTask,
  type Task,
  type TaskChoices,
  type TaskPlan,
  type TaskRow,
  taskSql,
  toTask,
} from './task-record.ts';

export interface SealedCredentials {
  readonly sealed: Uint8Array;
  readonly keyId: string;
}

/** What opens the buckets of a task, and since when. */
interface WorkRow extends TaskRow {
  readonly revision: number;
  readonly sealedCredentials: Uint8Array;
  readonly sealingKeyId: string;
}

interface SyncTaskRow extends TaskRow {
  readonly status: SyncTaskStatus;
}

function toSyncTask({ status, ...row }: SyncTaskRow): SyncTask {
  return { ...toTask(row), status };
}

interface NewTask {
  readonly tasksMax: number;
  readonly status?: SyncTaskStatus;
}

/**
 * Inserts a task unless the project has as many as it may: its own `tasks_max`, or `tasksMax` where it has
 * none. Creations of one project wait for each other, so that two cannot share the last place.
 *
 * @returns Undefined where the project has no place left.
 */
export async function insertTask(
  db: Db,
  task: TaskPlan & Pick<Task, 'id' | 'projectId'>,
  credentials: SealedCredentials,
  { tasksMax, status = 'SYNCHRONIZING' }: NewTask,
): Promise<SyncTask | undefined> {
  await db.query(`select id from projects where id = $1 for update`, [task.projectId]);
  const { rows } = await db.query<SyncTaskRow>(
    `insert into sync_tasks (id, project_id, status, sealed_credentials, sealing_key_id, ${taskSql.planColumns})
    select $1, $2, $7, $3, $4, ${taskSql.planValues}
    from json_to_record($5) as plan(${taskSql.planTypes})
    where (select count(*) from sync_tasks where project_id = $2 and deleted_at is null)
      < coalesce((select tasks_max from projects where id = $2), $6::integer)
    returning ${taskSql.selected}, status`,
    [
      task.id,
      task.projectId,
      credentials.sealed,
      credentials.keyId,
      JSON.stringify(planToRow(task)),
      tasksMax,
      status,
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
    `select ${taskSql.selected}, status from sync_tasks where ${filter} order by created_at desc, id limit $3 offset $4`,
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
    `select ${taskSql.selected}, status from sync_tasks
    where id = $1 and kind = 'sync' and project_id = $2 and deleted_at is null`,
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
  const { rows } = await db.query<WorkRow>(
    `select ${taskSql.selected}, revision, sealed_credentials as "sealedCredentials",
      sealing_key_id as "sealingKeyId"
    from tasks where id = $1`,
    [taskId],
  );
  if (rows[0] === undefined) return undefined;
  const { revision, sealedCredentials: sealed, sealingKeyId: keyId, ...row } = rows[0];
  return { task: toTask(row), revision, credentials: { sealed, keyId } };
}

/**
 * Starts a stopped task, with new credentials where given.
 *
 * @returns Whether it was stopped; another caller may have started it first.
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

/** What of a task may change while it exists; what is undefined stays. */
export interface TaskChange {
  readonly reconcileHours?: number | undefined;
  /** Without a bound: all objects are copied. */
  readonly copyFilters?: TaskChoices['copyFilters'];
  readonly missingSource?: MissingSource | undefined;
}

const CHANGE_TASK = `
  with before as materialized (
    select id, copy_filters, missing_source from sync_tasks where id = $1 and deleted_at is null for update
  )
  update sync_tasks as task set revision = revision + 1, reconcile_hours = coalesce($2, reconcile_hours),
    copy_filters = case when $3 then $4 else task.copy_filters end, missing_source = coalesce($5, task.missing_source)
  from before where task.id = before.id
  returning task.copy_filters is distinct from before.copy_filters
    or task.missing_source is distinct from before.missing_source as other`;

/**
 * Changes a task. Claims since then have a higher revision.
 *
 * @returns Whether other objects are copied now, or other ones fail.
 */
export async function changeTask(db: Db, taskId: string, change: TaskChange): Promise<boolean> {
  const { reconcileHours, copyFilters, missingSource } = change;
  const filters = Object.keys(copyFilters ?? {}).length > 0;
  const { rows } = await db.query<{ other: boolean }>(CHANGE_TASK, [
    ...[taskId, reconcileHours ?? null, copyFilters !== undefined],
    ...[filters ? JSON.stringify(copyFilters) : null, missingSource ?? null],
  ]);
  return rows[0]?.other ?? false;
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
 * transaction of its own, so that none runs long and vacuum can follow. If it is interrupted, the
 * next call continues.
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
