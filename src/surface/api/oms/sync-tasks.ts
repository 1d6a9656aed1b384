import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { KiB } from '../../../platform/base/bytes.ts';
import type { SyncTaskService } from '../../../domain/tasks/sync/sync-task-service.ts';
import {
  Nothing,
  ProjectPath,
  problems,
  TaskPath,
  taskProblems,
  tooLarge,
  YEAR_9999_END_MS,
} from '../kit/common-schemas.ts';
import {
  CreateSyncTaskBody,
  CreateSyncTaskReply,
  LIMIT_DEFAULT,
  ListSyncTasksQuery,
  ListSyncTasksReply,
  OFFSET_DEFAULT,
  ShowSyncTaskQuery,
  ShowSyncTaskReply,
  StartSyncTaskBody,
} from './schemas/sync-task.ts';
import { ChangeSyncTaskBody } from './schemas/scans.ts';
import { unchangeable } from './task-filters.ts';
import {
  toCredentials,
  toNewSyncTask,
  toShowReply,
  toSyncTaskInfo,
  toTaskChange,
} from './sync-task-translation.ts';

const TASKS = '/v2/:project_id/sync-tasks';
const TASK = `${TASKS}/:sync_task_id`;
const tags = ['Synchronization tasks'];
/** Room for the longest credentials of both buckets, each character escaped. */
const takes = { bytes: 64 * KiB, values: 256 };
/** And for all filters of keys, as long as keys may be. */
const takesFilters = { bytes: 256 * KiB, values: 512 };

const changes = { action: 'oms:synctask:update', refusesMisspelt: true } as const;

/** The life of a synchronization task: list, create, show, delete, start and stop. */
export function syncTaskRoutes(syncTasks: SyncTaskService): FastifyPluginAsyncTypebox {
  return async (app) => {
    await app.register(collectionRoutes(syncTasks));
    await app.register(taskRoutes(syncTasks));
    await app.register(stateRoutes(syncTasks));
  };
}

function collectionRoutes(syncTasks: SyncTaskService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      TASKS,
      {
        schema: {
          operationId: 'ListSyncTasks',
          summary: 'List the synchronization tasks of a project, the newest first',
          tags,
          params: ProjectPath,
          querystring: ListSyncTasksQuery,
          response: { 200: ListSyncTasksReply, ...problems },
        },
        config: { action: 'oms:synctask:list' },
      },
      async ({ params, query }) => {
        const { limit = LIMIT_DEFAULT, offset = OFFSET_DEFAULT, status } = query;
        const page = await syncTasks.list(params.project_id, { limit, offset, status });
        return { tasks: page.tasks.map(toSyncTaskInfo), count: page.count };
      },
    );

    app.post(
      TASKS,
      {
        schema: {
          operationId: 'CreateSyncTask',
          summary: 'Create a synchronization task; it starts by itself',
          tags,
          params: ProjectPath,
          body: CreateSyncTaskBody,
          response: { 200: CreateSyncTaskReply, ...problems, 413: tooLarge },
        },
        config: { action: 'oms:synctask:create', refusesMisspelt: true, takes: takesFilters },
      },
      async (request) => {
        const { params, body, signedCall } = request;
        const task = toNewSyncTask(body);
        const { id, repeated } = await syncTasks.create(params.project_id, task, signedCall);
        request.subject = id;
        request.repeated = repeated;
        return { sync_task_id: id };
      },
    );
  };
}

function taskRoutes(syncTasks: SyncTaskService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      TASK,
      {
        schema: {
          operationId: 'ShowSyncTask',
          summary: 'Show a synchronization task and its numbers of one month',
          tags,
          params: TaskPath,
          querystring: ShowSyncTaskQuery,
          response: { 200: ShowSyncTaskReply, ...taskProblems },
        },
        config: { action: 'oms:synctask:get' },
      },
      async ({ params: { project_id: project, sync_task_id: id }, query }) => {
        const at = Math.min(query.query_time, YEAR_9999_END_MS);
        const { task, month, reconcileHours } = await syncTasks.show(project, id, at);
        return toShowReply(task, month, reconcileHours);
      },
    );

    app.patch(
      TASK,
      {
        schema: {
          operationId: 'ChangeSyncTask',
          summary: 'Extension: change what may change of a synchronization task',
          tags: ['Scans (extension)'],
          params: TaskPath,
          body: ChangeSyncTaskBody,
          response: { 200: Nothing, ...taskProblems, 413: tooLarge },
        },
        config: { ...changes, neverChanges: unchangeable },
      },
      async ({ params: { project_id: project, sync_task_id: id }, body }, reply) => {
        await syncTasks.change(project, id, toTaskChange(body));
        return reply.send();
      },
    );

    app.delete(
      TASK,
      {
        schema: {
          operationId: 'DeleteSyncTask',
          summary: 'Delete a stopped synchronization task',
          tags,
          params: TaskPath,
          response: { 200: Nothing, ...taskProblems },
        },
        config: { action: 'oms:synctask:delete' },
      },
      async ({ params: { project_id: project, sync_task_id: id } }, reply) => {
        await syncTasks.remove(project, id);
        return reply.send();
      },
    );
  };
}

function stateRoutes(syncTasks: SyncTaskService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      `${TASK}/start`,
      {
        schema: {
          operationId: 'StartSyncTask',
          summary: 'Start a stopped synchronization task',
          tags,
          params: TaskPath,
          body: StartSyncTaskBody,
          response: { 200: Nothing, ...taskProblems, 413: tooLarge },
        },
        config: { action: 'oms:synctask:update', refusesMisspelt: true, takes },
      },
      async ({ params: { project_id: project, sync_task_id: id }, body }, reply) => {
        await syncTasks.start(project, id, toCredentials(body));
        return reply.send();
      },
    );

    app.post(
      `${TASK}/stop`,
      {
        schema: {
          operationId: 'StopSyncTask',
          summary: 'Stop a synchronization task; objects in transfer are finished first',
          tags,
          params: TaskPath,
          response: { 200: Nothing, ...taskProblems },
        },
        config: { action: 'oms:synctask:update' },
      },
      async ({ params: { project_id: project, sync_task_id: id } }, reply) => {
        await syncTasks.stop(project, id);
        return reply.send();
      },
    );
  };
}
