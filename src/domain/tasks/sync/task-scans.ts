import { randomUUID } from 'node:crypto';
import { isUuid } from '../../../platform/base/uuid.ts';
import type { SyncTask } from '../task-record.ts';
import type { Database } from '../../../platform/postgres/db.ts';
import { type BusiestRate, busiestRate } from '../../queue/statistics.ts';
import { type CertifiedRange, certifiedRanges } from '../../scan/certificate-table.ts';
import { listDifferences } from '../../scan/differences-table.ts';
import { beginEnqueueing } from '../../scan/enqueue-report.ts';
import { type ScanOptions, type ScanSignal, writes } from '../../scan/scan.ts';
import type { DifferencesPage, NewScan, ScanService } from '../../scan/scan-service.ts';
import {
  findScan,
  insertScan,
  isTruncated,
  listScans,
  type ScanRecord,
  signalScan,
} from '../../scan/scans-table.ts';
import { ServiceError } from '../../service-error.ts';

/** Of the newest scans, the last complete one has counted the objects. */
const SCANS_SEARCHED = 100;

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

  async start(projectId: string, taskId: string, { kind, deep }: NewScan): Promise<ScanRecord> {
    const task = await this.#find(projectId, taskId);
    if (writes(kind) && task.status !== 'SYNCHRONIZING') {
      const message = `Synchronization task ${taskId} is stopped, and a ${kind} copies objects.`;
      throw new ServiceError('task-not-running', message, 'Start the task first, or verify it.');
    }
    if (deep !== undefined && kind !== 'verify') {
      const detail = '[deep] is for verifications only';
      throw new ServiceError('invalid-request', 'Invalid request parameters.', detail);
    }
    const options = deep === undefined ? undefined : await this.#optionsOf(task.id, deep);
    const id = randomUUID();
    if (!(await insertScan(this.#database, { id, taskId: task.id, kind, options }))) {
      const message = `Synchronization task ${taskId} has a backfill or reconcile that has not ended.`;
      throw new ServiceError('in-use', message, 'Wait until it has ended, or cancel it.');
    }
    return await this.#scan(task.id, id);
  }

  async show(
    projectId: string,
    taskId: string,
    scanId: string,
  ): Promise<ScanRecord & { readonly rate?: BusiestRate | undefined }> {
    const task = await this.#find(projectId, taskId);
    const scan = await this.#scan(task.id, scanId);
    if (scan.kind !== 'estimate') return scan;
    return { ...scan, rate: await busiestRate(this.#database, task.id) };
  }

  async certificate(
    projectId: string,
    taskId: string,
    scanId: string,
  ): Promise<{ scan: ScanRecord; ranges: readonly CertifiedRange[] }> {
    const task = await this.#find(projectId, taskId);
    const scan = await this.#scan(task.id, scanId);
    return { scan, ranges: await certifiedRanges(this.#database, scan.id) };
  }

  async differences(
    projectId: string,
    taskId: string,
    scanId: string,
    { after, limit }: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<DifferencesPage> {
    const task = await this.#find(projectId, taskId);
    const scan = await this.#scan(task.id, scanId);
    const rows = await listDifferences(this.#database, scan.id, { after, limit: limit + 1 });
    const differences = rows.slice(0, limit);
    const next = rows.length > limit ? differences.at(-1)?.key : undefined;
    return { differences, next, truncated: scan.kind === 'verify' && isTruncated(scan) };
  }

  async enqueueDifferences(projectId: string, taskId: string, scanId: string): Promise<ScanRecord> {
    const task = await this.#find(projectId, taskId);
    const { id, state } = await this.#scan(task.id, scanId);
    if (task.status !== 'SYNCHRONIZING') {
      const message = `Synchronization task ${taskId} is stopped and copies nothing.`;
      throw new ServiceError('task-not-running', message, 'Start the task first.');
    }
    if (!(await beginEnqueueing(this.#database, id))) {
      const message = `The scan is ${state}, and may find more differences.`;
      throw new ServiceError('in-use', message, 'Wait until it has ended, or cancel it.');
    }
    return await this.#scan(task.id, id);
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

  /** A count becomes a share, by which a key is read or not, whatever the order in which keys are listed. */
  async #optionsOf(taskId: string, deep: NonNullable<NewScan['deep']>): Promise<ScanOptions> {
    const { share, count } = deep;
    if ((share === undefined) === (count === undefined)) {
      const detail = '[deep] needs either a share or a count';
      throw new ServiceError('invalid-request', 'Invalid request parameters.', detail);
    }
    if (count === undefined) return { deepShare: share };
    const scans = await listScans(this.#database, taskId, { limit: SCANS_SEARCHED, offset: 0 });
    const objects = scans.find(({ state }) => state === 'complete')?.sourceObjects;
    if (objects === undefined) {
      const message = 'No scan has counted the objects yet, so a count of them is no share of all.';
      throw new ServiceError('in-use', message, 'Give a share, or complete another scan first.');
    }
    return { deepShare: objects <= count ? 1 : count / objects };
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
