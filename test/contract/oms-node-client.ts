import { ClientBuilder } from '@huaweicloud/huaweicloud-sdk-core/ClientBuilder.js';
import type { HcClient } from '@huaweicloud/huaweicloud-sdk-core/HcClient.js';
import type { SdkResponse } from '@huaweicloud/huaweicloud-sdk-core/SdkResponse.js';

/*
 * The OMS client of the official Node SDK is not published, its core is. This is the smallest client on
 * that core which sends what the official one sends: signing, content types, paths, parameters and errors
 * are the core's.
 */

export interface SyncTaskInfo {
  readonly sync_task_id: string;
  readonly status: string;
  readonly [field: string]: unknown;
}

export interface StatisticTypeData {
  readonly data_type: string;
  readonly data: readonly { readonly time_stamp: number; readonly statistic_num: number }[];
}

type Reply<Fields = object> = SdkResponse & Fields;

/** Parameters by their names in the API; one that is undefined is not sent. */
type Query = Readonly<Record<string, string | number | undefined>>;

interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the project. */
  readonly path: string;
  readonly taskId?: string;
  readonly query?: Query;
  readonly body?: object;
}

type Headers = Readonly<Record<string, string>>;

const TASKS = '/sync-tasks';
const TASK = `${TASKS}/{sync_task_id}`;

/** The eight operations of synchronization tasks. */
export class OmsNodeClient {
  readonly #hcClient: HcClient;
  readonly #headers: Headers;

  private constructor(hcClient: HcClient, headers: Headers) {
    this.#hcClient = hcClient;
    this.#headers = headers;
  }

  /** @param headers Sent and signed with every request, beside the core's own. */
  static newBuilder(headers: Headers = {}): ClientBuilder<OmsNodeClient> {
    return new ClientBuilder((hcClient) => new OmsNodeClient(hcClient, headers));
  }

  listSyncTasks(
    query: { limit?: number; offset?: number; status?: string } = {},
  ): Promise<Reply<{ tasks: SyncTaskInfo[]; count: number }>> {
    return this.call({ method: 'GET', path: TASKS, query });
  }

  createSyncTask(body: object): Promise<Reply<{ sync_task_id: string }>> {
    return this.call({ method: 'POST', path: TASKS, body });
  }

  showSyncTask(taskId: string, query_time?: number | string): Promise<Reply<SyncTaskInfo>> {
    return this.call({ method: 'GET', path: TASK, taskId, query: { query_time } });
  }

  deleteSyncTask(taskId: string): Promise<Reply> {
    return this.call({ method: 'DELETE', path: TASK, taskId });
  }

  startSyncTask(taskId: string, body: object): Promise<Reply> {
    return this.call({ method: 'POST', path: `${TASK}/start`, taskId, body });
  }

  stopSyncTask(taskId: string): Promise<Reply> {
    return this.call({ method: 'POST', path: `${TASK}/stop`, taskId });
  }

  createSyncEvents(taskId: string, body: object): Promise<Reply> {
    return this.call({ method: 'POST', path: `${TASK}/events`, taskId, body });
  }

  listSyncTaskStatistic(
    taskId: string,
    query: { data_type?: string; start_time?: number | string; end_time?: number | string },
  ): Promise<
    Reply<{
      sync_task_id: string;
      statistic_time_type: string;
      statistic_datas: StatisticTypeData[];
    }>
  > {
    return this.call({ method: 'GET', path: `${TASK}/statistics`, taskId, query });
  }

  /** Sends what the operations send; by itself, what no operation does. */
  call<Fields>({ method, path, taskId, query = {}, body }: Call): Promise<Reply<Fields>> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    return this.#hcClient.sendRequest({
      method,
      url: `/v2/{project_id}${path}`,
      contentType: body === undefined ? 'application/json' : 'application/json;charset=UTF-8',
      queryParams: Object.fromEntries(given),
      pathParams: taskId === undefined ? {} : { sync_task_id: taskId },
      headers: { ...this.#headers },
      ...(body !== undefined && { data: body }),
    });
  }
}
