import pg from 'pg';
import { backoffMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { alreadyLogged, DatabaseError, toDatabaseError } from './db-error.ts';
import type { FaultLog } from './fault-log.ts';

export interface ListenContext {
  readonly config: pg.ClientConfig;
  readonly log: Logger;
  readonly clock: Clock;
  readonly faultLog: FaultLog;
}

const reconnect = { baseMs: 200, maxMs: 30_000 };

/** Resolves when the connection has ended, for whatever reason. */
function ended(client: pg.Client): Promise<void> {
  return new Promise((resolve) => {
    client.once('end', resolve);
    client.on('error', () => resolve());
  });
}

async function open(
  { config }: ListenContext,
  channel: string,
  onNotify: (payload: string) => void,
): Promise<{ client: pg.Client; end: Promise<void> }> {
  const client = new pg.Client(config);
  const end = ended(client);
  client.on('notification', (message) => onNotify(message.payload ?? ''));
  try {
    await client.connect();
    await client.query(`listen ${pg.escapeIdentifier(channel)}`);
    return { client, end };
  } catch (error) {
    await close(client);
    throw toDatabaseError(error);
  }
}

async function close(client: pg.Client): Promise<void> {
  // A connection that is already lost cannot be closed in form; there is nothing left to do.
  await client.end().catch(() => undefined);
}

/**
 * Listens on a separate connection, which is opened again with back-off whenever it is lost.
 *
 * @throws {DatabaseError} when the first connection fails.
 */
export async function keepListening(
  context: ListenContext,
  channel: string,
  onNotify: (payload: string) => void,
): Promise<AsyncDisposable> {
  const { log, clock, faultLog } = context;
  const stop = new AbortController();
  const stopped = () => stop.signal.aborted;
  let current = await open(context, channel, onNotify);

  async function reopen(): Promise<void> {
    for (let attempt = 1; !stopped(); attempt++) {
      try {
        await clock.sleep(backoffMs(attempt, reconnect, clock.random()), stop.signal);
        current = await open(context, channel, onNotify);
        return;
      } catch (error) {
        if (stopped()) return;
        if (error instanceof DatabaseError) faultLog.add(error);
        const level = alreadyLogged(error) ? 'debug' : 'warn';
        log[level]({ event: 'listen.failed', channel, attempt, err: error }, 'cannot listen');
      }
    }
  }

  async function watch(): Promise<void> {
    for (;;) {
      await current.end;
      await close(current.client);
      if (stopped()) return;
      log.warn({ event: 'listen.lost', channel }, 'listening again');
      await reopen();
      // Disposed of while it connected: the connection that came of it is closed as well.
      if (stopped()) return close(current.client);
      onNotify('');
    }
  }

  const watching = watch();

  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await close(current.client);
      await watching;
    },
  };
}
