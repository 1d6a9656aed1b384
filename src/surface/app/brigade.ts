import { CLEAR_TASKS } from '../../domain/maintenance/maintenance.ts';
import type { Jobs } from '../../domain/maintenance/jobs.ts';
import { checkSealingKey } from '../../domain/maintenance/sealing-key.ts';
import { listProcesses } from '../../domain/fleet/processes-table.ts';
import { oldestWithoutEvent } from '../../domain/scan/scans-table.ts';
import { backlog } from '../../domain/queue/changes.ts';
import { newWriter } from '../../domain/queue/statistics.ts';
import { Readiness } from '../../domain/tasks/readiness.ts';
import { CostlyAnswer } from '../../platform/base/costly-answer.ts';
import { alreadyLogged } from '../../platform/postgres/db.ts';
import { checkWrites } from '../../platform/postgres/write-check.ts';
import { roles } from '../settings/config-schema.ts';
import { type ApiRole, apiRole } from './api-role.ts';
import { bucketsOf } from './buckets.ts';
import { startMaintenance } from './maintenance-role.ts';
import type { Parts } from './parts.ts';
import { workerRole } from './worker-role.ts';

/** The roles of one process, joined. */
export interface Brigade {
  /** Undefined where the process does not serve the API. */
  readonly api: ApiRole | undefined;
  /** Not ready before its `begin` was called, once all else has started. */
  readonly health: Readiness;
  /** Starts the worker and the maintenance, as far as the process has these roles. */
  startWork(): Promise<void>;
  /** Lets what is in work end, writes all down, and closes the buckets. */
  stop(): Promise<void>;
}

/**
 * Makes the roles that the settings name, on one database and one set of connections to buckets.
 *
 * @throws {WrongSealingKey} when credentials in the database were sealed by another key.
 */
export async function createBrigade(parts: Parts): Promise<Brigade> {
  const { database, log, settings } = parts;
  await checkSealingKey(parts);
  const writer = await newWriter(database);
  const has = new Set(settings.roles);
  await using made = new AsyncDisposableStack();
  const buckets = made.use(bucketsOf(parts));
  const worker = has.has('worker') ? workerRole(parts, buckets.openTasks, writer) : undefined;
  let jobs: Jobs | undefined;
  const api = has.has('api')
    ? apiRole(parts, buckets, {
        writer,
        onAccepted: () => worker?.wake(),
        onTaskDeleted() {
          // If this process runs no jobs, or the request fails, the job still runs on its schedule.
          jobs?.request(CLEAR_TASKS).catch((error: unknown) => {
            const level = alreadyLogged(error) ? 'debug' : 'warn';
            log[level]({ event: 'job.not-requested', err: error }, 'a job could not be requested');
          });
        },
      })
    : undefined;
  watchBacklog(parts);
  watchProcesses(parts);
  const all = made.move();
  return {
    api,
    health: readinessOf(parts, api),
    async startWork() {
      await using started = new AsyncDisposableStack();
      if (worker !== undefined || has.has('scheduler')) {
        const onChange = (taskId: string): void => {
          worker?.giveBack(taskId);
          buckets.openTasks.forget(taskId);
        };
        started.use(await database.listen('tasks', onChange));
      }
      if (has.has('scheduler')) {
        jobs = started.use(await startMaintenance(parts, buckets.openTasks));
      }
      if (worker !== undefined) started.use(await worker.start());
      all.use(started.move());
    },
    async stop() {
      await api?.[Symbol.asyncDispose]();
      await all[Symbol.asyncDispose]();
    },
  };
}

/** Of the time, for counting what waits, however often metrics are scraped and however much waits. */
const BACKLOG_SHARE = 0.05;
const BACKLOG_PATIENCE_MS = 2_000;

function watchBacklog({ lists, clock, metrics }: Parts): void {
  const counted = new CostlyAnswer({
    clock,
    ask: async () => ({
      rows: await backlog(lists),
      withoutEventSeconds: await oldestWithoutEvent(lists),
    }),
    patienceMs: BACKLOG_PATIENCE_MS,
    share: BACKLOG_SHARE,
  });
  metrics.watchBacklog(async () => {
    const { rows, withoutEventSeconds } = await counted.get();
    return rows.map(({ running, ...row }) => ({
      state: running ? 'SYNCHRONIZING' : 'STOPPED',
      ...row,
      ...(running && { withoutEventSeconds }),
    }));
  });
}

/** However often metrics are scraped. */
const PROCESSES_SHARE = 0.01;

function watchProcesses({ lists, clock, metrics }: Parts): void {
  const listed = new CostlyAnswer({
    clock,
    ask: () => listProcesses(lists),
    patienceMs: BACKLOG_PATIENCE_MS,
    share: PROCESSES_SHARE,
  });
  metrics.watchProcesses(async () => {
    const alive = (await listed.get()).filter((process) => process.alive);
    const counts = roles.map((role) => {
      const having = alive.filter((process) => process.roles.includes(role));
      return [role, having.length] as const;
    });
    return new Map(counts);
  });
}

const PROBE_TOKEN = 'no token: used by the check of readiness';
const WRITE_CHECK_MS = 4_000;

/** Every role needs a database that takes writes; the API must also read credentials. */
function readinessOf({ database, clock }: Parts, api: ApiRole | undefined): Readiness {
  return new Readiness({
    async check() {
      await api?.gatekeeper.principalOf(PROBE_TOKEN);
      await checkWrites(database, WRITE_CHECK_MS);
    },
    faultCount: () => database.faultCount,
    clock,
  });
}
