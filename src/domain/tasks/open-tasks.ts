import type { Sealer } from '../../platform/base/seal.ts';
import type { Database } from '../../platform/postgres/db.ts';
import { taskToWork } from './tasks-table.ts';
import type { Task } from './task-record.ts';
import { KeyScope } from '../../platform/model/key-scope.ts';
import type { MissingSource } from '../../platform/model/sync-task.ts';
import { mappedKeys } from '../../platform/stores/layers/mapped-keys.ts';
import { narrowed } from '../../platform/stores/layers/narrowed.ts';
import type { Store } from '../../platform/stores/store.ts';
import type { TargetFindings } from '../copy/target-findings.ts';
import type { CopyPolicy } from '../copy/transfer.ts';
import { openCredentials } from './credentials.ts';
import type { OpenBuckets } from './open-buckets.ts';

/** Both buckets of a task, open. */
export interface OpenTask extends Disposable {
  readonly source: Store;
  readonly target: Store;
  readonly findings: TargetFindings;
  readonly policy: CopyPolicy;
  /** The keys that it is about. */
  readonly scope: KeyScope;
  readonly missingSource: MissingSource;
}

export interface OpenTasksOptions {
  readonly database: Database;
  readonly sealer: Sealer;
  /** How long what was restored for a task stays readable. */
  readonly restoreDays: number;
  readonly open: OpenBuckets;
}

interface Opened extends Omit<OpenTask, typeof Symbol.dispose> {
  readonly revision: number;
  users: number;
  /** Replaced by a later revision: closed when its last user is done. */
  retired: boolean;
}

/** A task that is gone: nothing is left to do for its changes. */
export class TaskGone extends Error {
  override readonly name = 'TaskGone';
}

/**
 * Keeps the buckets of tasks open between objects: connections are worth more than memory here.
 * A start of the task, perhaps with other credentials, opens them again.
 */
export class OpenTasks implements AsyncDisposable {
  readonly #options: OpenTasksOptions;
  readonly #opened = new Map<string, Promise<Opened>>();

  constructor(options: OpenTasksOptions) {
    this.#options = options;
  }

  /**
   * Opens a task's buckets, or finds them open. Dispose of what it gives after use.
   *
   * @param revision The least that will do.
   */
  async use(taskId: string, revision: number): Promise<OpenTask> {
    for (;;) {
      const opening = this.#opened.get(taskId) ?? this.#open(taskId);
      const opened = await opening;
      if (opened.retired) continue;
      if (opened.revision >= revision) return this.#lend(opened);
      // Of the many who wait for it only the first lets it go: the others' is another one already.
      if (this.#opened.get(taskId) === opening) this.forget(taskId);
    }
  }

  /** Closes a task's buckets once they are unused. */
  forget(taskId: string): void {
    const opening = this.#opened.get(taskId);
    this.#opened.delete(taskId);
    // If opening failed, its users have received the error, and there is nothing to close.
    void opening?.then(
      (opened) => this.#retire(opened),
      () => undefined,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#opened.values()];
    this.#opened.clear();
    for (const opening of await Promise.allSettled(all)) {
      if (opening.status === 'fulfilled') await close(opening.value);
    }
  }

  #open(taskId: string): Promise<Opened> {
    const opening = this.#openNow(taskId);
    this.#opened.set(taskId, opening);
    opening.catch(() => {
      if (this.#opened.get(taskId) === opening) this.#opened.delete(taskId);
    });
    return opening;
  }

  async #openNow(taskId: string): Promise<Opened> {
    const { database, sealer, restoreDays, open } = this.#options;
    const found = await taskToWork(database, taskId);
    if (found === undefined) throw new TaskGone(`there is no task ${taskId}`);
    const credentials = openCredentials(sealer, taskId, found.credentials);
    await using opening = new AsyncDisposableStack();
    const { source: seenSource = {}, target: seenTarget = {} } = found.task.behaviour ?? {};
    const source = opening.use(narrowed(open.source(found.task, credentials), seenSource));
    const scope = new KeyScope(found.task);
    const target = mappedKeys(narrowed(open.target(found.task, credentials), seenTarget), scope);
    opening.move();
    return {
      revision: found.revision,
      source,
      target,
      scope,
      missingSource: found.task.missingSource,
      findings: { etagsAreNoMd5: false, partsNeedMd5: false },
      policy: policyOf(found.task, restoreDays),
      users: 0,
      retired: false,
    };
  }

  #lend(opened: Opened): OpenTask {
    opened.users += 1;
    const { source, target, findings, policy, scope, missingSource } = opened;
    return {
      ...{ source, target, findings, policy, scope, missingSource },
      [Symbol.dispose]: () => {
        opened.users -= 1;
        if (opened.retired && opened.users === 0) void close(opened);
      },
    };
  }

  #retire(opened: Opened): void {
    opened.retired = true;
    if (opened.users === 0) void close(opened);
  }
}

async function close({ source, target }: Opened): Promise<void> {
  await Promise.allSettled([source[Symbol.asyncDispose](), target[Symbol.asyncDispose]()]);
}

function policyOf(task: Task, restoreDays: number): CopyPolicy {
  const { overwriteMode, consistencyCheck, metadataMigration, storagePolicy, kms } = task;
  const shared = { overwriteMode, consistencyCheck, metadataMigration, storagePolicy, kms };
  return {
    ...shared,
    copyFilters: task.copyFilters,
    restoreDays: task.restore ? restoreDays : undefined,
  };
}
