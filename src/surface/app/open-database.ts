import { systemClock } from '../../platform/base/clock.ts';
import type { Logger } from '../../platform/base/log.ts';
import type { Secret } from '../../platform/base/seal.ts';
import { Database, DatabaseError } from '../../platform/postgres/db.ts';
import { FaultLog } from '../../platform/postgres/fault-log.ts';
import { startEmbedded } from '../../platform/postgres/embedded.ts';
import type { Parts } from './parts.ts';
import type { Settings } from '../settings/config.ts';

/** An error that the operator can fix; the message says how. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

const CONNECTIONS = 10;
const LIST_CONNECTIONS = 3;
const LIST_TIMEOUT_MS = 10_000;

type Pools = Pick<Parts, 'database' | 'lists'>;

export interface OpenDatabase extends Pools {
  /** No other process can be at work on it. */
  readonly alone: boolean;
  /** Resolves with the reason when it has ended by itself. */
  readonly failed: Promise<Error>;
}

/**
 * Connects to the database of the settings, else starts the private one of the data directory.
 *
 * @param started Stops what was started, in the reverse order.
 */
export async function openDatabase(
  started: AsyncDisposableStack,
  { databaseUrl }: Pick<Settings, 'databaseUrl'>,
  dataDir: string,
  log: Logger,
): Promise<OpenDatabase> {
  if (databaseUrl !== undefined) {
    const pools = await connectExternal(started, databaseUrl, log);
    return { ...pools, alone: false, failed: new Promise<Error>(() => undefined) };
  }
  const { url, exited } = started.use(await startEmbedded({ dataDir, log }));
  const failed = exited.then((reason) => reason ?? new Promise<Error>(() => undefined));
  return { ...(await connect(started, url, log)), alone: true, failed };
}

async function connect(started: AsyncDisposableStack, url: Secret, log: Logger): Promise<Pools> {
  const shared = { url, log, faultLog: new FaultLog({ log, clock: systemClock }) };
  const database = started.use(await Database.connect({ ...shared, connections: CONNECTIONS }));
  const lists = { connections: LIST_CONNECTIONS, statementTimeoutMs: LIST_TIMEOUT_MS };
  return { database, lists: started.use(await Database.connect({ ...shared, ...lists })) };
}

async function connectExternal(
  started: AsyncDisposableStack,
  url: Secret,
  log: Logger,
): Promise<Pools> {
  try {
    return await connect(started, url, log);
  } catch (cause) {
    if (!(cause instanceof DatabaseError)) throw cause;
    const what = cause.fault === 'unavailable' ? 'reached' : 'used';
    const message = `the database of BRIGADE_DATABASE_URL cannot be ${what}: ${cause.message}`;
    throw new StartError(message, { cause });
  }
}
