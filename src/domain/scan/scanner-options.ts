import type { Clock } from '../../platform/base/clock.ts';
import type { Logger } from '../../platform/base/log.ts';
import type { CopyFilters } from '../../platform/model/copy-filters.ts';
import type { KeyScope } from '../../platform/model/key-scope.ts';
import type { CopySizes } from '../../platform/model/copy-plan.ts';
import type { Database } from '../../platform/postgres/db.ts';
import type { Store } from '../../platform/stores/store.ts';
import type { EstimatedPolicy } from './estimate.ts';

/** Both buckets of a task, open. */
export interface ScannedTask extends Disposable {
  readonly source: Store;
  readonly target: Store;
  readonly policy: EstimatedPolicy & { readonly copyFilters?: CopyFilters | undefined };
  /** The keys that it is about; all where it is not given. Both sides go by the keys of the source. */
  readonly scope?: KeyScope;
}

export interface ScannerOptions {
  readonly database: Pick<Database, 'query' | 'transaction'>;
  /** Opens the buckets of a task; `revision` is the least that will do. */
  readonly open: (taskId: string, revision: number) => Promise<ScannedTask>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ranges that this process walks at once. */
  readonly concurrency: number;
  readonly leaseMs: number;
  /** Of the copies, for estimates. */
  readonly sizes: CopySizes;
  /** A scan waits while this many keys that scans found are waiting in its task. */
  readonly waitingMax: number;
  /** A reconcile found keys that no event had named. */
  readonly onWithoutEvent?: (keys: number) => void;
  /** Keys that are kept at most of a listing that is not in order; default 10 million. */
  readonly keptKeysMax?: number;
  /** About as many pairs are settled at once; default 1,000. */
  readonly batchPairs?: number;
  /** Pages of both sides after which a range is worth a split; default 40. */
  readonly splitPages?: number;
}

/** Without any progress, over a quarter of an hour. */
export const ATTEMPTS_MAX = 20;
export const BACKOFF = { baseMs: 1_000, maxMs: 60_000 };
