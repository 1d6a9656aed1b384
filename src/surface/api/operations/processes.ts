import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { ProcessRow } from '../../../domain/fleet/processes-table.ts';
import { problems } from '../kit/common-schemas.ts';
import { ListProcessesReply } from './schemas.ts';

/** The processes at work on the database: an API of our own. */
export function processRoutes(
  processes: () => Promise<readonly ProcessRow[]>,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/operations/v1/processes',
      {
        schema: {
          operationId: 'ListProcesses',
          summary:
            'The processes at work on the database, and those that died within the last hour',
          tags: ['Operations'],
          response: { 200: ListProcessesReply, ...problems },
        },
        config: { action: 'iam:read' },
      },
      async () => ({ processes: (await processes()).map(toReply) }),
    );
  };
}

function toReply({
  id,
  roles,
  version,
  schemaVersion,
  host,
  pid,
  startedAt,
  seenAt,
  alive,
}: ProcessRow) {
  return {
    ...{ id, roles: [...roles], version, host, pid, alive },
    schema_version: schemaVersion,
    start_time: startedAt,
    seen_time: seenAt,
  };
}
