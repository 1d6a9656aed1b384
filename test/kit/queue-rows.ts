import { randomUUID } from 'node:crypto';
import { acceptChanges, claimChanges, type ClaimedChange } from '../../src/domain/queue/changes.ts';
import { enqueueing, type Origin } from '../../src/domain/queue/enqueue.ts';
import type { Db } from '../../src/platform/postgres/db.ts';
import { type Settlement, settleChanges } from '../../src/domain/queue/settle.ts';
import { insertTask } from '../../src/domain/tasks/tasks-table.ts';
import { insertProject } from '../../src/domain/access/tokens-table.ts';
import { defaultChoices, type TaskPlan } from '../../src/domain/tasks/task-record.ts';

const place = { cloud: 'AWS', region: 'here' } as const;

/** The plan of an ordinary task. */
export const plainPlan: TaskPlan = {
  source: { ...place, bucket: 'source' },
  target: { ...place, bucket: 'target' },
  ...defaultChoices,
};

export const projectId = 'project';

/** A synchronizing task in the database. @returns Its ID. */
export async function addTask(
  db: Db,
  { tasksMax = 100, ...plan }: Partial<TaskPlan> & { readonly tasksMax?: number } = {},
): Promise<string> {
  await insertProject(db, projectId);
  const id = randomUUID();
  const sealed = { sealed: Buffer.of(1), keyId: 'none' };
  const task = await insertTask(db, { ...plainPlan, ...plan, id, projectId }, sealed, { tasksMax });
  if (task === undefined) throw new Error('the project has no place left');
  return id;
}

export interface AddKeys {
  readonly writer?: number;
  readonly accepted?: number;
}

/** Makes keys due. @returns Whether the task took them. */
export async function addKeys(
  db: Db,
  taskId: string,
  keys: readonly string[],
  { writer = 1, accepted = keys.length }: AddKeys = {},
): Promise<boolean> {
  const taken = await acceptChanges(db, { named: [{ taskId, projectId, keys, accepted }], writer });
  return taken.get(taskId) === projectId;
}

/** Claims as a worker does; what comes is in the order of the keys. */
export async function claim(
  db: Db,
  taskId: string,
  { limit = 100, leaseMs = 60_000, scanned = { least: 0, most: 1_000_000 } } = {},
): Promise<ClaimedChange[]> {
  const claimed = await claimChanges(db, { taskId, limit, leaseMs, scanned });
  return claimed.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Lets the leases of all claims, or of one key, run out. */
export async function expireLeases(db: Db, key?: string): Promise<void> {
  await db.query(
    `update changes set lease_until = now() - interval '1 second'
    where lease_until is not null and ($1::text is null or object_key = $1)`,
    [key ?? null],
  );
}

/** A result that ends a round, unless said otherwise. */
export function settlement(
  { key, claimId, generation }: Pick<ClaimedChange, 'key' | 'claimId' | 'generation'>,
  result: Partial<Settlement> = {},
): Settlement {
  const { done = true } = result;
  return {
    key,
    claimId,
    generation,
    done,
    delayMs: 0,
    released: false,
    ...(done && { outcome: 'copied', size: 1, startedAt: 0 }),
    ...result,
  };
}

export async function settle(
  db: Db,
  taskId: string,
  settlements: readonly Settlement[],
  writer = 1,
): Promise<{ held: number; late: number }> {
  const held = await settleChanges(db, { taskId, writer, settlements });
  return { held: held.size, late: settlements.length - held.size };
}

/** One of something that must be there. */
export function first<T>(items: readonly T[]): T {
  const item = items[0];
  if (item === undefined) throw new Error('there is none');
  return item;
}

/** Makes keys due as something other than an event does. */
export async function enqueue(
  db: Db,
  taskId: string,
  origin: Origin,
  keys: readonly string[],
): Promise<void> {
  const wanted = 'select $1::uuid as task_id, unnest($2::text[]) as object_key';
  await db.query(enqueueing(origin, wanted), [taskId, keys]);
}
