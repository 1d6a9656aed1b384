import {
  claimChanges,
  dueTasks,
  releaseClaims,
  renewLeases,
  untilNextDue,
} from '../../domain/queue/changes.ts';
import { settleChanges } from '../../domain/queue/settle.ts';
import { Worker, type WorkerOptions } from '../../domain/queue/worker.ts';
import { releaseListings } from '../../domain/scan/kept-listings-table.ts';
import { releaseRanges } from '../../domain/scan/ranges-table.ts';
import { Scanner } from '../../domain/scan/scanner.ts';
import { copyWork } from '../../domain/tasks/copy-work.ts';
import { FailureLog } from '../../domain/tasks/failure-log.ts';
import type { OpenTasks } from '../../domain/tasks/open-tasks.ts';
import { alreadyLogged } from '../../platform/postgres/db.ts';
import type { Parts } from './parts.ts';

/** Copies what the queue has, and walks the ranges of scans. Disposing of a worker that was started drains it. */
export interface WorkerRole {
  /** There may be something to do. */
  wake(): void;
  /** Gives back what is held ahead of a task that was changed. */
  giveBack(taskId: string): void;
  start(): Promise<AsyncDisposable>;
}

/** Ranges of scans that one process walks at once. */
const RANGES = 8;
/** Keys that scans of a task have found and that wait; beyond it they list no further. */
const SCANNED_WAITING = 10_000;

/** @param writer Which row of each counter this process adds to. */
export function workerRole(parts: Parts, openTasks: OpenTasks, writer: number): WorkerRole {
  const { database, clock, log, settings, alone } = parts;
  const worker = new Worker(workerOptions(parts, openTasks, writer));
  const scanner = new Scanner({
    ...{ database, clock, log, leaseMs: settings.leaseMs, sizes: settings.sizes },
    open: (taskId, revision) => openTasks.use(taskId, revision),
    concurrency: RANGES,
    waitingMax: SCANNED_WAITING,
    onWithoutEvent: (keys) => parts.metrics.keysWithoutEvent.inc(keys),
  });
  return {
    wake: () => worker.wake(),
    giveBack: (taskId) => worker.giveBack(taskId),
    async start() {
      const left = alone ? await releaseClaims(database) : 0;
      if (alone) await Promise.all([releaseRanges(database), releaseListings(database)]);
      if (left > 0) log.info({ event: 'claims.released', count: left }, 'taken up from a crash');
      await using started = new AsyncDisposableStack();
      started.use(await database.listen('changes', () => worker.wake()));
      started.defer(() => worker.stop(settings.drainMs));
      started.use(await database.listen('scans', () => scanner.wake()));
      started.defer(() => scanner.stop());
      worker.start();
      scanner.start();
      return started.move();
    },
  };
}

function workerOptions(
  { database, clock, log, metrics, settings }: Parts,
  openTasks: OpenTasks,
  writer: number,
): WorkerOptions {
  const failures = new FailureLog(clock, log);
  const onRetry = (fault: string): void => metrics.retries.inc({ fault });
  return {
    ...settings,
    queue: {
      dueTasks: () => dueTasks(database),
      claim: (request) => claimChanges(database, request),
      renew: (request) => renewLeases(database, request),
      settle: (taskId, settlements) => settleChanges(database, { taskId, writer, settlements }),
      untilNextDue: () => untilNextDue(database),
    },
    handle: copyWork({ ...settings, database, openTasks, clock, log, onRetry }),
    clock,
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
  };
}
