import { BoundedMap } from '../../platform/base/bounded-map.ts';
import type { Clock } from '../../platform/base/clock.ts';
import type { Logger } from '../../platform/base/log.ts';

const QUIET_MS = 60_000;
const KINDS_MAX = 1_000;

interface Kind {
  readonly loggedAt: number;
  /** Since then. */
  unlogged: number;
}

interface FailedObject {
  readonly taskId: string;
  readonly key: string;
  readonly reason: string;
  /** For people, as in the list of objects. */
  readonly message: string | undefined;
}

/**
 * Logs objects that failed for good: of each task and reason the first, and then at most one a minute
 * with how many there were. All of them are in the list of objects.
 */
export class FailureLog {
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Tasks come and go: of too many kinds, the one that was logged longest ago is forgotten. */
  readonly #kinds = new BoundedMap<string, Kind>(KINDS_MAX);

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  add({ taskId, key, reason, message }: FailedObject): void {
    const now = this.#clock.monotonic();
    const name = `${taskId} ${reason}`;
    const kind = this.#kinds.get(name);
    if (kind !== undefined && now - kind.loggedAt < QUIET_MS) {
      kind.unlogged += 1;
      return;
    }
    this.#kinds.set(name, { loggedAt: now, unlogged: 0 });
    const count = (kind?.unlogged ?? 0) + 1;
    const failed = { event: 'object.failed', taskId, key, reason, count, detail: message };
    this.#log.warn(failed, 'failed for good');
  }
}
