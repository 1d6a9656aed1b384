import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { boundConnections } from '../api/kit/connection-bound.ts';
import { buildApi, type TlsSettings } from '../api/server.ts';
import { MiB } from '../../platform/base/bytes.ts';
import { systemClock } from '../../platform/base/clock.ts';
import type { Logger } from '../../platform/base/log.ts';
import { createMetrics } from '../../platform/base/metrics.ts';
import { openFilesMax } from '../../platform/base/open-files.ts';
import { Sealer, Secret } from '../../platform/base/seal.ts';
import { lockDataDirectory } from '../../platform/postgres/data-directory.ts';
import { isNewDatabase, migrate } from '../../platform/postgres/migrate.ts';
import { readSecretKeys } from '../../platform/postgres/secret-key.ts';
import { type Brigade, createBrigade } from './brigade.ts';
import type { MappedEndpoint } from '../../domain/tasks/endpoints.ts';
import { singleSignOn } from '../../domain/access/single-sign-on.ts';
import {
  ensureFirstAccessKey,
  ensureFirstToken,
  type FirstAccessKey,
  type FirstToken,
} from '../../domain/access/tokens.ts';
import { Sockets } from '../../platform/http/sockets.ts';
import type { Settings } from '../settings/config.ts';
import { type DescriptorShares, LEAST_OPEN_FILES, shareDescriptors } from './descriptors.ts';
import { serviceLogger } from './logger.ts';
import { openDatabase, StartError } from './open-database.ts';

/** A service that runs. Disposing of it drains and stops all of it, the database included. */
export interface Service extends AsyncDisposable {
  readonly url: string;
  readonly dataDir: string;
  readonly first: FirstToken;
  /** Whether the tokens of first starts are let in. */
  readonly firstTokens: boolean;
  /** Resolves with the reason when something that it cannot do without has ended by itself. */
  readonly failed: Promise<Error>;
}

const BUFFER_BYTES = MiB;
const DRAIN_MS = 25_000;

/**
 * Starts the whole service.
 *
 * What was started is stopped again, in the reverse order, when a later step fails.
 */
export async function startService(settings: Settings): Promise<Service> {
  await using started = new AsyncDisposableStack();
  const { firstTokens } = settings;
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
  await migrate(database, { log });
  const metrics = createMetrics();
  const sealer = new Sealer(key, old);
  const sockets = new Sockets(descriptors.outgoing);
  const brigade = await createBrigade({
    database,
    lists,
    sealer,
    clock: systemClock,
    log,
    metrics,
    settings: await brigadeSettings(settings),
    sockets,
    alone,
  });
  started.defer(() => brigade.stop());
  // Sealed by a key that the database was asked about.
  const firstKey = settings.bootstrapAccessKey;
  if (firstKey !== undefined) {
    await ensureFirstAccessKey({ database, sealer }, readFirstAccessKey(firstKey));
  }
  // A token that is given may be used from the first request on.
  const given = settings.bootstrapToken?.reveal();
  const known = given === undefined ? undefined : await ensureFirstToken(database, given);
  await brigade.startWork();
  const url = await listen(started, settings, {
    ...{ brigade, metrics, log, tls },
    ...{ connectionsMax: descriptors.api, sockets },
  });
  // The last thing that can fail: a token that was made is shown, and never again.
  const first = known ?? (await ensureFirstToken(database, undefined, firstTokens));
  brigade.health.begin();
  started.defer(() => brigade.health.end());
  log.info({ event: 'service.started', url, dataDir: data.path }, 'the service runs');
  const all = started.move();
  return {
    url,
    dataDir: data.path,
    first,
    firstTokens,
    failed,
    async [Symbol.asyncDispose]() {
      log.info({ event: 'service.stopping' }, 'objects in work end, then all stops');
      await all[Symbol.asyncDispose]();
      log.info({ event: 'service.stopped' }, 'all is stopped');
    },
  };
}

/** @throws {StartError} when the limit of open files is too low for anything to work. */
function descriptorsFor(settings: Settings, log: Logger): DescriptorShares {
  const limit = openFilesMax();
  const shares = shareDescriptors(limit, settings);
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

async function listen(
  started: AsyncDisposableStack,
  settings: Settings,
  {
    brigade,
    metrics,
    log,
    tls,
    connectionsMax,
    sockets,
  }: {
    readonly brigade: Brigade;
    readonly metrics: ReturnType<typeof createMetrics>;
    readonly log: Logger;
    readonly tls: TlsSettings | undefined;
    readonly connectionsMax: number;
    readonly sockets: Sockets;
  },
): Promise<string> {
  const { host, port, oidc: issuers } = settings;
  const { syncTasks, scans, gatekeeper, identity, audit, health } = brigade;
  const now = (): number => systemClock.now();
  const api = await buildApi({
    syncTasks,
    scans,
    gatekeeper,
    identity,
    singleSignOn: singleSignOn({
      ...{ issuers, log, now },
      userNamed: (name) => gatekeeper.userNamed(name),
    }),
    limits: settings,
    tls,
    trustProxy: settings.trustProxy,
    audit,
    clock: systemClock,
    health,
    metrics,
    log,
  });
  boundConnections(api.server, connectionsMax, (reclaim) => sockets.lend(reclaim));
  started.defer(() => api.close());
  try {
    return await api.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (typeof code !== 'string') throw error;
    const why = code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${code})`;
    const message = `the address ${host}:${port} ${why}; choose others by BRIGADE_PORT and BRIGADE_HOST`;
    throw new StartError(message, { cause: error });
  }
}

async function readTls({
  tlsCertFile,
  tlsKeyFile,
  tlsMinVersion: minVersion,
}: Settings): Promise<TlsSettings | undefined> {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return undefined;
  const cert = await readPem(tlsCertFile, 'BRIGADE_TLS_CERT_FILE');
  const key = await readPem(tlsKeyFile, 'BRIGADE_TLS_KEY_FILE');
  try {
    createSecureContext({ cert, key, minVersion });
  } catch (cause) {
    const message =
      'BRIGADE_TLS_CERT_FILE and BRIGADE_TLS_KEY_FILE must be a certificate and its key, in PEM, the key without a passphrase';
    throw new StartError(message, { cause });
  }
  return { cert, key, minVersion };
}

async function readPem(path: string, variable: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new StartError(`${variable}: ${path} cannot be read`, { cause });
  }
}

async function brigadeSettings(settings: Settings) {
  return {
    endpoints: await Promise.all(settings.endpoints.map(withAuthority)),
    allowEndpoints: settings.allowEndpoints,
    firstTokens: settings.firstTokens,
    tasksMax: settings.tasksMax,
    eventKeysMax: settings.eventKeysMax,
    timeZone: settings.timeZone,
    retentionDays: settings.retentionDays,
    auditDays: settings.auditDays,
    uploadDays: settings.uploadDays,
    concurrency: settings.concurrency,
    taskConcurrency: settings.taskConcurrency,
    sizes: {
      bufferBytes: Math.min(BUFFER_BYTES, settings.putBytes),
      putBytes: settings.putBytes,
      partBytes: settings.partBytes,
      partConcurrency: settings.partConcurrency,
    },
    attemptsMax: settings.attempts,
    backoff: { baseMs: settings.backoffBaseMs, maxMs: settings.backoffMaxMs },
    leaseMs: settings.leaseSeconds * 1000,
    restoreDays: settings.restoreDays,
    checkBuckets: settings.checkBuckets,
    restoreWaitMs: settings.restoreWaitHours * 3_600_000,
    drainMs: DRAIN_MS,
  };
}

async function withAuthority({
  caFile,
  ...entry
}: Settings['endpoints'][number]): Promise<MappedEndpoint> {
  if (caFile === undefined) return entry;
  try {
    return { ...entry, ca: await readFile(caFile, 'utf8') };
  } catch (cause) {
    throw new StartError(`the certificate of ${entry.endpoint} cannot be read from ${caFile}`, {
      cause,
    });
  }
}
