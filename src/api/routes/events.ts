import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { SyncTaskService } from '../../service/sync-task-service.ts';
import { Nothing, TaskPath, taskProblems, tooLarge } from '../schemas/common.ts';
import { CreateSyncEventsBody } from '../schemas/events.ts';

/** Where sources say which objects have changed. */
export function eventRoutes(syncTasks: SyncTaskService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/v2/:project_id/sync-tasks/:sync_task_id/events',
      {
        schema: {
          operationId: 'CreateSyncEvents',
          summary: 'Ask for objects to be synchronized; durable when it answers',
          tags: ['Synchronization tasks'],
          params: TaskPath,
          body: CreateSyncEventsBody,
          response: { 200: Nothing, ...taskProblems, 413: tooLarge },
        },
        config: { action: 'oms:synctask:createEvent' },
      },
      async ({ params: { project_id: project, sync_task_id: id }, body }, reply) => {
        await syncTasks.acceptEvents(project, id, body.object_keys);
        return reply.send();
      },
    );
  };
}
