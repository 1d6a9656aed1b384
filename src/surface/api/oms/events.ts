import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { SyncTaskService } from '../../../domain/tasks/sync/sync-task-service.ts';
import { Nothing, TaskPath, taskProblems, tooLarge } from '../kit/common-schemas.ts';
import { tooManyKeys } from '../../../domain/access/quotas.ts';
import { detailOfRequest } from '../kit/neutral-names.ts';
import { KiB } from '../../../platform/base/bytes.ts';
import type { BodyLimits } from '../kit/body-limits.ts';
import { CreateSyncEventsBody, KEYS_BOUND } from './schemas/events.ts';

/** The longest name, each byte of it escaped. */
const KEY_BYTES = 3 * KiB;
/** For the text around the names. */
const REST_BYTES = 4 * KiB;
const REST_VALUES = 256;

function eventBody(syncTasks: SyncTaskService): BodyLimits {
  const bytes = (keys: number) => keys * KEY_BYTES + REST_BYTES;
  const values = KEYS_BOUND + REST_VALUES;
  return {
    ...{ bytes: bytes(KEYS_BOUND), values },
    async inProject(projectId) {
      const quota = await syncTasks.eventQuota(projectId);
      const hint = detailOfRequest(tooManyKeys(quota));
      return { bytes: bytes(Math.min(quota.max, KEYS_BOUND)), values, hint };
    },
  };
}

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
        config: { action: 'oms:synctask:createEvent', takes: eventBody(syncTasks) },
      },
      async ({ params: { project_id: project, sync_task_id: id }, body }, reply) => {
        await syncTasks.acceptEvents(project, id, body.object_keys);
        return reply.send();
      },
    );
  };
}
