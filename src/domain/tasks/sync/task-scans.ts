import { randomUUID } from 'node:crypto';
import { isUuid } from '../../../platform/base/uuid.ts';
import type { SyncTask } from '../task-record.ts';
import type { Database } from '../../../platform/postgres/db.ts';
import {
  type Difference,
  enqueueDifferences,
  listDifferences,
} from '../../scan/differences-table.ts';
import { type ScanKind, type ScanSignal, writes } from '../../scan/scan.ts';
import type { ScanService } from '../../scan/scan-service.ts';
import {
  findScan,
  insertScan,
  listScans,
  type ScanRecord,
  signalScan,
} from '../../scan/scans-table.ts';
import { ServiceError } from '../../service-error.ts';

const ENQUEUED_AT_ONCE = 5_000;

/** The use cases of the scans of synchronization tasks, over the database. */
export class TaskScans implements ScanService {
  readonly #database: Database;
  readonly #find: (projectId: string, taskId: string) => Promise<SyncTask>;

  /** @param find Finds a task, or throws that there is none. */
  constructor(database: Database, find: (projectId: string, taskId: string) => Promise<SyncTask>) {
    this.#database = database;
    this.#find = find;
  }

  async list(
    projectId: string,
    taskId: string,
    page: { readonly limit: number; readonly offset: number },
  ): Promise<readonly ScanRecord[]> {
    const task = await this.#find(projectId, taskId);
    return await listScans(this.#database, task.id, page);
  }

  async start(projectId: string, taskId: string, kind: ScanKind): Promise<ScanRecord> {
    const task = await this.#find(projectId, taskId);
    if (writes(kind) && task.status !== 'SYNCHRONIZING') {
      const message = `Synchronization task ${taskId} is stopped, and a ${kind} copies objects.`;
      throw new ServiceError('task-not-running', message, 'Start the task first, or verify it.');
    }
    const id = randomUUID();
    if (!(await insertScan(this.#database, { id, taskId: task.id, kind }))) {
      const message = `Synchronization task ${taskId} has a backfill or reconcile that has not ended.`;
      throw new ServiceError('in-use', message, 'Wait until it has ended, or cancel it.');
    }
    return await this.#scan(task.id, id);
  }

  async show(projectId: string, taskId: string, scanId: string): Promise<ScanRecord> {
    const task = await this.#find(projectId, taskId);
    return await this.#scan(task.id, scanId);
  }

  async differences(
    projectId: string,
    taskId: string,
    scanId: string,
    { after, limit }: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<{ differences: readonly Difference[]; next: string | undefined }> {
    const task = await this.#find(projectId, taskId);
    const { id } = await this.#scan(task.id, scanId);
    const rows = await listDifferences(this.#database, id, { after, limit: limit + 1 });
    const differences = rows.slice(0, limit);
    return { differences, next: rows.length > limit ? differences.at(-1)?.key : undefined };
  }

  async enqueueDifferences(
    projectId: string,
    taskId: string,
    scanId: string,
  ): Promise<{ enqueued: number }> {
    const task = await this.#find(projectId, taskId);
    const { id } = await this.#scan(task.id, scanId);
    if (task.status !== 'SYNCHRONIZING') {
      const message = `Synchronization task ${taskId} is stopped and copies nothing.`;
      throw new ServiceError('task-not-running', message, 'Start the task first.');
    }
    let enqueued = 0;
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page = { after, limit: ENQUEUED_AT_ONCE };
      const batch = await enqueueDifferences(this.#database, { scanId: id, taskId: task.id }, page);
      enqueued += batch.count;
      after = batch.lastKey;
    }
    return { enqueued };
  }

  async signal(
    projectId: string,
    taskId: string,
    scanId: string,
    signal: ScanSignal,
  ): Promise<ScanRecord> {
    const task = await this.#find(projectId, taskId);
    const { state } = await this.#scan(task.id, scanId);
    if (!(await signalScan(this.#database, scanId, signal))) {
      const message = `The scan is ${state}, so it cannot be ${done[signal]}.`;
      throw new ServiceError('in-use', message);
    }
    return await this.#scan(task.id, scanId);
  }

  async #scan(taskId: string, scanId: string): Promise<ScanRecord> {
    const scan = isUuid(scanId) ? await findScan(this.#database, taskId, scanId) : undefined;
    if (scan === undefined) {
      throw new ServiceError('not-found', `The task has no scan ${scanId}.`);
    }
    return scan;
  }
}

const done: Readonly<Record<ScanSignal, string>> = {
  stop: 'stopped',
  start: 'started',
  cancel: 'canceled',
};
