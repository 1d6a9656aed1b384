import type { RetryFilter } from '../../src/domain/tasks/sync/retry-objects.ts';
import type { ScanService } from '../../src/domain/scan/scan-service.ts';
import type { ObjectRecord } from '../../src/domain/queue/object-record.ts';
import type { InjectOptions } from 'fastify';
import { pino } from 'pino';
import { systemClock } from '../../src/platform/base/clock.ts';
import { createMetrics } from '../../src/platform/base/metrics.ts';
import type { Counters } from '../../src/platform/model/statistics.ts';
import { planStatistics } from '../../src/platform/model/statistics.ts';
import { type SyncTaskStatus, step } from '../../src/platform/model/sync-task.ts';
import type { SyncTask } from '../../src/domain/tasks/task-record.ts';
import type { AuditEntry } from '../../src/domain/access/audit.ts';
import { MemoryRates } from '../../src/domain/access/rates.ts';
import { MemoryLockouts } from '../../src/domain/access/lockouts.ts';
import type {
  Gatekeeper,
  IdentityService,
  Principal,
} from '../../src/domain/access/identity-service.ts';
import { type Problem, ServiceError } from '../../src/domain/service-error.ts';
import type {
  Health,
  NewSyncTask,
  ObjectFilter,
  SyncTaskService,
  TaskCredentials,
} from '../../src/domain/tasks/sync/sync-task-service.ts';
import { buildApi } from '../../src/surface/api/server.ts';

/** For the tests of this folder: the API over use cases that live in memory. */

export const PROJECT = '2c0689c860ad4728a497c91ec0844383';
export const TOKEN = 'a-token-of-the-project';
export const NOW = 1_700_000_000_000;
const TASKS_MAX = 5;

const month: Counters = { REQUEST: 11, SUCCESS: 7, FAILURE: 1, SKIP: 3, SIZE: 4096 };

/** No limits, because tests send many requests. */
const noLimits = {
  ...{
    logInsPerMinute: 0,
    authFailuresPerMinute: 0,
    callsPerMinute: 0,
    eventsPerMinute: 0,
    listsPerMinute: 0,
  },
};

/** The smallest body that creates a task. */
export const minimalBody = {
  src_cloud_type: 'HuaweiCloud',
  src_region: 'cn-north-1',
  src_bucket: 'src-b',
  src_ak: 'source-access-key',
  src_sk: 'source-secret-key',
  dst_ak: 'target-access-key',
  dst_sk: 'target-secret-key',
  dst_region: 'cn-north-4',
  dst_bucket: 'dst-b',
};

/** Use cases in memory, with the rules of the state machine and a record of what came in. */
class FakeSyncTasks implements SyncTaskService {
  readonly tasks = new Map<string, SyncTask>();
  readonly created: NewSyncTask[] = [];
  readonly sealed = new Map<string, TaskCredentials>();
  readonly started: Partial<TaskCredentials>[] = [];
  readonly events: string[] = [];
  readonly filters: ObjectFilter[] = [];
  readonly retries: RetryFilter[] = [];
  objects: ObjectRecord[] = [];
  /** Thrown by the next call, whichever it is. */
  failure: Error | undefined;

  async list(
    projectId: string,
    page: { readonly limit: number; readonly offset: number; readonly status?: SyncTaskStatus },
  ) {
    this.#mayFail();
    const all = [...this.tasks.values()]
      .filter((task) => task.projectId === projectId)
      .filter(({ status }) => page.status === undefined || status === page.status)
      .reverse();
    return { tasks: all.slice(page.offset, page.offset + page.limit), count: all.length };
  }

  async create(projectId: string, task: NewSyncTask) {
    this.#mayFail();
    if (this.tasks.size >= TASKS_MAX) throw refusal('too-many-tasks');
    this.created.push(task);
    const id = `31e9b7e6-6ffb-452f-9842-6ce354d99d7${this.tasks.size}`;
    const { credentials, ...plan } = task;
    this.sealed.set(id, credentials);
    const created: SyncTask = {
      ...plan,
      id,
      projectId,
      status: 'SYNCHRONIZING',
      createdAt: NOW,
      lastStartedAt: NOW,
    };
    this.tasks.set(id, created);
    return { id, repeated: false };
  }

  async show(projectId: string, taskId: string) {
    const { reconcileHours = 0 } = this.created.at(-1) ?? {};
    return { task: this.#task(projectId, taskId), month, reconcileHours };
  }

  async change(projectId: string, taskId: string) {
    this.#task(projectId, taskId);
  }

  async remove(projectId: string, taskId: string) {
    if (step(this.#task(projectId, taskId).status, 'delete') === undefined) {
      throw refusal('task-running');
    }
    this.tasks.delete(taskId);
  }

  async start(projectId: string, taskId: string, credentials: Partial<TaskCredentials>) {
    this.#change(projectId, taskId, 'start', 'task-already-started');
    this.started.push(credentials);
  }

  async stop(projectId: string, taskId: string) {
    this.#change(projectId, taskId, 'stop', 'task-not-running');
  }

  async eventQuota() {
    return { max: 100, own: false };
  }

  async acceptEvents(projectId: string, taskId: string, encodedKeys: readonly string[]) {
    if (this.#task(projectId, taskId).status === 'STOPPED') throw refusal('task-not-running');
    this.events.push(...encodedKeys);
  }

  async statistics(
    projectId: string,
    taskId: string,
    range: { readonly startMs: number; readonly endMs: number },
  ) {
    this.#task(projectId, taskId);
    const plan = planStatistics(range, range.endMs);
    if (plan === undefined) throw refusal('range-too-long');
    const none: Counters = { REQUEST: 0, SUCCESS: 0, FAILURE: 0, SKIP: 0, SIZE: 0 };
    const points = plan.starts.map((start, index) => ({
      start,
      counters: index === 0 ? month : none,
    }));
    return { width: plan.width, points };
  }

  async progress(projectId: string, taskId: string) {
    this.#task(projectId, taskId);
    const waiting = { waitingEvents: 3, waitingScans: 2, retrying: 1, rechecking: 4 };
    const rate = { seconds: 300, objectsPerSecond: 1.5, bytesPerSecond: 2048 };
    const scans = { scan: undefined, lastReconcile: undefined };
    return { ...waiting, ...scans, inWork: 5, exact: true, lagSeconds: 7, rate };
  }

  async listObjects(projectId: string, taskId: string, filter: ObjectFilter) {
    this.#task(projectId, taskId);
    this.filters.push(filter);
    const { after = '', limit } = filter;
    const rest = this.objects.filter(({ key }) => key > after);
    const objects = rest.slice(0, limit);
    return { objects, next: rest.length > limit ? objects.at(-1)?.key : undefined };
  }

  async retryFailed(projectId: string, taskId: string, filter: RetryFilter) {
    this.#task(projectId, taskId);
    this.retries.push(filter);
    return { retried: 3 };
  }

  #task(projectId: string, taskId: string): SyncTask {
    this.#mayFail();
    const task = this.tasks.get(taskId);
    if (task?.projectId !== projectId) throw refusal('unknown-task');
    return task;
  }

  #change(projectId: string, taskId: string, signal: 'start' | 'stop', problem: Problem): void {
    const task = this.#task(projectId, taskId);
    const status = step(task.status, signal);
    if (status === undefined || status === 'gone') throw refusal(problem);
    this.tasks.set(taskId, { ...task, status });
  }

  #mayFail(): void {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }
}

/** Knows one token, which may do everything in its project. */
class FakeGatekeeper implements Gatekeeper {
  async principalOf(token: string) {
    if (token !== TOKEN) return undefined;
    const name = 'somebody';
    return { kind: 'token', name, userId: 'u', groups: [], projectId: PROJECT } as const;
  }

  async accessKey() {
    return undefined;
  }

  async userNamed() {
    return undefined;
  }

  async may(principal: Principal, projectId: string | undefined) {
    return projectId === undefined || principal.projectId === projectId;
  }
}

function refusal(problem: Problem): ServiceError {
  return new ServiceError(problem, `refused: ${problem}`, `detail of ${problem}`);
}

/** A separate API for one test. */
export async function openApi() {
  const lines: string[] = [];
  const syncTasks = new FakeSyncTasks();
  const audited: AuditEntry[] = [];
  const metrics = createMetrics();
  const health: { ready: Health['ready'] } = { ready: async () => undefined };
  const app = await buildApi({
    syncTasks,
    scans: new Proxy({} as ScanService, {
      get: () => () => Promise.reject(new Error('no scans in memory')),
    }),
    gatekeeper: new FakeGatekeeper(),
    identity: new Proxy({} as IdentityService, {
      get: () => () => Promise.reject(new Error('no identities in memory')),
    }),
    singleSignOn: async () => undefined,
    limits: noLimits,
    lockouts: Object.assign(new MemoryLockouts(() => NOW), { take: async () => 0 }),
    rates: new MemoryRates(() => NOW),
    usedSignatures: { mayUse: async () => true },
    processes: async () => [],
    audit: {
      record: async (entry) => void audited.push(entry),
      count: (entry) => void audited.push(entry),
      list: async () => [],
    },
    clock: systemClock,
    health: { ready: () => health.ready() },
    metrics,
    log: pino({ level: 'trace' }, { write: (line: string) => lines.push(line) }),
  });

  /** With the credential, below the project, unless `headers` or a leading slash say otherwise. */
  async function call(method: 'GET' | 'POST' | 'DELETE', path: string, rest: InjectOptions = {}) {
    const url = path.startsWith('/') ? path : `/v2/${PROJECT}/${path}`;
    const headers = { 'x-auth-token': TOKEN, ...rest.headers };
    return app.inject({ ...rest, method, url, headers });
  }

  async function createTask(body: object = {}): Promise<string> {
    const reply = await call('POST', 'sync-tasks', { payload: { ...minimalBody, ...body } });
    const { sync_task_id: id } = reply.json<{ sync_task_id: string }>();
    return id;
  }

  return {
    app,
    syncTasks,
    metrics,
    health,
    audited,
    call,
    createTask,
    /** What was logged, as one text. */
    log: () => lines.join(''),
    [Symbol.asyncDispose]: () => app.close(),
  };
}
