import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { BodyRoom } from '../../src/surface/api/kit/body-room.ts';
import type { ConnectionTimes } from '../../src/surface/api/kit/connections.ts';
import type { RequestLimits } from '../../src/surface/api/kit/limits.ts';
import { type ApiParts, buildApi, type TlsSettings } from '../../src/surface/api/server.ts';
import { MiB } from '../../src/platform/base/bytes.ts';
import { type Clock, systemClock } from '../../src/platform/base/clock.ts';
import { type Logger, silentLog } from '../../src/platform/base/log.ts';
import { createMetrics, type Metrics } from '../../src/platform/base/metrics.ts';
import { Sealer, type Secret } from '../../src/platform/base/seal.ts';
import { Database } from '../../src/platform/postgres/db.ts';
import { FaultLog } from '../../src/platform/postgres/fault-log.ts';
import type { ApiRole } from '../../src/surface/app/api-role.ts';
import { createBrigade } from '../../src/surface/app/brigade.ts';
import { readSettings, type Settings } from '../../src/surface/settings/config.ts';
import { type Issuer, singleSignOn } from '../../src/domain/access/single-sign-on.ts';
import { ensureFirstToken } from '../../src/domain/access/tokens.ts';
import { OmsClient } from './oms-client.ts';
import { testDatabaseUrl } from './postgres.ts';
import type { S3Server } from './s3-server/server.ts';

/** The whole service in this process. Disposing of it stops it, once. */
export interface TestService extends AsyncDisposable {
  readonly client: OmsClient;
  /** Of the HTTP server, without a slash at the end. */
  readonly url: string;
  readonly projectId: string;
  readonly token: string;
  readonly databaseUrl: Secret;
  readonly database: Database;
  readonly sealer: Sealer;
  readonly settings: Settings;
  readonly metrics: Metrics;
  readonly brigade: ApiRole;
  readonly api: FastifyInstance;
}

export interface TestServiceOptions {
  readonly settings?: Partial<Settings>;
  readonly log?: Logger;
  /** The system's, unless a test puts one forward. */
  readonly clock?: Clock;
  /** There are no limits by default, because tests send many requests. */
  readonly limits?: Partial<RequestLimits>;
  readonly tls?: TlsSettings;
  readonly connectionTimes?: Partial<ConnectionTimes>;
  readonly bodyRoom?: BodyRoom;
  readonly trustProxy?: readonly string[];
  /** Issuers whose tokens are accepted in addition to the tokens of the service. */
  readonly issuers?: readonly Issuer[];
  /** Uses the database of another service, as an additional process does; otherwise it gets its own database. */
  readonly beside?: TestService;
  readonly listTimeoutMs?: number;
  /** False: it takes requests and leaves the work to others. */
  readonly works?: boolean;
}

export const settings: Settings = {
  ...(await readSettings({}, () => Promise.reject(new Error('no file was to be read')))),
  allowEndpoints: ['127.0.0.1', 'localhost'],
  sizes: { bufferBytes: MiB, putBytes: 32 * MiB, partBytes: 5 * MiB, partConcurrency: 4 },
  // Patience is for production.
  backoff: { baseMs: 20, maxMs: 200 },
  notFoundWaitMs: 0,
  drainMs: 5_000,
  // Most tests of the API name buckets that are nowhere.
  checkBuckets: false,
  restoreWaitMs: 60_000,
};

const noLimits: RequestLimits = {
  ...{
    logInsPerMinute: 0,
    authFailuresPerMinute: 0,
    callsPerMinute: 0,
    eventsPerMinute: 0,
    listsPerMinute: 0,
  },
};

/** The connections of a process: for its work, and for lists. */
async function connect(
  url: Secret,
  { log, clock, listTimeoutMs = 10_000 }: TestServiceOptions & { log: Logger; clock: Clock },
): Promise<{ readonly database: Database; readonly lists: Database }> {
  const shared = { url, log, faultLog: new FaultLog({ log, clock }), allowUnsafe: true };
  return {
    database: await Database.connect(shared),
    lists: await Database.connect({ ...shared, statementTimeoutMs: listTimeoutMs }),
  };
}

export async function startTestService(options: TestServiceOptions = {}): Promise<TestService> {
  const { beside, works = true, log = silentLog, clock = systemClock } = options;
  const databaseUrl = beside?.databaseUrl ?? (await testDatabaseUrl());
  const { database, lists } = await connect(databaseUrl, { ...options, log, clock });
  const { projectId, token = '' } = beside ?? (await ensureFirstToken(database, undefined));
  const metrics = createMetrics();
  const sealer = beside?.sealer ?? new Sealer(randomBytes(32));
  const roles: Settings['roles'] = works ? settings.roles : ['api'];
  const own = { ...settings, roles, ...options.settings };
  const brigade = await createBrigade({
    alone: false,
    database,
    lists,
    sealer,
    clock,
    log,
    metrics,
    settings: own,
  });
  const { api: role, health } = brigade;
  assert.ok(role !== undefined);
  await brigade.startWork();
  const api = await apiOf({ ...role, health }, metrics, options);
  const url = await api.listen({ host: '127.0.0.1', port: 0 });
  health.begin();
  const access = { url, projectId, token };
  let stopped: Promise<void> | undefined;

  async function stop(): Promise<void> {
    await api.close();
    await brigade.stop();
    await lists[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  }

  return {
    ...access,
    client: new OmsClient(access),
    databaseUrl,
    database,
    sealer,
    settings: own,
    metrics,
    brigade: role,
    api,
    [Symbol.asyncDispose]: () => (stopped ??= stop()),
  };
}

function apiOf(
  { health, ...role }: ApiRole & Pick<ApiParts, 'health'>,
  metrics: Metrics,
  { log = silentLog, clock = systemClock, issuers = [], limits, ...rest }: TestServiceOptions,
): Promise<FastifyInstance> {
  const { tls, trustProxy, connectionTimes, bodyRoom } = rest;
  return buildApi({
    ...role,
    ...{ health, metrics, log, clock },
    ...{ tls, trustProxy, connectionTimes, bodyRoom },
    limits: { ...noLimits, ...limits },
    singleSignOn: singleSignOn({
      ...{ issuers, log, clock },
      userNamed: (name) => role.gatekeeper.userNamed(name),
    }),
  });
}

/** The body that creates a task from one bucket of a test server to one of another. */
export function taskBetween(
  source: S3Server,
  target: S3Server,
  buckets: { readonly source: string; readonly target: string } = {
    source: 'source',
    target: 'target',
  },
): Record<string, unknown> {
  return {
    src_cloud_type: 'AWS',
    src_region: 'us-east-1',
    src_bucket: buckets.source,
    src_endpoint: source.url,
    src_ak: source.accessKey.accessKeyId,
    src_sk: source.accessKey.secretAccessKey,
    dst_cloud_type: 'AWS',
    dst_region: 'us-east-1',
    dst_bucket: buckets.target,
    dst_endpoint: target.url,
    dst_ak: target.accessKey.accessKeyId,
    dst_sk: target.accessKey.secretAccessKey,
  };
}
