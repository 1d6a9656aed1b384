import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectInReply } from '../../src/surface/api/oms/schemas/objects.ts';
import type { Scan } from '../../src/surface/api/oms/schemas/scans.ts';
import type { ShowSyncTaskReply } from '../../src/surface/api/oms/schemas/sync-task.ts';
import { until } from './until.ts';

/** An answer of the API that is no success. */
export class OmsError extends Error {
  override readonly name = 'OmsError';
  readonly status: number;
  readonly code: string;
  readonly detail: string | undefined;

  constructor(status: number, body: OmsErrorBody) {
    super(`${status} ${body.error_code ?? ''} ${body.error_msg ?? ''} ${body.error_detail ?? ''}`);
    this.status = status;
    this.code = body.error_code ?? '';
    this.detail = body.error_detail;
  }
}

interface OmsErrorBody {
  readonly error_code?: string;
  readonly error_msg?: string;
  readonly error_detail?: string;
}

/** The task as the API shows it, as far as tests and examples look. */

export interface ShownTask {
  readonly sync_task_id: string;
  readonly status: string;
  readonly enable_kms: boolean;
  readonly monthly_acceptance_request: number;
  readonly monthly_success_object: number;
  readonly monthly_failure_object: number;
  readonly monthly_skip_object: number;
  readonly monthly_size: number;
  readonly src_behaviour?: ShowSyncTaskReply['src_behaviour'];
  readonly dst_behaviour?: ShowSyncTaskReply['dst_behaviour'];
}

export type ListedObject = ObjectInReply;

export interface ObjectPage {
  readonly objects: readonly ListedObject[];
  readonly next_cursor: string | null;
}

/** The points of each kind of number, by its name. */
export interface Statistics {
  readonly width: string;
  readonly points: Readonly<Record<string, readonly (readonly [start: number, count: number])[]>>;
}

/** The smallest client of the API: for tests, the demo and benchmarks. */
export class OmsClient {
  readonly #url: string;
  readonly #token: string;
  readonly projectId: string;

  constructor(server: {
    readonly url: string;
    readonly projectId: string;
    readonly token: string;
  }) {
    this.#url = server.url;
    this.#token = server.token;
    this.projectId = server.projectId;
  }

  /** Sends one request; gives the parsed body, or undefined where there is none. */
  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await this.#send(`/v2/${this.projectId}${path}`, {
      method,
      headers: { 'x-auth-token': this.#token, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed: unknown = text === '' ? undefined : JSON.parse(text);
    if (!response.ok) throw new OmsError(response.status, parsed as OmsErrorBody);
    return parsed;
  }

  /** As HTTP lets a client do: a GET on a connection that the server closes just then is repeated. */
  async #send(path: string, request: RequestInit): Promise<Response> {
    try {
      return await fetch(this.#url + path, request);
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      const isClosed = cause instanceof Error && 'code' in cause && cause.code === 'UND_ERR_SOCKET';
      if (!isClosed || request.method !== 'GET') throw error;
      return await fetch(this.#url + path, request);
    }
  }

  async createTask(body: Record<string, unknown>): Promise<string> {
    const created = (await this.call('POST', '/sync-tasks', body)) as { sync_task_id: string };
    return created.sync_task_id;
  }

  async show(taskId: string): Promise<ShownTask> {
    return (await this.call('GET', `/sync-tasks/${taskId}?query_time=${Date.now()}`)) as ShownTask;
  }

  /** Names objects in events of up to 100. */
  async sendEvents(taskId: string, keys: readonly string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += 100) {
      const object_keys = keys.slice(start, start + 100).map(encodeURIComponent);
      await this.call('POST', `/sync-tasks/${taskId}/events`, { object_keys });
    }
  }

  async stop(taskId: string): Promise<void> {
    await this.call('POST', `/sync-tasks/${taskId}/stop`);
  }

  async start(taskId: string, body?: Record<string, unknown>): Promise<void> {
    await this.call('POST', `/sync-tasks/${taskId}/start`, body);
  }

  async remove(taskId: string): Promise<void> {
    await this.call('DELETE', `/sync-tasks/${taskId}`);
  }

  /** @param prefix Of the names; absent, all that failed are due again. */
  async retryFailed(taskId: string, prefix?: string): Promise<number> {
    const path = `/sync-tasks/${taskId}/retry-failed`;
    const body = prefix === undefined ? undefined : { prefix };
    return ((await this.call('POST', path, body)) as { retried: number }).retried;
  }

  async statistics(
    taskId: string,
    { types, from, to }: { readonly types: string; readonly from: number; readonly to: number },
  ): Promise<Statistics> {
    const query = new URLSearchParams({
      data_type: types,
      start_time: String(from),
      end_time: String(to),
    });
    const reply = (await this.call(
      'GET',
      `/sync-tasks/${taskId}/statistics?${query.toString()}`,
    )) as {
      statistic_time_type: string;
      statistic_datas: {
        data_type: string;
        data: { time_stamp: number; statistic_num: number }[];
      }[];
    };
    const points = reply.statistic_datas.map(
      ({ data_type, data }) =>
        [
          data_type,
          data.map(({ time_stamp, statistic_num }) => [time_stamp, statistic_num] as const),
        ] as const,
    );
    return { width: reply.statistic_time_type, points: Object.fromEntries(points) };
  }

  /** The whole object list, page by page. */
  async objects(taskId: string, outcome?: string): Promise<ListedObject[]> {
    const all: ListedObject[] = [];
    let cursor: string | undefined;
    do {
      const query = new URLSearchParams({ limit: '1000' });
      if (outcome !== undefined) query.set('outcome', outcome);
      if (cursor !== undefined) query.set('cursor', cursor);
      const page = (await this.call(
        'GET',
        `/sync-tasks/${taskId}/objects?${query.toString()}`,
      )) as {
        objects: ListedObject[];
        next_cursor: string | null;
      };
      all.push(...page.objects);
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    return all;
  }

  /** One page of the object list. @param query As the API takes it. */
  async objectPage(taskId: string, query: URLSearchParams): Promise<ObjectPage> {
    return (await this.call(
      'GET',
      `/sync-tasks/${taskId}/objects?${query.toString()}`,
    )) as ObjectPage;
  }

  /** @throws {Error} for a task without scans. */
  async newestScan(taskId: string): Promise<Scan> {
    const reply = (await this.call('GET', `/sync-tasks/${taskId}/scans?limit=1`)) as {
      readonly scans: readonly Scan[];
    };
    const [scan] = reply.scans;
    if (scan === undefined) throw new Error('the task has no scan');
    return scan;
  }

  /** The newest scan of a task, once it neither waits nor runs. @throws {Error} after `seconds`. */
  async endedScan(taskId: string, seconds = 60): Promise<Scan> {
    let scan: Scan | undefined;
    await until(
      'the scan has ended',
      async () => {
        scan = await this.newestScan(taskId);
        return !['waiting', 'running'].includes(scan.state);
      },
      seconds,
    );
    return scan ?? (await this.newestScan(taskId));
  }

  /** Waits until as many rounds as given are settled. @throws {Error} after `seconds`. */
  async settled(taskId: string, rounds: number, seconds = 60): Promise<ShownTask> {
    const deadline = performance.now() + seconds * 1000;
    for (;;) {
      const task = await this.show(taskId);
      const done = roundsOf(task);
      if (done >= rounds) return task;
      if (performance.now() > deadline) {
        throw new Error(`${done} of ${rounds} rounds were settled after ${seconds} s`);
      }
      await sleep(25);
    }
  }
}

/** How many rounds were settled this month, however they ended. */
export function roundsOf(task: ShownTask): number {
  return task.monthly_success_object + task.monthly_failure_object + task.monthly_skip_object;
}
