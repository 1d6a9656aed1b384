import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type {
  SyncTaskService,
  TaskProgress,
} from '../../../domain/tasks/sync/sync-task-service.ts';
import { TaskPath, taskProblems } from '../kit/common-schemas.ts';
import { toScan } from './scans.ts';
import { ShowProgressReply } from './schemas/progress.ts';

/** How far a task is: an extension. */
export function progressRoutes(syncTasks: SyncTaskService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v2/:project_id/sync-tasks/:sync_task_id/progress',
      {
        schema: {
          operationId: 'ShowSyncTaskProgress',
          summary: 'Extension: what of a synchronization task waits, is in work, and how fast',
          tags: ['Objects (extension)'],
          params: TaskPath,
          response: { 200: ShowProgressReply, ...taskProblems },
        },
        config: { action: 'oms:synctask:get', costs: 'lists' },
      },
      async ({ params: { project_id: project, sync_task_id: id } }) =>
        toReply(id, await syncTasks.progress(project, id)),
    );
  };
}

function toReply(id: string, progress: TaskProgress): ShowProgressReply {
  const { rate, scan, lastReconcile } = progress;
  return {
    sync_task_id: id,
    waiting_events: progress.waitingEvents,
    waiting_scans: progress.waitingScans,
    in_work: progress.inWork,
    retrying: progress.retrying,
    next_retry_time: progress.nextRetryAt ?? null,
    rechecking: progress.rechecking,
    exact: progress.exact,
    lag_seconds: progress.lagSeconds,
    rate_seconds: rate.seconds,
    objects_per_second: rate.objectsPerSecond,
    bytes_per_second: rate.bytesPerSecond,
    scan: scan === undefined ? null : toScan(scan),
    last_reconcile: lastReconcile === undefined ? null : toScan(lastReconcile),
  };
}
