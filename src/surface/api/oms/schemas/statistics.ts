import { type Static, Type } from 'typebox';
import { POINTS_MAX, statisticTypes } from '../../../../platform/model/statistics.ts';
import { oneOf, queryTime, timestamp } from '../../kit/common-schemas.ts';

export const ListSyncTaskStatisticQuery = Type.Object({
  data_type: Type.String({
    minLength: 1,
    maxLength: 255,
    description: `One or more of ${statisticTypes.join(', ')}, separated by commas`,
  }),
  start_time: queryTime('Milliseconds; at most 100 days ago'),
  end_time: queryTime('Milliseconds'),
});

export const ListSyncTaskStatisticReply = Type.Object(
  {
    sync_task_id: Type.String(),
    statistic_time_type: oneOf(['FIVE_MINUTES', 'ONE_HOUR'], {
      description:
        'The interval of a point: five minutes for ranges up to three days that begin less than ' +
        'four days ago, else an hour',
    }),
    statistic_datas: Type.Array(
      Type.Object({
        data_type: oneOf(statisticTypes),
        data: Type.Array(
          Type.Object({
            time_stamp: timestamp('The start of the point; milliseconds'),
            statistic_num: Type.Integer(),
          }),
          {
            maxItems: POINTS_MAX,
            description: 'In ascending order; intervals without activity are 0',
          },
        ),
      }),
      { description: 'In the order of data_type' },
    ),
  },
  { description: 'OK' },
);
export type ListSyncTaskStatisticReply = Static<typeof ListSyncTaskStatisticReply>;
