import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Static } from 'typebox';
import type { Audit, AuditRow } from '../../../domain/access/audit.ts';
import { ListAuditQuery, ListAuditReply } from './schemas.ts';
import { ProjectPath, problems } from '../kit/common-schemas.ts';

const LIMIT_DEFAULT = 100;

/** Who did what, the newest first, in a project and in all: an API of our own. */
export function auditRoutes(audit: Audit): FastifyPluginAsyncTypebox {
  async function page(projectId: string | undefined, query: Static<typeof ListAuditQuery>) {
    const { limit = LIMIT_DEFAULT, before } = query;
    const rows = await audit.list(projectId, { limit, before });
    const last = rows.length < limit ? undefined : rows.at(-1);
    return { entries: rows.map(toEntry), next_before: last?.id ?? null };
  }

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
      ({ params, query }) => page(params.project_id, query),
    );
    app.get(
      '/iam/v1/audit',
      {
        schema: {
          operationId: 'ListIamAudit',
          summary: 'The audit of all projects',
          tags: ['Audit'],
          querystring: ListAuditQuery,
          response: { 200: ListAuditReply, ...problems },
        },
        config: { action: 'iam:read' },
      },
      ({ query }) => page(undefined, query),
    );
  };
}

function toEntry(row: AuditRow) {
  return {
    id: row.id,
    project_id: row.projectId ?? null,
    time: row.at,
    actor: row.actor,
    actor_kind: row.actorKind,
    address: row.address,
    operation: row.operation,
    resource: row.resource ?? null,
    status: row.status,
    error_code: row.errorCode ?? null,
    request_id: row.requestId,
    requests: row.requests,
    repeated: row.repeated,
  };
}
