import type { ObjectRecord } from '../../queue/object-record.ts';
import { randomUUID } from 'node:crypto';
import { isUuid } from '../../../platform/base/uuid.ts';
import type { Clock } from '../../../platform/base/clock.ts';
import type { Sealer } from '../../../platform/base/seal.ts';
import { type Database, DatabaseError, type Db } from '../../../platform/postgres/db.ts';
import { listObjects, listRetrying } from '../../queue/objects.ts';
import {
  endScansOf,
  insertScan,
  lockScansOf,
  newestOpenScan,
  newestReconcile,
  reconcileHours,
  setReconcileHours,
} from '../../scan/scans-table.ts';
import { findProject } from '../../access/projects-table.ts';
import { queueProgress } from '../../queue/progress.ts';
import { countersBetween, countersOfMonth, recentRate } from '../../queue/statistics.ts';
import {
  findTask,
  changeTask,
  hideTask,
  insertTask,
  listTasks,
  setBehaviour,
  startTask,
  stopTask,
  type TaskChange,
} from '../tasks-table.ts';
import { type Intake, IntakeFull } from '../../queue/intake.ts';
import { KeyScope } from '../../../platform/model/key-scope.ts';
import type { TaskBehaviour } from '../../../platform/model/behaviour.ts';
import {
  type Counters,
  HOURS_KEPT_DAYS,
  isKeptInHours,
  planStatistics,
  type StatisticRange,
} from '../../../platform/model/statistics.ts';
import { step, type SyncTaskSignal } from '../../../platform/model/sync-task.ts';
import type { SyncTask, TaskPlan } from '../task-record.ts';
import { sameBucket } from '../bucket-checks.ts';
import { checkAuthentication } from '../cdn-places.ts';
import { sealCredentials } from '../credentials.ts';
import { type Endpoints, isSameBucket, keyUnitOf } from '../endpoints.ts';
import { type EventQuotas, type Quota, tooManyKeys } from '../../access/quotas.ts';
import { type Problem, ServiceError } from '../../service-error.ts';
import { type Created, SignedCreations, type StoreCreation } from '../signed-creations.ts';
import { checkSessionTokens } from '../session-tokens.ts';
import { checkLengths, decodeKeys } from './event-keys.ts';
import { type RetryFilter, retryObjects } from './retry-objects.ts';
import { credentialsOfStart } from '../start-credentials.ts';
import type {
  NewSyncTask,
  ObjectFilter,
  SyncTaskService,
  TaskCredentials,
  TaskPage,
  TaskProgress,
  TaskStatistics,
} from './sync-task-service.ts';

export interface SyncTasksOptions {
  readonly database: Database;
  /** For lists of objects, which may take long. */
  readonly lists: Database;
  readonly sealer: Sealer;
  readonly intake: Intake;
  readonly endpoints: Endpoints;
  /** @throws {ServiceError} where a bucket does not allow what the task requires. */
  readonly checkBuckets: (
    plan: TaskPlan,
    credentials: TaskCredentials,
  ) => Promise<TaskBehaviour | undefined>;
  /** Of a project that has no number of its own. */
  readonly tasksMax: number;
  readonly eventQuotas: EventQuotas;
  readonly timeZone: string;
  readonly clock: Clock;
  /** The task was stopped or started: a hint for the workers. */
  readonly onTaskChanged: (taskId: string) => void;
  /** The task was deleted: its rows and uploads wait to be cleared away. */
  readonly onTaskDeleted: (taskId: string) => void;
}

/** Other credentials may see other objects: what is listed with both proves nothing of a whole. */
const OTHER_CREDENTIALS = 'The task was started with other credentials';
/** What a scan compared before would not be compared so now. */
const OTHER_SETTINGS =
  'The copy filters of the task were changed, or what becomes of missing sources';
const nothing: Counters = { REQUEST: 0, SUCCESS: 0, FAILURE: 0, SKIP: 0, SIZE: 0 };

/** The use cases of synchronization tasks, over the database. */
export class SyncTasks implements SyncTaskService {
  readonly #options: SyncTasksOptions;
  readonly #database: Database;
  readonly #creations: SignedCreations;

  constructor(options: SyncTasksOptions) {
    this.#options = options;
    this.#database = options.database;
    this.#creations = new SignedCreations(options.database);
  }

  list(...[projectId, page]: Parameters<SyncTaskService['list']>): Promise<TaskPage> {
    return listTasks(this.#database, projectId, page);
  }

  create(projectId: string, task: NewSyncTask, signedCall?: string): Promise<Created> {
    return this.#creations.once(signedCall, (store) =>
      create(this.#options, projectId, task, store),
    );
  }

  async show(
    projectId: string,
    taskId: string,
    queryTime: number,
  ): Promise<{ task: SyncTask; month: Counters; reconcileHours: number }> {
    const task = await this.find(projectId, taskId);
    const month = { atMs: queryTime, timeZone: this.#options.timeZone };
    return {
      task,
      month: await countersOfMonth(this.#database, task.id, month),
      reconcileHours: await reconcileHours(this.#database, task.id),
    };
  }

  async change(projectId: string, taskId: string, change: TaskChange): Promise<void> {
    const task = await this.find(projectId, taskId);
    if (Object.values(change).every((value) => value === undefined)) return;
    await this.#database.transaction(async (db) => {
      await lockScansOf(db, task.id);
      if (await changeTask(db, task.id, change)) await endScansOf(db, task.id, OTHER_SETTINGS);
    });
    this.#options.onTaskChanged(task.id);
  }

  async remove(projectId: string, taskId: string): Promise<void> {
    await this.#signal(projectId, taskId, 'delete', (id) => hideTask(this.#database, id));
    this.#options.onTaskDeleted(taskId);
  }

  async start(
    projectId: string,
    taskId: string,
    credentials: Partial<TaskCredentials>,
  ): Promise<void> {
    await this.#signal(projectId, taskId, 'start', async (id) => {
      const { sealer, endpoints, checkBuckets } = this.#options;
      const starting = await credentialsOfStart(this.#database, sealer, id, credentials);
      if (starting === undefined) return false;
      checkAuthentication(starting.task, starting.credentials);
      checkSessionTokens(endpoints, starting.task, starting.credentials);
      const behaviour = await checkBuckets(starting.task, starting.credentials);
      const sealed = starting.renewed
        ? sealCredentials(sealer, id, starting.credentials)
        : undefined;
      return await this.#database.transaction(async (db) => {
        if (sealed !== undefined) await lockScansOf(db, id);
        const started = await startTask(db, id, sealed);
        if (started && sealed !== undefined) await endScansOf(db, id, OTHER_CREDENTIALS);
        if (started && behaviour !== undefined) await setBehaviour(db, id, behaviour);
        return started;
      });
    });
    this.#options.onTaskChanged(taskId);
  }

  async stop(projectId: string, taskId: string): Promise<void> {
    await this.#signal(projectId, taskId, 'stop', (id) => stopTask(this.#database, id));
    this.#options.onTaskChanged(taskId);
  }

  eventQuota(projectId: string): Promise<Quota> {
    return this.#options.eventQuotas.of(projectId);
  }

  async acceptEvents(
    projectId: string,
    taskId: string,
    encodedKeys: readonly string[],
  ): Promise<void> {
    if (!isUuid(taskId)) throw unknownTask(taskId);
    await this.#mayName(encodedKeys.length, projectId);
    const keys = await decodeKeys(encodedKeys);
    await checkLengths(keys, async () => {
      const { source } = await this.find(projectId, taskId);
      return keyUnitOf(this.#options.endpoints.resolve(source));
    });
    const event = { projectId, taskId: taskId.toLowerCase(), keys };
    if (await accept(this.#options.intake, event)) return;
    await this.find(projectId, taskId);
    throw refusals.event(taskId);
  }

  async statistics(
    projectId: string,
    taskId: string,
    range: StatisticRange,
  ): Promise<TaskStatistics> {
    const task = await this.find(projectId, taskId);
    return statistics(this.#database, task.id, { ...range, nowMs: this.#options.clock.now() });
  }

  async progress(projectId: string, taskId: string): Promise<TaskProgress> {
    const task = await this.find(projectId, taskId);
    const { lists } = this.#options;
    return {
      ...(await queueProgress(lists, task.id)),
      rate: await recentRate(lists, task.id, task),
      scan: await newestOpenScan(lists, task.id),
      lastReconcile: await newestReconcile(lists, task.id),
    };
  }

  async listObjects(
    projectId: string,
    taskId: string,
    filter: ObjectFilter,
  ): Promise<{ objects: readonly ObjectRecord[]; next: string | undefined }> {
    const task = await this.find(projectId, taskId);
    const list = filter.outcome === 'retrying' ? listRetrying : listObjects;
    const page = { ...filter, limit: filter.limit + 1 };
    const rows = await inTime(list(this.#options.lists, task.id, page));
    const objects = rows.slice(0, filter.limit);
    return { objects, next: rows.length > filter.limit ? objects.at(-1)?.key : undefined };
  }

  async retryFailed(
    projectId: string,
    taskId: string,
    filter: RetryFilter,
  ): Promise<{ retried: number }> {
    const task = await this.find(projectId, taskId);
    if (task.status !== 'SYNCHRONIZING') throw refusals.retry(taskId);
    return { retried: await retryObjects(this.#database, task.id, filter) };
  }

  async #mayName(keys: number, projectId: string): Promise<void> {
    const quota = await this.#options.eventQuotas.of(projectId, keys);
    if (keys <= quota.max) return;
    const refused = tooManyKeys(quota);
    throw new ServiceError('invalid-request', 'Invalid request parameters.', refused);
  }

  /** @throws {ServiceError} `unknown-task`. */
  async find(projectId: string, taskId: string): Promise<SyncTask> {
    const valid = isUuid(taskId);
    const task = valid ? await findTask(this.#database, projectId, taskId) : undefined;
    if (task === undefined) throw unknownTask(taskId);
    return task;
  }

  /** Another caller may have been first. Then the task is gone, or its current status refuses the signal. */
  async #signal(
    projectId: string,
    taskId: string,
    wanted: SyncTaskSignal,
    apply: (taskId: string) => Promise<boolean>,
  ): Promise<void> {
    const task = await this.find(projectId, taskId);
    if (step(task.status, wanted) !== undefined && (await apply(task.id))) return;
    await this.find(projectId, taskId);
    throw refusals[wanted](taskId);
  }
}

async function create(
  { database, sealer, endpoints, checkBuckets, tasksMax }: SyncTasksOptions,
  projectId: string,
  {
    credentials,
    start = true,
    initialScan = false,
    reconcileHours: hours = 0,
    ...plan
  }: NewSyncTask,
  store: StoreCreation,
): Promise<Created> {
  endpoints.check(plan.source, 'source');
  endpoints.check(plan.target, 'target');
  checkAuthentication(plan, credentials);
  checkSessionTokens(endpoints, plan, credentials);
  if (plan.sourceCdn !== undefined) endpoints.resolveCdn(plan.sourceCdn, plan.source);
  const { accessKeyId } = credentials.source;
  const source = { ...plan.source, accessKeyId, appId: plan.appId };
  const target = { ...plan.target, accessKeyId: credentials.target.accessKeyId };
  const overlap = new KeyScope(plan).overlap();
  if (overlap !== undefined && isSameBucket(endpoints, source, target)) {
    throw sameBucket({ overlap });
  }
  const behaviour = await checkBuckets(plan, credentials);
  const id = randomUUID();
  const sealed = sealCredentials(sealer, id, credentials);
  return await database.transaction(async (db) => {
    const earlier = await store(db, id);
    if (earlier !== undefined) return earlier;
    const task = await insertTask(db, { ...plan, id, projectId }, sealed, {
      tasksMax,
      status: start ? 'SYNCHRONIZING' : 'STOPPED',
    });
    if (task === undefined) throw await tooManyTasks(db, projectId, tasksMax);
    if (behaviour !== undefined) await setBehaviour(db, id, behaviour);
    if (hours > 0) await setReconcileHours(db, id, hours);
    if (initialScan) await insertScan(db, { id: randomUUID(), taskId: id, kind: 'backfill' });
    return { id, repeated: false };
  });
}

async function tooManyTasks(db: Db, projectId: string, tasksMax: number): Promise<ServiceError> {
  const own = (await findProject(db, projectId))?.tasksMax ?? undefined;
  const limit = own === undefined ? '{settings.tasksMax}' : '{project.tasksMax} of the project';
  return new ServiceError(
    'too-many-tasks',
    `This project may have ${own ?? tasksMax} synchronization tasks, and has as many.`,
    `Delete one that is no longer needed, or raise ${limit}.`,
  );
}

function unknownTask(taskId: string): ServiceError {
  return new ServiceError('unknown-task', `There is no synchronization task ${taskId}.`);
}

const refusals: Record<SyncTaskSignal | 'event' | 'retry', (taskId: string) => ServiceError> = {
  delete: refusal('task-running', 'is synchronizing and cannot be deleted. Stop it first.'),
  start: refusal('task-already-started', 'is synchronizing already.'),
  stop: refusal('task-not-running', 'is not synchronizing, so it cannot be stopped.'),
  event: refusal('task-not-running', 'is stopped and takes no events. Start it first.'),
  retry: refusal('task-not-running', 'is stopped and tries nothing again. Start it first.'),
};

function refusal(problem: Problem, because: string): (taskId: string) => ServiceError {
  return (taskId) => new ServiceError(problem, `Synchronization task ${taskId} ${because}`);
}

async function accept(
  intake: Intake,
  event: { readonly projectId: string; readonly taskId: string; readonly keys: readonly string[] },
): Promise<boolean> {
  try {
    return await intake.accept(event);
  } catch (error) {
    if (!(error instanceof IntakeFull)) throw error;
    const message = 'Too many events wait to be written. Send this one again in a moment.';
    throw new ServiceError('overloaded', message, undefined, { cause: error });
  }
}

/** Says what to do where the database gave up a list. */
async function inTime(list: Promise<ObjectRecord[]>): Promise<ObjectRecord[]> {
  try {
    return await list;
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.fault !== 'timed-out') throw error;
    const message = 'The database took too long to find these objects.';
    const detail = 'Ask for the objects of a prefix, or for all outcomes.';
    throw new ServiceError('unavailable', message, detail, { cause: error });
  }
}

async function statistics(
  database: Database,
  taskId: string,
  { nowMs, ...range }: StatisticRange & { readonly nowMs: number },
): Promise<TaskStatistics> {
  if (!isKeptInHours(range.startMs, nowMs)) {
    throw new ServiceError(
      'range-too-old',
      `Statistics of hours are kept for ${HOURS_KEPT_DAYS} days.`,
      '[startTime] invalid. Older numbers are kept by the month: show the task with a {queryTime} in it.',
    );
  }
  const plan = planStatistics(range, nowMs);
  if (plan === undefined) {
    throw new ServiceError(
      'range-too-long',
      'The time range needs more than 1000 points.',
      'Ask for at most 41 days at a time.',
    );
  }
  const { starts, widthMs, width } = plan;
  const fromMs = starts[0] ?? 0;
  const toMs = fromMs + starts.length * widthMs;
  const rows = await countersBetween(database, taskId, { fromMs, toMs, widthMs });
  const counted = new Map(rows.map(({ start, ...counters }) => [start, counters]));
  return {
    width,
    points: starts.map((start) => ({ start, counters: counted.get(start) ?? nothing })),
  };
}
