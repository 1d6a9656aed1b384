import { type Static, Type } from 'typebox';
import { oneOf } from '../../kit/common-schemas.ts';

export const ApiVersion = Type.Object(
  {
    id: Type.String(),
    links: Type.Array(Type.Object({ rel: Type.String(), href: Type.String() })),
    status: oneOf(['CURRENT', 'SUPPORTED', 'DEPRECATED']),
    updated: Type.String(),
  },
  { description: 'OK' },
);
export type ApiVersion = Static<typeof ApiVersion>;

export const ListApiVersionsReply = Type.Object(
  { versions: Type.Array(ApiVersion) },
  { description: 'OK' },
);
