import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openApi } from '../../../../test/kit/api-in-memory.ts';

interface Reply {
  sync_task_id: string;
  statistic_time_type: string;
  statistic_datas: {
    data_type: string;
    data: { time_stamp: number; statistic_num: number }[];
  }[];
}

const start = 1_700_000_000_000;
const day = 24 * 60 * 60_000;

describe('ListSyncTaskStatistic', () => {
  test('returns the types in the requested order, each once, with zeros between', async () => {
    await using api = await openApi();
    const id = await api.createTask();
    const reply = await api.call(
      'GET',
      `sync-tasks/${id}/statistics?data_type=SIZE%2CREQUEST,SIZE&start_time=${start}&end_time=${start + 900_000}`,
    );
    assert.equal(reply.statusCode, 200);
    const first = Math.floor(start / 300_000) * 300_000;
    const data = (value: number) =>
      [value, 0, 0, 0].map((number, index) => ({
        time_stamp: first + index * 300_000,
        statistic_num: number,
      }));
    assert.deepEqual(reply.json(), {
      sync_task_id: id,
      statistic_time_type: 'FIVE_MINUTES',
      statistic_datas: [
        { data_type: 'SIZE', data: data(4096) },
        { data_type: 'REQUEST', data: data(11) },
      ],
    });
  });

  test('a day has 289 points of five minutes, a week has hours', async () => {
    await using api = await openApi();
    const id = await api.createTask();
    const over = async (span: number) => {
      const path = `sync-tasks/${id}/statistics?data_type=SUCCESS&start_time=${start}&end_time=${start + span}`;
      return (await api.call('GET', path)).json<Reply>();
    };
    assert.equal((await over(day)).statistic_datas[0]?.data.length, 289);
    assert.equal((await over(7 * day)).statistic_time_type, 'ONE_HOUR');
  });

  test('refuses what it cannot answer', async () => {
    await using api = await openApi();
    const id = await api.createTask();
    const times = `start_time=${start}&end_time=${start + day}`;
    for (const [query, code, detail] of [
      [
        `data_type=REQUESTS&${times}`,
        'OMS.0064',
        'request parameter [data_type] must be some of REQUEST, SUCCESS, FAILURE, SKIP, SIZE, separated by commas',
      ],
      [times, 'OMS.1004', 'request parameter [data_type] is missing'],
      [`data_type=&${times}`, 'OMS.1004', 'request parameter [data_type] is missing'],
      ['data_type=SIZE', 'OMS.1004', 'request parameters [start_time], [end_time] are missing'],
      [
        `data_type=SIZE&start_time=${start}&end_time=soon`,
        'OMS.1002',
        'request parameter [end_time] must be an integer',
      ],
      [
        `data_type=SIZE&start_time=${start + 1}&end_time=${start}`,
        'OMS.0064',
        'request parameter [start_time] must not be after end_time',
      ],
      [
        `data_type=SIZE&start_time=${start - 42 * day}&end_time=${start}`,
        'OMS.0064',
        'detail of range-too-long',
      ],
      [
        `data_type=SIZE&start_time=${start / 1000}&end_time=${start}`,
        'OMS.0064',
        'request parameter [start_time] must be at least 1000000000000: milliseconds since 1970, which have 13 digits; a time in seconds has 10',
      ],
    ] as const) {
      const reply = await api.call('GET', `sync-tasks/${id}/statistics?${query}`);
      assert.equal(reply.statusCode, 400, query);
      const problem = reply.json<Record<string, string>>();
      assert.deepEqual([problem['error_code'], problem['error_detail']], [code, detail]);
    }
  });
});
