import { type Jobs, startJobs } from '../../domain/maintenance/jobs.ts';
import { maintenance } from '../../domain/maintenance/maintenance.ts';
import type { OpenTasks } from '../../domain/tasks/open-tasks.ts';
import { alreadyLogged } from '../../platform/postgres/db.ts';
import type { Parts } from './parts.ts';

/** Runs the scheduled jobs. Of several processes that do, one at a time does each job. */
export function startMaintenance(
  { database, clock, log, metrics, settings }: Parts,
  openTasks: OpenTasks,
): Promise<Jobs> {
  return startJobs({
    database,
    jobs: maintenance({
      ...settings,
      ...{ database, openTasks, clock, log },
      onRecheck: (result) => metrics.rechecks.inc({ result }),
    }),
    onError: (job, error) =>
      log[alreadyLogged(error) ? 'debug' : 'warn'](
        { event: 'job.failed', job, err: error },
        'maintenance failed',
      ),
  });
}
