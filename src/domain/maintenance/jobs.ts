import { PgBoss } from 'pg-boss';
import type { Database } from '../../platform/postgres/db.ts';

/** A coarse, repeatable piece of work that one process of all does at a time. */
export interface Job {
  readonly name: string;
  /** When it is due, as in crontab(5), in UTC. */
  readonly cron: string;
  /** After this many seconds without an end, another process may do it. */
  readonly expireSeconds: number;
  readonly run: (signal: AbortSignal) => Promise<void>;
}

export interface JobsOptions {
  readonly database: Database;
  readonly jobs: readonly Job[];
  readonly onError: (job: string, error: unknown) => void;
}

export interface Jobs extends AsyncDisposable {
  /** Requests a job now, in addition to its schedule. A job that waits already is enough. */
  request(name: string): Promise<void>;
}

const POLL_SECONDS = 5;
const STOP_MS = 10_000;

/** Runs the maintenance on pg-boss: scheduled, retried, one at a time across all processes. */
export async function startJobs({ database, jobs, onError }: JobsOptions): Promise<Jobs> {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => database.queryAsPgDoes(text, values) },
    schema: 'pgboss',
    // Each of these is a look at the database; nothing here is in a hurry.
    superviseIntervalSeconds: 300,
    monitorIntervalSeconds: 300,
    cronMonitorIntervalSeconds: 30,
    cronWorkerIntervalSeconds: 10,
    queueCacheIntervalSeconds: 300,
  });
  boss.on('error', (error) => onError('pg-boss', error));
  await using started = new AsyncDisposableStack();
  started.defer(() => boss.stop({ graceful: true, timeout: STOP_MS }));
  await database.transaction(async (db) => {
    // Several processes may start at once on a new database: pg-boss itself lets them collide there.
    await db.query(`select pg_advisory_xact_lock(hashtext('bucket-brigade jobs'))`);
    await boss.start();
  });
  for (const job of jobs) {
    // Singleton: however often the job is requested, one waits and one runs.
    await boss.createQueue(job.name, {
      policy: 'stately',
      retryLimit: 3,
      retryBackoff: true,
      expireInSeconds: job.expireSeconds,
      deleteAfterSeconds: 86_400,
    });
    await boss.schedule(job.name, job.cron);
    await boss.work(job.name, { pollingIntervalSeconds: POLL_SECONDS }, async ([given]) => {
      try {
        await job.run(given?.signal ?? new AbortController().signal);
      } catch (error) {
        onError(job.name, error);
        throw error;
      }
    });
  }
  const all = started.move();
  return {
    async request(name) {
      await boss.send(name);
    },
    [Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
  };
}
