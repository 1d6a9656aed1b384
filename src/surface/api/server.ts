import type { Server } from 'node:http';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyHttpOptions,
  fastify,
  LogController,
} from 'fastify';
import { KiB, MiB } from '../../platform/base/bytes.ts';
import type { Clock } from '../../platform/base/clock.ts';
import type { Metrics } from '../../platform/base/metrics.ts';
import type { Audit } from '../../domain/access/audit.ts';
import type { Gatekeeper, IdentityService } from '../../domain/access/identity-service.ts';
import type { Lockouts, LogIns } from '../../domain/access/lockouts.ts';
import type { SingleSignOn } from '../../domain/access/single-sign-on.ts';
import type { Rates } from '../../domain/access/rates.ts';
import type { ProcessRow } from '../../domain/fleet/processes-table.ts';
import type { ScanService } from '../../domain/scan/scan-service.ts';
import type { UsedSignatures } from '../../domain/access/used-signatures.ts';
import type { Health, SyncTaskService } from '../../domain/tasks/sync/sync-task-service.ts';
import { addApiHooks, addServerHooks } from './hooks.ts';
import { BodyRoom } from './kit/body-room.ts';
import { Connections, type ConnectionTimes, connectionTimes } from './kit/connections.ts';
import { Limits, type RequestLimits } from './kit/limits.ts';
import { requestIdOf } from './kit/observation.ts';
import { describeApi } from './openapi.ts';
import { rawProblem, sendProblem } from './kit/problems.ts';
import { eventRoutes } from './oms/events.ts';
import { auditRoutes } from './operations/audit.ts';
import { iamRoutes } from './iam/iam.ts';
import { identityRoutes } from './keystone/identity.ts';
import { objectRoutes } from './oms/objects.ts';
import { operationRoutes } from './operations/operations.ts';
import { processRoutes } from './operations/processes.ts';
import { rightsRoutes } from './iam/rights.ts';
import { differenceRoutes } from './oms/differences.ts';
import { scanRoutes } from './oms/scans.ts';
import { progressRoutes } from './oms/progress.ts';
import { statisticRoutes } from './oms/statistics.ts';
import { syncTaskRoutes } from './oms/sync-tasks.ts';
import { versionRoutes } from './oms/versions.ts';
import { Problem } from './kit/common-schemas.ts';
import { compileValidator } from './kit/validation.ts';

/** What every process serves, whatever its roles. */
export interface ServerParts {
  readonly clock: Clock;
  readonly health: Health;
  readonly metrics: Pick<Metrics, 'registry' | 'apiRequestSeconds'>;
  /** Gets facts only: no body, no credential, no query. */
  readonly log: FastifyBaseLogger;
  /** Undefined: without TLS. */
  readonly tls?: TlsSettings | undefined;
  /** Addresses and networks of proxies, whose word on the client's address counts. */
  readonly trustProxy?: readonly string[] | undefined;
  readonly connectionTimes?: Partial<ConnectionTimes> | undefined;
}

export interface ApiParts extends ServerParts {
  readonly syncTasks: SyncTaskService;
  readonly scans: ScanService;
  readonly gatekeeper: Gatekeeper;
  readonly identity: IdentityService;
  readonly singleSignOn: SingleSignOn;
  readonly limits: RequestLimits;
  readonly lockouts: Lockouts & LogIns;
  readonly rates: Rates;
  readonly usedSignatures: UsedSignatures;
  readonly audit: Audit;
  readonly processes: () => Promise<readonly ProcessRow[]>;
  readonly bodyRoom?: BodyRoom | undefined;
}

/** Certificate and key are PEM. */
export interface TlsSettings {
  readonly cert: string;
  readonly key: string;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** For bodies of callers that are not known yet. The largest body fits into what one address may hold. */
const UNKNOWN_BYTES = { bytes: 64 * MiB, bytesOfAddress: 32 * MiB };

/**
 * The HTTP server with the API, ready to take more routes and to listen; every further route declares its action too.
 * Closing it closes nothing that was passed in.
 */
export async function buildApi(parts: ApiParts): Promise<FastifyInstance> {
  const now = (): number => parts.clock.now();
  const app = await buildServer(parts);
  const limits = new Limits(parts.limits, parts.lockouts, parts.rates);
  const room = parts.bodyRoom ?? new BodyRoom(UNKNOWN_BYTES);
  await addApiHooks(app, { ...parts, now, limits, room });
  await describeApi(app);
  await app.register(versionRoutes);
  await app.register(identityRoutes(parts.identity, limits));
  await app.register(iamRoutes(parts.identity));
  await app.register(rightsRoutes(parts.identity));
  await app.register(auditRoutes(parts.audit));
  await app.register(operationRoutes(parts.health, parts.metrics));
  await app.register(processRoutes(parts.processes));
  await app.register(syncTaskRoutes(parts.syncTasks));
  await app.register(eventRoutes(parts.syncTasks));
  await app.register(statisticRoutes(parts.syncTasks));
  await app.register(objectRoutes(parts.syncTasks));
  await app.register(scanRoutes(parts.scans));
  await app.register(differenceRoutes(parts.scans));
  await app.register(progressRoutes(parts.syncTasks));
  return app;
}

/** The HTTP server of a process without the API: health and metrics, and no other path. */
export async function buildOperations(parts: ServerParts): Promise<FastifyInstance> {
  const app = await buildServer(parts);
  await app.register(operationRoutes(parts.health, parts.metrics));
  return app;
}

async function buildServer(parts: ServerParts): Promise<FastifyInstance> {
  const connections = new Connections(
    { ...connectionTimes, ...parts.connectionTimes },
    parts.clock,
  );
  const app = createServer(parts, connections);
  app.setValidatorCompiler(compileValidator);
  app.addSchema(Problem);
  await addServerHooks(app, {
    connections,
    metrics: parts.metrics,
    tls: parts.tls !== undefined,
  });
  return app;
}

function createServer(
  { log, tls, trustProxy = [] }: ServerParts,
  connections: Connections,
): FastifyInstance {
  // A token may have 16,384 characters; Node's default leaves no room beside it.
  const http = {
    maxHeaderSize: 32 * KiB,
    headersTimeout: 30_000,
    connectionsCheckingInterval: 5_000, // How late a timeout may be.
  };
  const options: FastifyHttpOptions<Server> = {
    loggerInstance: log,
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'requestId',
    }),
    genReqId: requestIdOf,
    http,
    trustProxy: trustProxy.length === 0 ? false : [...trustProxy],
    requestTimeout: 60_000,
    connectionTimeout: 120_000,
    keepAliveTimeout: 75_000, // Longer than the idle time of the usual proxies, 60 s.
    return503OnClosing: false, // What still arrives while we close is served; nothing is lost by it.
    routerOptions: {
      ignoreTrailingSlash: true,
      maxParamLength: 9 * KiB, // 1,024 characters, each three bytes long and escaped.
    },
    frameworkErrors(error, request, reply) {
      sendProblem(error, request, reply.header('x-request-id', request.id));
    },
    clientErrorHandler(error, socket) {
      if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
      else connections.refuse(socket, rawProblem(error.code, requestIdOf({ headers: {} })));
    },
  };
  const https = { ...http, ...tls, handshakeTimeout: 30_000 };
  const secure = tls === undefined ? options : { ...options, https };
  return fastify(secure);
}
