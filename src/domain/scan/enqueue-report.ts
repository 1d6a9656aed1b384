import type { Database, Db } from '../../platform/postgres/db.ts';
import { enqueueing, waking } from '../queue/enqueue.ts';
import { scannedWaiting } from './ranges-table.ts';

/** Keys of one transaction. */
const BATCH_KEYS = 1_000;
/** How long it waits while as many scanned keys wait in its task as may. */
const NO_ROOM_MS = 2_000;

/**
 * Has the differences of a verification that has ended enqueued, from the first on; the processes with a worker do it
 * in batches. While it runs, a second call changes nothing.
 *
 * @returns Whether the scan has ended.
 */
export async function beginEnqueueing(db: Db, scanId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `with begun as (
      update scans set enqueueing_state = 'running', enqueueing_due_at = now(),
        enqueueing_key = case when enqueueing_state = 'running' then enqueueing_key else '' end,
        enqueueing_count = case when enqueueing_state = 'running' then enqueueing_count else 0 end
      where id = $1 and ended_at is not null returning id
    )
    select pg_notify('scans', '') from begun`,
    [scanId],
  );
  return rowCount === 1;
}

const IS_DUE = `scans.enqueueing_state = 'running' and scans.enqueueing_due_at <= now()`;

/** Workers look several times a second: served by the index `scans_enqueueing`. */
const ANY = `select exists (select from scans where ${IS_DUE}) as due`;

/** Skips a report that another process enqueues at the moment. */
const NEXT = `
  select scans.id as "scanId", scans.task_id as "taskId", scans.enqueueing_key as after
  from scans join tasks on tasks.id = scans.task_id
  where ${IS_DUE} and tasks.running
  order by scans.enqueueing_due_at limit 1
  for update of scans skip locked`;

/**
 * Differing bytes are a reason to copy, whatever sizes and times say. Under NO_OVERWRITE an object that this service has
 * not copied belongs to somebody else, and is no damaged copy.
 */
const KEYS = `
  select $2::uuid as task_id, object_key, coalesce(reason in ('bytes', 'checksum') and (
    (select overwrite_mode from tasks where id = $2) <> 'NO_OVERWRITE'
    or (select outcome = 'copied' from objects where task_id = $2 and objects.object_key = page.object_key limit 1)
  ), false) as differs
  from page where comparison in ('different', 'missing')`;

const ENQUEUE = `
  with page as materialized (
    select object_key, comparison, reason from scan_differences
    where scan_id = $1 and object_key > $3 order by object_key limit $4
  ), enqueued as (
    ${enqueueing('scan', KEYS, { lateWrite: 'differs' })}
  ), notified as (
    ${waking('enqueued')}
  )
  update scans set enqueueing_key = coalesce((select max(object_key) from page), enqueueing_key),
    enqueueing_count = enqueueing_count + (select count(*) from enqueued),
    enqueueing_due_at = now(),
    enqueueing_state = case when (select count(*) from page) < $4 then 'done' else 'running' end
  where id = $1 and (select count(*) from notified) >= 0`;

/**
 * Enqueues the next batch of a report, in one transaction with the key up to which it is done: a crash repeats and
 * leaves out nothing.
 *
 * @param waitingMax Keys that scans have found and that wait in a task; with more it has to wait.
 * @returns Whether there may be more to do now.
 */
export async function enqueueNextBatch(
  database: Db & Pick<Database, 'transaction'>,
  waitingMax: number,
): Promise<boolean> {
  const { rows: found } = await database.query<{ due: boolean }>(ANY);
  if (found[0]?.due !== true) return false;
  return await database.transaction(async (db) => {
    const { rows } = await db.query<{ scanId: string; taskId: string; after: string }>(NEXT);
    const [next] = rows;
    if (next === undefined) return false;
    const { scanId, taskId, after } = next;
    if ((await scannedWaiting(db, taskId, waitingMax)) >= waitingMax) {
      await db.query(
        `update scans set enqueueing_due_at = now() + $2 * interval '1 millisecond' where id = $1`,
        [scanId, NO_ROOM_MS],
      );
    } else {
      await db.query(ENQUEUE, [scanId, taskId, after, BATCH_KEYS]);
    }
    return true;
  });
}
