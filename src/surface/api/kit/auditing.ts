import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Audit, AuditEntry } from '../../../domain/access/audit.ts';
import type { Principal } from '../../../domain/access/identity-service.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the audit says it was about, where the path alone does not: what was made, or how changed. */
    subject: string | undefined;
    /** It repeated an earlier request and changed nothing. */
    repeated: boolean;
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
  app.decorateRequest('repeated', false);
  app.addHook('onSend', async (request, reply) => {
    const { principal, routeOptions } = request;
    if (principal === undefined) return;
    if (onlyReads(request) && reply.statusCode !== 403) return;
    const entry = entryOf(request, principal, reply.statusCode);
    // What fails by an error of ours may have been done all the same.
    const changedNothing = entry.status >= 400 && entry.status < 500;
    const isEvent = routeOptions.config.action === 'oms:synctask:createEvent';
    // What changes nothing may come as often as somebody likes.
    if (changedNothing || isEvent || entry.repeated) audit.count(entry);
    else await audit.record(entry);
  });
}

function entryOf(request: FastifyRequest, principal: Principal, status: number): AuditEntry {
  const { routeOptions, method, ip, id, refusal } = request;
  return {
    projectId: (request.projectId ?? principal.projectId)?.slice(0, LENGTH_MAX),
    actor: principal.name,
    actorKind: principal.kind,
    address: ip.slice(0, LENGTH_MAX),
    operation: routeOptions.schema?.operationId ?? `${method} ${routeOptions.url ?? ''}`,
    resource: subjectOf(request)?.slice(0, LENGTH_MAX),
    status,
    errorCode: refusal?.errorCode,
    requestId: id,
    requests: 1,
    repeated: request.repeated,
  };
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
