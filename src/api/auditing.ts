import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Audit } from '../service/audit.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the audit says it was about, where the path alone does not: what was made, or how changed. */
    subject: string | undefined;
  }
}

const reading = /:(?:list|get|read|statistics)$/;
/** Of what callers make up: project, subject, and the address where a proxy says it. */
const LENGTH_MAX = 256;

/**
 * Writes down who did what, before they hear of it. What was refused changed nothing and is gathered; of
 * calls that only read, only those are written down that the caller has no right to. Without a known
 * caller there is only the log.
 */
export function auditCalls(app: FastifyInstance, audit: Audit): void {
  app.decorateRequest('subject', undefined);
  app.addHook('onSend', async (request, reply) => {
    const { principal, routeOptions } = request;
    if (principal === undefined) return;
    if (onlyReads(request) && reply.statusCode !== 403) return;
    const refused = reply.statusCode >= 400;
    const entry = {
      projectId: (request.projectId ?? principal.projectId)?.slice(0, LENGTH_MAX),
      actor: principal.name,
      actorKind: principal.kind,
      address: request.ip.slice(0, LENGTH_MAX),
      operation: routeOptions.schema?.operationId ?? `${request.method} ${routeOptions.url ?? ''}`,
      resource: subjectOf(request)?.slice(0, LENGTH_MAX),
      status: reply.statusCode,
      errorCode: request.refusal?.errorCode,
      requestId: request.id,
      requests: 1,
    };
    // What changes nothing may come as often as somebody likes.
    if (refused || routeOptions.config.action === 'oms:synctask:createEvent') audit.count(entry);
    else await audit.record(entry);
  });
}

function onlyReads({ method, routeOptions }: FastifyRequest): boolean {
  const { action = 'public' } = routeOptions.config;
  return action === 'anybody' ? method === 'GET' : reading.test(action);
}

/** By default what the path names beside the project. */
function subjectOf({ subject, params }: FastifyRequest): string | undefined {
  if (subject !== undefined) return subject;
  const named = Object.entries(params as Record<string, string | undefined>)
    .filter(([name]) => name !== 'project_id')
    .map(([, value]) => value);
  return named.length === 0 ? undefined : named.join('/');
}
