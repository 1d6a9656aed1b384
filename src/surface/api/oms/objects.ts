import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { ObjectRecord } from '../../../domain/queue/object-record.ts';
import type { SyncTaskService } from '../../../domain/tasks/sync/sync-task-service.ts';
import { fromCursor, toCursor } from '../kit/cursor.ts';
import { nameFields } from '../kit/neutral-names.ts';
import { TaskPath, taskProblems, tooLarge } from '../kit/common-schemas.ts';
import {
  ListSyncTaskObjectsQuery,
  ListSyncTaskObjectsReply,
  type ObjectInReply,
  OBJECTS_LIMIT_DEFAULT,
  replyFields,
  RetryFailedBody,
  RetryFailedReply,
} from './schemas/objects.ts';

const TASK = '/v2/:project_id/sync-tasks/:sync_task_id';
const tags = ['Objects (extension)'];

/** How each object of a task ended, and another try for those that failed. Both are extensions. */
export function objectRoutes(syncTasks: SyncTaskService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      `${TASK}/objects`,
      {
        schema: {
          operationId: 'ListSyncTaskObjects',
          summary: 'Extension: how the last look at each object ended',
          tags,
          params: TaskPath,
          querystring: ListSyncTaskObjectsQuery,
          response: { 200: ListSyncTaskObjectsReply, ...taskProblems },
        },
        config: { action: 'oms:synctask:get', costs: 'lists' },
      },
      async ({ params: { project_id: project, sync_task_id: id }, query }) => {
        const { outcome, prefix, cursor, limit = OBJECTS_LIMIT_DEFAULT } = query;
        const after = cursor === undefined ? undefined : fromCursor(cursor);
        const page = await syncTasks.listObjects(project, id, { outcome, prefix, after, limit });
        return {
          objects: page.objects.map(toReply),
          next_cursor: page.next === undefined ? null : toCursor(page.next),
        };
      },
    );

    app.post(
      `${TASK}/retry-failed`,
      {
        schema: {
          operationId: 'RetryFailedObjects',
          summary: 'Extension: make failed objects due again',
          tags,
          params: TaskPath,
          body: RetryFailedBody,
          response: { 200: RetryFailedReply, ...taskProblems, 413: tooLarge },
        },
        config: { action: 'oms:synctask:update' },
      },
      async ({ params: { project_id: project, sync_task_id: id }, body }) => {
        const prefix = body.prefix === '' ? undefined : body.prefix;
        const includeRetrying = body.include_retrying;
        return syncTasks.retryFailed(project, id, { prefix, includeRetrying });
      },
    );
  };
}

function toReply(record: ObjectRecord): ObjectInReply {
  const message = record.message === undefined ? undefined : nameFields(record.message);
  const shown = new Map(Object.entries({ ...record, message }));
  const fields = replyFields.map(({ name, field }) => [field, shown.get(name) ?? null]);
  // The type has the names and types of `replyFields`: both are made from the record's schema.
  return Object.fromEntries(fields) as ObjectInReply;
}
