import { hostname } from 'node:os';
import { systemClock } from '../../platform/base/clock.ts';
import type { Logger } from '../../platform/base/log.ts';
import { createMetrics } from '../../platform/base/metrics.ts';
import { openFilesMax } from '../../platform/base/open-files.ts';
import { Sealer, Secret } from '../../platform/base/seal.ts';
import { lockDataDirectory } from '../../platform/postgres/data-directory.ts';
import { isNewDatabase, migrate, readMigrations } from '../../platform/postgres/migrate.ts';
import { readSecretKeys } from '../../platform/postgres/secret-key.ts';
import {
  ensureFirstAccessKey,
  ensureFirstToken,
  type FirstAccessKey,
  type FirstToken,
} from '../../domain/access/tokens.ts';
import { refuseToBreak, register } from '../../domain/fleet/registration.ts';
import { Sockets } from '../../platform/http/sockets.ts';
import type { Settings } from '../settings/config.ts';
import type { Role } from '../settings/config-schema.ts';
import { createBrigade } from './brigade.ts';
import { type DescriptorShares, LEAST_OPEN_FILES, shareDescriptors } from './descriptors.ts';
import { listen, readTls } from './listen.ts';
import { serviceLogger } from './logger.ts';
import { ownVersion } from '../settings/version.ts';
import type { Parts } from './parts.ts';
import { openDatabase, StartError } from './open-database.ts';

/** A service that runs. Disposing of it drains and stops all of it, the database included. */
export interface Service extends AsyncDisposable {
  /** Where it serves the API, if it has that role, and its own health in any case. */
  readonly url: string;
  readonly dataDir: string;
  readonly roles: readonly Role[];
  /** Undefined where the process does not serve the API. */
  readonly first: FirstToken | undefined;
  /** Whether the tokens of first starts are let in. */
  readonly firstTokens: boolean;
  /** Resolves with the reason when something that it cannot do without has ended by itself. */
  readonly failed: Promise<Error>;
}

/**
 * Starts the roles of this process, and what they need.
 *
 * What was started is stopped again, in the reverse order, when a later step fails.
 */
export async function startService(settings: Settings): Promise<Service> {
  await using started = new AsyncDisposableStack();
  const { firstTokens, roles } = settings;
  const log = serviceLogger(settings.logLevel);
  const descriptors = descriptorsFor(settings, log);
  const tls = await readTls(settings);
  const data = started.use(await lockDataDirectory(settings.dataDir));
  const { database, lists, alone, failed } = await openDatabase(started, settings, data.path, log);
  const [key, ...old] = await readSecretKeys(data.path, {
    given: settings.secretKey,
    old: settings.oldSecretKeys,
    mayGenerate: await isNewDatabase(database),
  });
  const migrations = await readMigrations();
  await migrate(database, { migrations, log, ...(!alone && { mayBreak: refuseToBreak }) });
  const facts = { roles, version: ownVersion(), host: hostname(), pid: process.pid };
  const registered = started.use(
    await register({ database, clock: systemClock, log, facts, migrations, alone }),
  );
  const metrics = createMetrics();
  const sealer = new Sealer(key, old);
  const sockets = new Sockets(descriptors.outgoing);
  const shared = { database, lists, sealer, clock: systemClock, log, metrics };
  const parts: Parts = { ...shared, settings, sockets, alone };
  const brigade = await createBrigade(parts);
  started.defer(() => brigade.stop());
  const { api } = brigade;
  const known = api === undefined ? undefined : await givenCredentials(parts);
  await brigade.startWork();
  const server = { tls, connectionsMax: descriptors.api, sockets };
  const url = await listen(started, parts, { ...server, brigade });
  // The last thing that can fail: a token that was made is shown, and never again.
  const first =
    api === undefined
      ? undefined
      : (known ?? (await ensureFirstToken(database, undefined, firstTokens)));
  brigade.health.begin();
  started.defer(() => brigade.health.end());
  log.info({ event: 'service.started', url, roles, dataDir: data.path }, 'the service runs');
  const all = started.move();
  return {
    ...{ url, dataDir: data.path, roles, first, firstTokens },
    failed: Promise.race([failed, registered.failed]),
    async [Symbol.asyncDispose]() {
      log.info({ event: 'service.stopping' }, 'objects in work end, then all stops');
      await all[Symbol.asyncDispose]();
      log.info({ event: 'service.stopped' }, 'all is stopped');
    },
  };
}

/**
 * Stores the credentials of the settings, which may be used from the first request on.
 *
 * @returns The token that was given.
 */
async function givenCredentials({
  database,
  sealer,
  settings,
}: Pick<Parts, 'database' | 'sealer' | 'settings'>): Promise<FirstToken | undefined> {
  // The key that seals this has been checked against the database: see `createBrigade`.
  const firstKey = settings.bootstrapAccessKey;
  if (firstKey !== undefined) {
    await ensureFirstAccessKey({ database, sealer }, readFirstAccessKey(firstKey));
  }
  const given = settings.bootstrapToken?.reveal();
  return given === undefined ? undefined : await ensureFirstToken(database, given);
}

/** @throws {StartError} when the limit of open files is too low for anything to work. */
function descriptorsFor({ concurrency, sizes }: Settings, log: Logger): DescriptorShares {
  const limit = openFilesMax();
  const shares = shareDescriptors(limit, { concurrency, partConcurrency: sizes.partConcurrency });
  const how = 'with "ulimit -n", LimitNOFILE of systemd, or --ulimit nofile of a container';
  if (shares === undefined) {
    throw new StartError(
      `this process may open only ${limit} files, and the service needs ${LEAST_OPEN_FILES} at least; raise the limit ${how}`,
    );
  }
  const { outgoing, api, enough } = shares;
  if (limit !== undefined && limit < enough) {
    log.warn(
      { event: 'service.few-files', limit, enough, outgoing, api },
      `this process may open ${limit} files: ${outgoing} connections to clouds and ${api} of callers at once; raise the limit to ${enough} ${how}, or lower BRIGADE_CONCURRENCY or BRIGADE_PART_CONCURRENCY`,
    );
  }
  return shares;
}

/** Of the form AK:SK:PROJECT_ID, which the settings were checked for. */
function readFirstAccessKey(given: Secret): FirstAccessKey {
  const [id = '', secret = '', projectId = ''] = given.reveal().split(':');
  return { id, secret: new Secret(secret), projectId };
}
