import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type StatisticType, statisticTypes } from '../../../platform/model/statistics.ts';
import type {
  SyncTaskService,
  TaskStatistics,
} from '../../../domain/tasks/sync/sync-task-service.ts';
import { TaskPath, taskProblems } from '../kit/common-schemas.ts';
import { ListSyncTaskStatisticQuery, ListSyncTaskStatisticReply } from './schemas/statistics.ts';
import { invalid } from '../kit/validation.ts';

/** The counters of one task over time. */
export function statisticRoutes(syncTasks: SyncTaskService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v2/:project_id/sync-tasks/:sync_task_id/statistics',
      {
        schema: {
          operationId: 'ListSyncTaskStatistic',
          summary: 'The counters of a synchronization task over time',
          tags: ['Synchronization tasks'],
          params: TaskPath,
          querystring: ListSyncTaskStatisticQuery,
          response: { 200: ListSyncTaskStatisticReply, ...taskProblems },
        },
        config: { action: 'oms:synctask:statistics' },
      },
      async ({ params: { project_id: project, sync_task_id: id }, query }) => {
        const types = readTypes(query.data_type);
        const { start_time: startMs, end_time: endMs } = query;
        if (startMs > endMs) throw invalid('start_time', 'must not be after end_time');
        const statistics = await syncTasks.statistics(project, id, { startMs, endMs });
        return toReply(id, types, statistics);
      },
    );
  };
}

/** The requested types, each once, in the order of the request. */
function readTypes(text: string): StatisticType[] {
  const words = text.split(',').map((word) => word.trim());
  const types = words.map((word) => statisticTypes.find((type) => type === word));
  const known = types.filter((type) => type !== undefined);
  if (known.length < words.length) {
    throw invalid('data_type', `must be some of ${statisticTypes.join(', ')}, separated by commas`);
  }
  return [...new Set(known)];
}

function toReply(
  id: string,
  types: readonly StatisticType[],
  { width, points }: TaskStatistics,
): ListSyncTaskStatisticReply {
  return {
    sync_task_id: id,
    statistic_time_type: width,
    statistic_datas: types.map((type) => ({
      data_type: type,
      data: points.map(({ start, counters }) => ({
        time_stamp: start,
        statistic_num: counters[type],
      })),
    })),
  };
}
