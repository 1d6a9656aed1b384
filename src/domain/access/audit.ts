import type { Clock } from '../../platform/base/clock.ts';
import type { Logger } from '../../platform/base/log.ts';
import { RateLimit } from '../../platform/base/rate-limit.ts';
import { Alarm } from '../../platform/base/timers.ts';
import { type AuditEntry, type AuditRow, insertAudit, listAudit } from './audit-table.ts';
import { type Database, DatabaseError } from '../../platform/postgres/db.ts';

export type { AuditEntry, AuditRow };

/** Who did what to which task, when, from where, with what result. */
export interface Audit {
  /** Resolves when it is on disk. */
  record(entry: AuditEntry): Promise<void>;
  /**
   * For requests that callers can send without limit: similar ones within some seconds become one entry. Refusals
   * are similar whatever their resource. An actor with many kinds of refusals in a minute gets one entry for the rest.
   */
  count(entry: AuditEntry): void;
  /** Undefined: of all projects. */
  list(
    projectId: string | undefined,
    page: { readonly limit: number; readonly before: number | undefined },
  ): Promise<AuditRow[]>;
}

interface AuditOptions {
  readonly database: Database;
  readonly log: Logger;
  readonly clock: Clock;
}

const GATHER_MS = 5_000;
const GATHERED_MAX = 1_000;
/** Kinds of refusals of one actor. With other paths, projects and addresses an actor could cause any number. */
const REFUSALS_PER_MINUTE = 20;
const SEVERAL = 'several';

/** The audit in the database. Disposing of it writes the entries that are still counted in memory. */
export class DatabaseAudit implements Audit, AsyncDisposable {
  readonly #database: Database;
  readonly #log: Logger;
  readonly #refusals: RateLimit;
  #counted = new Map<string, AuditEntry>();
  readonly #alarm: Alarm;
  #waiting: Promise<void> | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor({ database, log, clock }: AuditOptions) {
    this.#database = database;
    this.#log = log;
    this.#refusals = new RateLimit({ perMinute: REFUSALS_PER_MINUTE, now: () => clock.now() });
    this.#alarm = new Alarm(clock);
  }

  record(entry: AuditEntry): Promise<void> {
    return this.#write([entry]);
  }

  count(entry: AuditEntry): void {
    if (entry.status < 400) this.#gather(keyOf(entry), entry);
    else this.#countRefusal(entry);
    if (this.#counted.size >= GATHERED_MAX) this.#flush();
    this.#waiting ??= this.#flushLater();
  }

  list(...[projectId, page]: Parameters<Audit['list']>): Promise<AuditRow[]> {
    return listAudit(this.#database, projectId, page);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#alarm.ring();
    await this.#waiting;
    await this.#writing;
  }

  async #flushLater(): Promise<void> {
    await this.#alarm.wait(GATHER_MS, { ref: false });
    this.#waiting = undefined;
    this.#flush();
  }

  #countRefusal(entry: AuditEntry): void {
    const key = keyOf({ ...entry, resource: undefined });
    const { actor, actorKind } = entry;
    const isNew = !this.#counted.has(key);
    if (isNew && this.#refusals.take(`${actorKind} ${actor}`) > 0) {
      const rest = { ...entry, ...unnamed };
      this.#gather(keyOf({ ...rest, status: 0, errorCode: undefined }), rest);
    } else {
      this.#gather(key, entry);
    }
  }

  #gather(key: string, entry: AuditEntry): void {
    const known = this.#counted.get(key);
    if (known === undefined) {
      this.#counted.set(key, entry);
      return;
    }
    const resource = known.resource === entry.resource ? known.resource : SEVERAL;
    this.#counted.set(key, { ...known, resource, requests: known.requests + entry.requests });
  }

  #flush(): void {
    const entries = [...this.#counted.values()];
    this.#counted = new Map();
    if (entries.length > 0) this.#writing = this.#writing.then(() => this.#write(entries));
  }

  /** The calls have taken effect already, so an entry that cannot be written goes to the log in full. */
  async #write(entries: readonly AuditEntry[]): Promise<void> {
    try {
      await insertAudit(this.#database, entries);
    } catch (error) {
      // An entry that the database rejects must not prevent the others from being written.
      const ofOne = !(error instanceof DatabaseError && error.transient);
      if (entries.length > 1 && ofOne) {
        for (const entry of entries) await this.#write([entry]);
        return;
      }
      for (const entry of entries) {
        this.#log.error({ event: 'audit.lost', ...entry, err: error }, 'could not be written down');
      }
    }
  }
}

/** Replaces these fields of the refusals beyond those that are recorded separately. */
const unnamed = {
  ...{ projectId: undefined, address: SEVERAL, operation: SEVERAL, resource: SEVERAL },
};

function keyOf(entry: AuditEntry): string {
  return JSON.stringify({ ...entry, requestId: '', requests: 0 });
}
