import helmet from '@fastify/helmet';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Audit } from '../../domain/access/audit.ts';
import type { UsedSignatures } from '../../domain/access/used-signatures.ts';
import type { Metrics } from '../../platform/base/metrics.ts';
import { auditing } from './kit/audit-calls.ts';
import { type Authentication, authentication } from './kit/authenticate.ts';
import { authorization } from './kit/authorize.ts';
import { bodyLimits } from './kit/body-limits.ts';
import type { BodyRoom } from './kit/body-room.ts';
import { type Connections, watchedConnections } from './kit/connections.ts';
import { jsonBodies } from './kit/json-body.ts';
import { callLimits } from './kit/limit-calls.ts';
import { observation } from './kit/observation.ts';
import { problemReplies } from './kit/problems.ts';
import { bodies, signedBodies } from './kit/read-bodies.ts';
import { unknownFieldWatch } from './kit/unknown-fields.ts';
import { signatures } from './kit/verify-signatures.ts';

/*
 * Fastify runs the hooks of one phase in the order in which they are added. So the order of these plugins is the
 * order of what happens to a request; each names the plugins that must be there before it, and Fastify refuses to
 * start without them. ARCHITECTURE.md has the resulting list of hooks, with the reason for each place.
 */

export interface ServerHooks {
  readonly connections: Connections;
  readonly metrics: Pick<Metrics, 'apiRequestSeconds'>;
  /** Whether this server, and no proxy before it, ends TLS. */
  readonly tls: boolean;
}

const YEAR_SECONDS = 365 * 86_400;

/** What happens to every request of every process. */
export async function addServerHooks(
  app: FastifyInstance,
  { connections, metrics, tls }: ServerHooks,
): Promise<void> {
  await app.register(watchedConnections, { connections });
  await app.register(observation, metrics);
  await app.register(helmet, {
    contentSecurityPolicy: { directives: { 'default-src': ["'none'"] }, useDefaults: false },
    // Where a proxy ends TLS, this header is the proxy's decision.
    strictTransportSecurity: tls ? { maxAge: YEAR_SECONDS, includeSubDomains: false } : false,
  });
  await app.register(problemReplies);
  await app.register(jsonBodies);
}

export interface ApiHooks extends Authentication {
  readonly room: BodyRoom;
  readonly usedSignatures: UsedSignatures;
  readonly audit: Audit;
  readonly log: FastifyBaseLogger;
}

/** What happens to requests to the API, after {@link addServerHooks}. */
export async function addApiHooks(app: FastifyInstance, parts: ApiHooks): Promise<void> {
  await app.register(bodyLimits);
  await app.register(authentication, parts);
  await app.register(bodies, parts);
  await app.register(signatures, parts);
  await app.register(authorization, parts);
  await app.register(callLimits, parts);
  await app.register(signedBodies);
  await app.register(unknownFieldWatch, parts);
  await app.register(auditing, parts);
}
