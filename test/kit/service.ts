import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { BodyRoom } from '../../src/surface/api/kit/body-room.ts';
import type { ConnectionTimes } from '../../src/surface/api/kit/connections.ts';
import type { RequestLimits } from '../../src/surface/api/kit/limits.ts';
import { buildApi, type TlsSettings } from '../../src/surface/api/server.ts';
import { MiB } from '../../src/platform/base/bytes.ts';
import { type Clock, systemClock } from '../../src/platform/base/clock.ts';
import { type Logger, silentLog } from '../../src/platform/base/log.ts';
import { createMetrics, type Metrics } from '../../src/platform/base/metrics.ts';
import { Sealer, type Secret } from '../../src/platform/base/seal.ts';
import { Database } from '../../src/platform/postgres/db.ts';
import { FaultLog } from '../../src/platform/postgres/fault-log.ts';
import {
  type Brigade,
  type BrigadeSettings,
  createBrigade,
} from '../../src/surface/app/brigade.ts';
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
  readonly settings: BrigadeSettings;
  readonly metrics: Metrics;
  readonly brigade: Brigade;
  readonly api: FastifyInstance;
}

export interface TestServiceOptions {
  readonly settings?: Partial<BrigadeSettings>;
  readonly log?: Logger;
  /** The system's, unless a test puts one forward. */
  readonly clock?: Clock;
  /** None, unless some are given: tests ask often. */
  readonly limits?: Partial<RequestLimits>;
  readonly tls?: TlsSettings;
  readonly connectionTimes?: Partial<ConnectionTimes>;
  readonly bodyRoom?: BodyRoom;
  readonly trustProxy?: readonly string[];
  /** Whose tokens are let in beside ours. */
  readonly issuers?: readonly Issuer[];
  /** Joins the database of another, as a further process does; else it gets one of its own. */
  readonly beside?: TestService;
  readonly listTimeoutMs?: number;
  /** False: it takes requests and leaves the work to others. */
  readonly works?: boolean;
}

export const settings: BrigadeSettings = {
  endpoints: [],
  allowEndpoints: ['127.0.0.1', 'localhost'],
  tasksMax: 5,
  eventKeysMax: 100,
  timeZone: 'UTC',
  retentionDays: 90,
  auditDays: 400,
  uploadDays: 7,
  concurrency: 48,
  taskConcurrency: 32,
  sizes: { bufferBytes: MiB, putBytes: 32 * MiB, partBytes: 5 * MiB, partConcurrency: 4 },
  attemptsMax: 12,
  // Patience is for production.
  backoff: { baseMs: 20, maxMs: 200 },
  leaseMs: 60_000,
  drainMs: 5_000,
  restoreDays: 3,
  // Most tests of the API name buckets that are nowhere.
  checkBuckets: false,
  restoreWaitMs: 60_000,
  firstTokens: true,
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
  const own = { ...settings, ...options.settings };
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
  if (works) await brigade.startWork();
  const api = await apiOf(brigade, metrics, options);
  const url = await api.listen({ host: '127.0.0.1', port: 0 });
  brigade.health.begin();
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
    brigade,
    api,
    [Symbol.asyncDispose]: () => (stopped ??= stop()),
  };
}

function apiOf(
  { syncTasks, scans, gatekeeper, identity, audit, health }: Brigade,
  metrics: Metrics,
  { log = silentLog, clock = systemClock, issuers = [], limits, ...rest }: TestServiceOptions,
): Promise<FastifyInstance> {
  const now = (): number => clock.now();
  const { tls, trustProxy, connectionTimes, bodyRoom } = rest;
  return buildApi({
    ...{ syncTasks, scans, gatekeeper, identity, audit, health, metrics, log, clock },
    ...{ tls, trustProxy, connectionTimes, bodyRoom },
    limits: { ...noLimits, ...limits },
    singleSignOn: singleSignOn({
      ...{ issuers, log, now },
      userNamed: (name) => gatekeeper.userNamed(name),
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
