import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { buildApi } from '../../src/api/server.ts';
import { MiB } from '../../src/base/bytes.ts';
import { systemClock } from '../../src/base/clock.ts';
import { type Logger, silentLog } from '../../src/base/log.ts';
import { createMetrics } from '../../src/base/metrics.ts';
import { Sealer } from '../../src/base/seal.ts';
import type { Database } from '../../src/database/db.ts';
import { type Brigade, type BrigadeSettings, createBrigade } from '../../src/service/brigade.ts';
import { ensureFirstToken } from '../../src/service/tokens.ts';
import { OmsClient } from './oms-client.ts';
import { testDatabase } from './postgres.ts';
import type { S3Server } from './s3-server/server.ts';

/** The whole service in this process, over a database of its own. */
export interface TestService extends AsyncDisposable {
  readonly client: OmsClient;
  readonly projectId: string;
  readonly database: Database;
  readonly brigade: Brigade;
  readonly api: FastifyInstance;
}

export interface TestServiceOptions {
  readonly settings?: Partial<BrigadeSettings>;
  readonly log?: Logger;
}

const settings: BrigadeSettings = {
  endpoints: [],
  allowEndpoints: ['127.0.0.1', 'localhost'],
  tasksMax: 5,
  eventKeysMax: 100,
  timeZone: 'UTC',
  retentionDays: 90,
  width: 48,
  taskWidth: 32,
  sizes: { bufferBytes: MiB, putBytes: 32 * MiB, partBytes: 5 * MiB, partWidth: 4 },
  attemptsMax: 12,
  // Patience is for production.
  backoff: { baseMs: 20, maxMs: 200 },
  leaseMs: 60_000,
  drainMs: 5_000,
};

export async function startTestService(options: TestServiceOptions = {}): Promise<TestService> {
  const database = await testDatabase();
  const { projectId, token = '' } = await ensureFirstToken(database, undefined);
  const metrics = createMetrics();
  const log = options.log ?? silentLog;
  const brigade = await createBrigade({
    database,
    sealer: new Sealer(randomBytes(32)),
    clock: systemClock,
    log,
    metrics,
    settings: { ...settings, ...options.settings },
  });
  await brigade.startWork();
  const { syncTasks, tokens, health } = brigade;
  const api = await buildApi({ syncTasks, tokens, health, metrics, log, settings });
  const url = await api.listen({ host: '127.0.0.1', port: 0 });
  return {
    client: new OmsClient({ url, projectId, token }),
    projectId,
    database,
    brigade,
    api,
    async [Symbol.asyncDispose]() {
      await api.close();
      await brigade.stop();
      await database[Symbol.asyncDispose]();
    },
  };
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
