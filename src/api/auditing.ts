import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Audit } from '../service/audit.ts';

const reading = /:(?:list|get|read|statistics)$/;

/**
 * Writes down who did what, before they hear of it. Calls that only read are not written down, unless
 * they were refused; without a known caller there is only the log.
 */
export function auditCalls(app: FastifyInstance, audit: Audit): void {
  app.addHook('onSend', async (request, reply) => {
    const { principal, routeOptions } = request;
    const { action = 'public' } = routeOptions.config;
    if (principal === undefined || action === 'anybody') return;
    if (reading.test(action) && reply.statusCode !== 403) return;
    const entry = {
      projectId: request.projectId,
      actor: principal.name,
      actorKind: principal.kind,
      address: request.ip,
      operation: routeOptions.schema?.operationId ?? `${request.method} ${routeOptions.url ?? ''}`,
      resource: resourceOf(request),
      status: reply.statusCode,
      errorCode: request.refusal?.errorCode,
      requestId: request.id,
      requests: 1,
    };
    if (action === 'oms:synctask:createEvent') audit.count(entry);
    else await audit.record(entry);
  });
}

function parametersOf(request: FastifyRequest): Readonly<Record<string, string | undefined>> {
  return request.params as Record<string, string | undefined>;
}

/** What the path names beside the project. */
function resourceOf(request: FastifyRequest): string | undefined {
  const named = Object.entries(parametersOf(request))
    .filter(([name]) => name !== 'project_id')
    .map(([, value]) => value);
  return named.length === 0 ? undefined : named.join('/').slice(0, 256);
}
