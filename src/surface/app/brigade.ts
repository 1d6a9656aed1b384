import type { Clock } from '../../platform/base/clock.ts';
import { CostlyAnswer } from '../../platform/base/costly-answer.ts';
import type { Logger } from '../../platform/base/log.ts';
import type { Metrics } from '../../platform/base/metrics.ts';
import type { Sealer } from '../../platform/base/seal.ts';
import {
  acceptChanges,
  backlog,
  claimChanges,
  dueTasks,
  releaseClaims,
  renewLeases,
  untilNextDue,
} from '../../domain/queue/changes.ts';
import { alreadyLogged, type Database } from '../../platform/postgres/db.ts';
import { settleChanges } from '../../domain/queue/settle.ts';
import { newWriter } from '../../domain/queue/statistics.ts';
import { checkWrites } from '../../platform/postgres/write-check.ts';
import { Intake } from '../../domain/queue/intake.ts';
import { type Jobs, startJobs } from '../../domain/maintenance/jobs.ts';
import { Worker } from '../../domain/queue/worker.ts';
import type { Sockets } from '../../platform/http/sockets.ts';
import { Accounts } from '../../platform/stores/accounts.ts';
import { copyWork } from '../../domain/tasks/copy-work.ts';
import { checkBuckets } from '../../domain/tasks/bucket-checks.ts';
import { endpoints, type MappedEndpoint } from '../../domain/tasks/endpoints.ts';
import { Scanner } from '../../domain/scan/scanner.ts';
import type { ScanService } from '../../domain/scan/scan-service.ts';
import { TaskScans } from '../../domain/tasks/sync/task-scans.ts';
import { FailureLog } from '../../domain/tasks/failure-log.ts';
import { CLEAR_TASKS, maintenance } from '../../domain/maintenance/maintenance.ts';
import { openBuckets } from '../../domain/tasks/open-buckets.ts';
import { OpenTasks } from '../../domain/tasks/open-tasks.ts';
import { type Audit, DatabaseAudit } from '../../domain/access/audit.ts';
import { DatabaseGatekeeper } from '../../domain/access/gatekeeper.ts';
import { Identity } from '../../domain/access/identity.ts';
import type { Gatekeeper, IdentityService } from '../../domain/access/identity-service.ts';
import { EventQuotas } from '../../domain/access/quotas.ts';
import { checkSealingKey } from '../../domain/maintenance/sealing-key.ts';
import { Readiness } from '../../domain/tasks/readiness.ts';
import type { SyncTaskService } from '../../domain/tasks/sync/sync-task-service.ts';
import { SyncTasks } from '../../domain/tasks/sync/sync-tasks.ts';
import type { TransferSizes } from '../../domain/copy/transfer.ts';

export interface BrigadeSettings {
  readonly endpoints: readonly MappedEndpoint[];
  /** What requests may name; see {@link endpoints}. */
  readonly allowEndpoints: readonly string[];
  readonly tasksMax: number;
  /** How many names one event may have. */
  readonly eventKeysMax: number;
  readonly timeZone: string;
  readonly retentionDays: number;
  /** How long entries of the audit are kept. */
  readonly auditDays: number;
  /** How long an upload is kept that no attempt goes on with. */
  readonly uploadDays: number;
  /** Objects in work at once in this process, and of these, of one task. */
  readonly concurrency: number;
  readonly taskConcurrency: number;
  readonly sizes: TransferSizes;
  readonly attemptsMax: number;
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  readonly restoreDays: number;
  readonly restoreWaitMs: number;
  /** Whether buckets are asked for their rights when a task is created or started. */
  readonly checkBuckets: boolean;
  readonly leaseMs: number;
  /** Whether the tokens of first starts are let in. */
  readonly firstTokens: boolean;
  /** How long a stop lets objects in work end before it gives them back. */
  readonly drainMs: number;
}

export interface BrigadeParts {
  readonly database: Database;
  /** The same, by a few connections of its own: for what may take long, and must hold up no lease. */
  readonly lists: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The outgoing sockets of the process; unbounded unless given. */
  readonly sockets?: Sockets | undefined;
  readonly settings: BrigadeSettings;
  /** No other process can be at work on this database: claims in it are of processes that died. */
  readonly alone: boolean;
}

/** The use cases, and what works behind them. */
export interface Brigade {
  readonly syncTasks: SyncTaskService;
  readonly scans: ScanService;
  readonly gatekeeper: Gatekeeper;
  readonly identity: IdentityService;
  readonly audit: Audit;
  /** Not ready before its `begin` was called, once all else has started. */
  readonly health: Readiness;
  /** Starts to work on changes, and the maintenance. */
  startWork(): Promise<void>;
  /** Lets what is in work end, writes all down, and closes the buckets. */
  stop(): Promise<void>;
}

/** So that the parts of a few large objects are copied side by side at a low concurrency, too. */
const CALLS_LEAST = 64;
const EVENTS_BATCH = 2_000;
const EVENTS_QUEUE = 50_000;
const CHECK_MS = 20_000;

/**
 * Joins engine, transfer and database to the service.
 *
 * @throws {WrongSealingKey} when credentials in the database were sealed by another key.
 */
export async function createBrigade(parts: BrigadeParts): Promise<Brigade> {
  const { database, lists, sealer, clock, log, metrics, settings } = parts;
  await checkSealingKey(parts);
  const writer = await newWriter(database);
  const places = endpoints(settings.endpoints, settings.allowEndpoints);
  const calls = Math.max(settings.concurrency, CALLS_LEAST);
  const accounts = new Accounts({ clock, calls });
  const { sockets } = parts;
  const open = openBuckets({ endpoints: places, clock, log, metrics, sockets, accounts });
  const { restoreDays, checkBuckets: probes } = settings;
  const openTasks = new OpenTasks({ database, sealer, restoreDays, open });
  const worker = workerOf(parts, openTasks, writer);
  const intake = intakeOf(parts, worker, writer);
  watchBacklog(parts);
  const eventQuotas = new EventQuotas({ ...settings, database, now: () => clock.now() });
  const access = accessOf(parts, eventQuotas);
  const health = readinessOf(parts, access.gatekeeper);
  let work: Work | undefined;
  const syncTasks = new SyncTasks({
    ...settings,
    database,
    lists,
    sealer,
    clock,
    intake,
    endpoints: places,
    checkBuckets: (plan, credentials) =>
      checkBuckets({ open, endpoints: places, probes, timeoutMs: CHECK_MS }, plan, credentials),
    eventQuotas,
    onTaskChanged: (taskId) => tell(parts, 'tasks', taskId),
    onTaskDeleted: () => {
      // Without this it is done by its schedule.
      work?.jobs.ask(CLEAR_TASKS).catch((error: unknown) => {
        const level = alreadyLogged(error) ? 'debug' : 'warn';
        log[level]({ event: 'job.unasked', err: error }, 'a job was not asked for');
      });
    },
  });
  return {
    syncTasks,
    scans: new TaskScans(database, (projectId, taskId) => syncTasks.find(projectId, taskId)),
    ...access,
    health,
    async startWork() {
      work = await startWork(parts, openTasks, worker);
    },
    async stop() {
      await intake.drained();
      await work?.[Symbol.asyncDispose]();
      await openTasks[Symbol.asyncDispose]();
      await access.audit[Symbol.asyncDispose]();
    },
  };
}

/** Of the time, for counting what waits, however often metrics are scraped and however much waits. */
const BACKLOG_SHARE = 0.05;
const BACKLOG_PATIENCE_MS = 2_000;

function watchBacklog({ lists, clock, metrics }: BrigadeParts): void {
  const counted = new CostlyAnswer({
    clock,
    ask: () => backlog(lists),
    patienceMs: BACKLOG_PATIENCE_MS,
    share: BACKLOG_SHARE,
  });
  metrics.watchBacklog(async () =>
    (await counted.get()).map(({ running, ...row }) => ({
      state: running ? 'SYNCHRONIZING' : 'STOPPED',
      ...row,
    })),
  );
}

function intakeOf({ database, metrics }: BrigadeParts, worker: Worker, writer: number): Intake {
  return new Intake({
    commit: (named) => acceptChanges(database, { named, writer }),
    onAccepted(keys) {
      metrics.acceptedKeys.inc(keys);
      worker.wake();
    },
    batchMax: EVENTS_BATCH,
    queueMax: EVENTS_QUEUE,
  });
}

const PROBE_TOKEN = 'no token: asked for by the check of readiness';
const WRITE_CHECK_MS = 4_000;

function readinessOf({ database, clock }: BrigadeParts, gatekeeper: Gatekeeper): Readiness {
  return new Readiness({
    async check() {
      await gatekeeper.holderOf(PROBE_TOKEN);
      await checkWrites(database, WRITE_CHECK_MS);
    },
    faultCount: () => database.faultCount,
    clock,
  });
}

/** Who may do what, and who did. */
function accessOf(
  { database, sealer, clock, log, settings }: BrigadeParts,
  eventQuotas: EventQuotas,
) {
  const now = (): number => clock.now();
  const { firstTokens } = settings;
  const gatekeeper = new DatabaseGatekeeper({ database, sealer, now, firstTokens });
  const identity = new Identity({ database, sealer, gatekeeper, eventQuotas, now });
  return { gatekeeper, identity, audit: new DatabaseAudit({ database, log, clock }) };
}

/** Ranges of scans that one process walks at once. */
const RANGES = 8;
/** Keys that scans of a task have found and that wait; beyond it they list no further. */
const SCANNED_WAITING = 10_000;

interface Work extends AsyncDisposable {
  readonly jobs: Jobs;
}

async function startWork(
  { database, clock, log, metrics, settings, alone }: BrigadeParts,
  openTasks: OpenTasks,
  worker: Worker,
): Promise<Work> {
  const left = alone ? await releaseClaims(database) : 0;
  if (left > 0) log.info({ event: 'claims.released', count: left }, 'taken up from a crash');
  await using started = new AsyncDisposableStack();
  started.use(await database.listen('changes', () => worker.wake()));
  started.use(
    await database.listen('tasks', (taskId) => {
      worker.giveBack(taskId);
      openTasks.forget(taskId);
    }),
  );
  const { retentionDays, auditDays, uploadDays, timeZone, drainMs } = settings;
  const kept = { retentionDays, auditDays, uploadDays };
  started.defer(() => worker.stop(drainMs));
  const scanner = new Scanner({
    database,
    open: (taskId, revision) => openTasks.use(taskId, revision),
    clock,
    log,
    concurrency: RANGES,
    leaseMs: settings.leaseMs,
    waitingMax: SCANNED_WAITING,
  });
  started.use(await database.listen('scans', () => scanner.wake()));
  started.defer(() => scanner.stop());
  const jobs = started.use(
    await startJobs({
      database,
      jobs: maintenance({
        ...{ database, openTasks, clock, log, timeZone, ...kept },
        onRecheck: (result) => metrics.rechecks.inc({ result }),
      }),
      onError: (job, error) =>
        log[alreadyLogged(error) ? 'debug' : 'warn'](
          { event: 'job.failed', job, err: error },
          'maintenance failed',
        ),
    }),
  );
  worker.start();
  scanner.start();
  const all = started.move();
  return { jobs, [Symbol.asyncDispose]: () => all[Symbol.asyncDispose]() };
}

function workerOf(
  { database, clock, log, metrics, settings }: BrigadeParts,
  openTasks: OpenTasks,
  writer: number,
): Worker {
  const failures = new FailureLog(clock, log);
  return new Worker({
    queue: {
      dueTasks: () => dueTasks(database),
      claim: (request) => claimChanges(database, request),
      renew: (request) => renewLeases(database, request),
      settle: (taskId, settlements) => settleChanges(database, { taskId, writer, settlements }),
      untilNextDue: () => untilNextDue(database),
    },
    handle: copyWork({
      database,
      openTasks,
      sizes: settings.sizes,
      clock,
      log,
      attemptsMax: settings.attemptsMax,
      backoff: settings.backoff,
      restoreWaitMs: settings.restoreWaitMs,
      onRetry: (fault) => metrics.retries.inc({ fault }),
    }),
    clock,
    concurrency: settings.concurrency,
    taskConcurrency: settings.taskConcurrency,
    leaseMs: settings.leaseMs,
    onSettled({ taskId, key }, { done, outcome, reason = 'none', size, message }) {
      if (!done || outcome === undefined) return;
      metrics.outcomes.inc({ kind: outcome, reason });
      if (outcome === 'failed') failures.add({ taskId, key, reason, message });
      if (outcome !== 'copied') return;
      metrics.copiedObjects.inc();
      metrics.copiedBytes.inc(size ?? 0);
    },
    onLate: (taskId, count) =>
      log.warn({ event: 'claims.lapsed', taskId, count }, 'too late: these come round again'),
    onError: (doing, error) =>
      log[alreadyLogged(error) ? 'debug' : 'error'](
        { event: 'worker.failed', doing, err: error },
        'the database did not serve',
      ),
  });
}

/** Tells all processes; a hint that is lost only costs time. */
function tell({ database, log }: BrigadeParts, channel: string, payload: string): void {
  database.query('select pg_notify($1, $2)', [channel, payload]).catch((error: unknown) => {
    const level = alreadyLogged(error) ? 'debug' : 'warn';
    log[level]({ event: 'hint.lost', err: error }, 'a notification was not sent');
  });
}
