import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { DatabaseError, DatabaseFault } from './db-error.ts';

const QUIET_MS = 60_000;

interface Logged {
  readonly at: number;
  /** Since then. */
  unlogged: number;
}

/**
 * What state the database was found in: each fault is logged when it first occurs, and while it goes
 * on at most once a minute, however many statements meet it.
 */
export class FaultLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #logged = new Map<DatabaseFault, Logged>();
  #count = 0;

  constructor({ log, clock }: { readonly log: Logger; readonly clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** How many statements met such a state so far. */
  get count(): number {
    return this.#count;
  }

  /** Takes notice of an error, unless it concerns one statement alone. */
  add(error: DatabaseError): void {
    if (!error.general) return;
    this.#count += 1;
    const { fault } = error;
    const now = this.#clock.monotonic();
    const logged = this.#logged.get(fault);
    if (logged !== undefined && now - logged.at < QUIET_MS) {
      logged.unlogged += 1;
      return;
    }
    this.#logged.set(fault, { at: now, unlogged: 0 });
    const line = {
      ...{ event: 'database.failing', fault, state: error.state },
      ...{ count: (logged?.unlogged ?? 0) + 1, err: error },
    };
    if (error.lasting) this.#log.error(line, 'the database cannot serve until a person acts');
    else this.#log.warn(line, 'the database does not serve at the moment');
  }
}
