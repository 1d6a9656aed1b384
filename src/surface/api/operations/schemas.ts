import { Type } from 'typebox';
import { orNull } from '../kit/common-schemas.ts';

export const ListAuditQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  before: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: '`next_before` of the previous page',
    }),
  ),
});

export const ListAuditReply = Type.Object({
  entries: Type.Array(
    Type.Object({
      id: Type.Integer(),
      project_id: orNull(Type.String({ description: 'The project of the call' })),
      time: Type.Integer({ description: 'Milliseconds since the Unix epoch' }),
      actor: Type.String({ description: 'Name of the user, or `first token`' }),
      actor_kind: Type.String({ description: 'The kind of credential' }),
      address: Type.String(),
      operation: Type.String({ description: 'Its operationId in this document' }),
      resource: orNull(Type.String()),
      status: Type.Integer({ description: 'Of the answer' }),
      error_code: orNull(Type.String()),
      request_id: Type.String(),
      requests: Type.Integer({
        description: 'Number of equal calls: the events of some seconds are one entry',
      }),
      repeated: Type.Boolean({
        description:
          'Whether the call repeated an earlier signed call, returned its result, and changed nothing',
      }),
    }),
  ),
  next_before: orNull(Type.Integer({ description: 'null at the end' })),
});

const time = (description: string) => Type.Integer({ description: `Milliseconds; ${description}` });

export const ListProcessesReply = Type.Object({
  processes: Type.Array(
    Type.Object({
      id: Type.String({ description: 'New at each start' }),
      roles: Type.Array(Type.String()),
      version: Type.String({ description: 'Of the program' }),
      schema_version: Type.Integer({ description: 'How many schema migrations the program has' }),
      host: Type.String(),
      pid: Type.Integer({ description: 'The number of the process at its host' }),
      start_time: time('when it registered'),
      seen_time: time('when it reported last that it is alive, which it does every 15 seconds'),
      alive: Type.Boolean({ description: 'Whether it was seen within the last 60 seconds' }),
    }),
    { description: 'In the order of their starts' },
  ),
});
