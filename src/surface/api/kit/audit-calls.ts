import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Audit, AuditEntry } from '../../../domain/access/audit.ts';
import type { Principal } from '../../../domain/access/identity-service.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the audit names as its subject, where the path does not: what was created, or how it was changed. */
    subject: string | undefined;
    /** Whether the request repeated an earlier one and changed nothing. */
    repeated: boolean;
  }
}

const reading = /:(?:list|get|read|statistics)$/;
/** Of texts that callers choose: project, subject, and the address where a proxy reports it. */
const LENGTH_MAX = 256;

/**
 * Records who did what, before the answer goes out. A call that was refused changed nothing and is gathered with
 * others; of calls that only read, only those are recorded that the caller has no right to. Where the caller is not
 * known, there is only the log.
 */
export const auditing = fp<{ readonly audit: Audit }>(
  async (app, { audit }) => {
    app.decorateRequest('subject', undefined);
    app.decorateRequest('repeated', false);
    app.addHook('onSend', async function auditCall(request, reply) {
      const { principal, routeOptions } = request;
      if (principal === undefined) return;
      if (onlyReads(request) && reply.statusCode !== 403) return;
      const entry = entryOf(request, principal, reply.statusCode);
      // A call that failed with an internal error may still have changed something.
      const changedNothing = entry.status >= 400 && entry.status < 500;
      const isEvent = routeOptions.config.action === 'oms:synctask:createEvent';
      // The number of calls that change nothing is unlimited.
      if (changedNothing || isEvent || entry.repeated) audit.count(entry);
      else await audit.record(entry);
    });
  },
  { name: 'auditing', dependencies: ['authentication', 'observation'] },
);

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

/** By default, the resource that the path names besides the project. */
function subjectOf({ subject, params }: FastifyRequest): string | undefined {
  if (subject !== undefined) return subject;
  const named = Object.entries(params as Record<string, string | undefined>)
    .filter(([name]) => name !== 'project_id')
    .map(([, value]) => value);
  return named.length === 0 ? undefined : named.join('/');
}
