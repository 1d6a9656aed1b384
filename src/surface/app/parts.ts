import type { Clock } from '../../platform/base/clock.ts';
import type { Logger } from '../../platform/base/log.ts';
import type { Metrics } from '../../platform/base/metrics.ts';
import type { Sealer } from '../../platform/base/seal.ts';
import type { Sockets } from '../../platform/http/sockets.ts';
import { alreadyLogged, type Database } from '../../platform/postgres/db.ts';
import type { Settings } from '../settings/config.ts';

/** What every role of a process is made of. */
export interface Parts {
  readonly database: Database;
  /** The same, by a few connections of its own: for what may take long, and must hold up no lease. */
  readonly lists: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The outgoing sockets of the process; unbounded unless given. */
  readonly sockets?: Sockets | undefined;
  readonly settings: Settings;
  /** No other process can be at work on this database: claims in it are of processes that died. */
  readonly alone: boolean;
}

/** Notifies all processes; a hint that is lost only costs time. */
export function notifyAll({ database, log }: Parts, channel: string, payload: string): void {
  database.query('select pg_notify($1, $2)', [channel, payload]).catch((error: unknown) => {
    const level = alreadyLogged(error) ? 'debug' : 'warn';
    log[level]({ event: 'hint.lost', err: error }, 'a notification was not sent');
  });
}
