import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Audit, AuditRow } from '../../service/audit.ts';
import { ListAuditQuery, ListAuditReply } from '../schemas/audit.ts';
import { ProjectPath, problems } from '../schemas/common.ts';

const LIMIT_DEFAULT = 100;

/** Who did what in a project, the newest first: an API of our own. */
export function auditRoutes(audit: Audit): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v2/:project_id/audit',
      {
        schema: {
          operationId: 'ListAudit',
          summary: 'Who did what, when, from where, with what result (extension)',
          tags: ['Audit'],
          params: ProjectPath,
          querystring: ListAuditQuery,
          response: { 200: ListAuditReply, ...problems },
        },
        config: { action: 'audit:list' },
      },
      async ({ params, query: { limit = LIMIT_DEFAULT, before } }) => {
        const rows = await audit.list(params.project_id, { limit, before });
        const last = rows.length < limit ? undefined : rows.at(-1);
        return { entries: rows.map(toEntry), next_before: last?.id ?? null };
      },
    );
  };
}

function toEntry(row: AuditRow) {
  return {
    id: row.id,
    time: row.at.getTime(),
    actor: row.actor,
    actor_kind: row.actorKind,
    address: row.address,
    operation: row.operation,
    resource: row.resource ?? null,
    status: row.status,
    error_code: row.errorCode ?? null,
    request_id: row.requestId,
    requests: row.requests,
  };
}
