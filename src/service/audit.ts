import type { Logger } from '../base/log.ts';
import { type AuditEntry, type AuditRow, insertAudit, listAudit } from '../database/audit.ts';
import type { Database } from '../database/db.ts';

export type { AuditEntry, AuditRow };

/** Who did what to which task, when, from where, with what result. */
export interface Audit {
  /** Resolves when it is on disk. */
  record(entry: AuditEntry): Promise<void>;
  /** For what comes very often: alike ones of some seconds become one entry. */
  count(entry: AuditEntry): void;
  /** Undefined: of all projects. */
  list(
    projectId: string | undefined,
    page: { readonly limit: number; readonly before: number | undefined },
  ): Promise<AuditRow[]>;
}

const GATHER_MS = 5_000;
const GATHERED_MAX = 1_000;

/** The audit in the database. Disposing of it writes down what is counted. */
export class DatabaseAudit implements Audit, AsyncDisposable {
  readonly #database: Database;
  readonly #log: Logger;
  #counted = new Map<string, AuditEntry>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor({ database, log }: { readonly database: Database; readonly log: Logger }) {
    this.#database = database;
    this.#log = log;
  }

  record(entry: AuditEntry): Promise<void> {
    return this.#write([entry]);
  }

  count(entry: AuditEntry): void {
    const { requests } = entry;
    const key = JSON.stringify({ ...entry, requestId: '', requests: 0 });
    const known = this.#counted.get(key);
    this.#counted.set(
      key,
      known === undefined ? entry : { ...known, requests: known.requests + requests },
    );
    if (this.#counted.size >= GATHERED_MAX) this.#flush();
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS).unref();
  }

  list(...[projectId, page]: Parameters<Audit['list']>): Promise<AuditRow[]> {
    return listAudit(this.#database, projectId, page);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#flush();
    await this.#writing;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const entries = [...this.#counted.values()];
    this.#counted = new Map();
    if (entries.length > 0) this.#writing = this.#writing.then(() => this.#write(entries));
  }

  /** What was done is done: that it could not be written down is told in the log, and there in full. */
  async #write(entries: readonly AuditEntry[]): Promise<void> {
    try {
      await insertAudit(this.#database, entries);
    } catch (error) {
      for (const entry of entries) {
        this.#log.error({ event: 'audit.lost', ...entry, err: error }, 'could not be written down');
      }
    }
  }
}
