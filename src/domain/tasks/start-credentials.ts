import type { Sealer } from '../../platform/base/seal.ts';
import type { Db } from '../../platform/postgres/db.ts';
import { taskToWork } from './tasks-table.ts';
import type { Task } from './task-record.ts';
import type { AccessKey } from '../../platform/signing/access-key.ts';
import { openCredentials } from './credentials.ts';
import { ServiceError } from '../service-error.ts';
import type { TaskCredentials } from './sync/sync-task-service.ts';

/** A task with the credentials that it is to run with. */
export interface StartingTask {
  readonly task: Task;
  readonly credentials: TaskCredentials;
  /** Whether some of them are not those that are sealed. */
  readonly renewed: boolean;
}

/**
 * What a start makes of the credentials that it brings: they take the places of those that the task has.
 *
 * @returns Undefined where the task is gone.
 * @throws {ServiceError} where it brings a key for a CDN, and the task reads through none.
 */
export async function credentialsOfStart(
  db: Db,
  sealer: Sealer,
  taskId: string,
  given: Partial<TaskCredentials>,
): Promise<StartingTask | undefined> {
  const found = await taskToWork(db, taskId);
  if (found === undefined) return undefined;
  if (given.cdnKey !== undefined && found.task.sourceCdn === undefined) throw noCdn;
  const before = openCredentials(sealer, taskId, found.credentials);
  const { source = before.source, target = before.target, cdnKey = before.cdnKey } = given;
  const renewed =
    !isSameKey(source, before.source) ||
    !isSameKey(target, before.target) ||
    cdnKey?.reveal() !== before.cdnKey?.reveal();
  return { task: found.task, credentials: { source, target, cdnKey }, renewed };
}

function isSameKey(one: AccessKey, other: AccessKey): boolean {
  return (
    one.accessKeyId === other.accessKeyId &&
    one.secretAccessKey.reveal() === other.secretAccessKey.reveal() &&
    one.sessionToken?.reveal() === other.sessionToken?.reveal()
  );
}

const noCdn = new ServiceError(
  'invalid-request',
  'Invalid request parameters.',
  '[cdnKey] invalid. Leave it out: the task does not read through a CDN.',
);
