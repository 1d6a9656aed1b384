import { Type } from 'typebox';

/** What a database takes: without NUL. */
const text = (description: string) =>
  Type.String({ minLength: 1, maxLength: 256, pattern: '^[^\\u0000]+$', description });

/** The part of the identity API's body that we read: a password, for one project. */
export const CreateTokenBody = Type.Object({
  auth: Type.Object({
    identity: Type.Object({
      methods: Type.Array(Type.String({ maxLength: 64 }), {
        minItems: 1,
        maxItems: 16,
        description: '`password`',
      }),
      password: Type.Object({
        user: Type.Object({
          name: Type.Optional(text('The user’s name; or `id`')),
          id: Type.Optional(text('The user’s ID')),
          password: Type.String({ minLength: 1, maxLength: 1024 }),
          domain: Type.Optional(Type.Unknown({ description: 'Ignored: there is one domain' })),
        }),
      }),
    }),
    scope: Type.Optional(
      Type.Object({
        project: Type.Optional(
          Type.Object({
            name: Type.Optional(text('The project’s name; or `id`')),
            id: Type.Optional(text('The project’s ID')),
          }),
        ),
        domain: Type.Optional(Type.Unknown({ description: 'Not looked at' })),
      }),
    ),
  }),
});

const Named = Type.Object({ id: Type.String(), name: Type.String() });
const Owned = Type.Object({ id: Type.String(), name: Type.String(), domain: Named });

export const CreateTokenReply = Type.Object({
  token: Type.Object({
    methods: Type.Array(Type.String()),
    issued_at: Type.String({ description: 'ISO 8601 with microseconds' }),
    expires_at: Type.String({ description: 'ISO 8601 with microseconds' }),
    project: Owned,
    user: Owned,
    roles: Type.Array(Named),
    catalog: Type.Array(Type.Unknown()),
  }),
});

const links = Type.Object({
  self: Type.String(),
  next: Type.Union([Type.String(), Type.Null()]),
  previous: Type.Union([Type.String(), Type.Null()]),
});

const Domain = Type.Object({
  id: Type.String(),
  name: Type.String(),
  enabled: Type.Boolean(),
  description: Type.String(),
  links: Type.Object({ self: Type.String() }),
});

export const ListDomainsReply = Type.Object({ domains: Type.Array(Domain), links });

export const ListProjectsQuery = Type.Object({
  name: Type.Optional(Type.String({ maxLength: 256 })),
});

export const ListProjectsReply = Type.Object({
  projects: Type.Array(
    Type.Object({
      ...Domain.properties,
      domain_id: Type.String(),
      parent_id: Type.String(),
      is_domain: Type.Boolean(),
    }),
  ),
  links,
});

export const ListRegionsReply = Type.Object({
  regions: Type.Array(
    Type.Object({
      id: Type.String(),
      type: Type.String(),
      description: Type.String(),
      parent_region_id: Type.Null(),
      locales: Type.Object({ 'en-us': Type.String(), 'zh-cn': Type.String() }),
      links: Type.Object({ self: Type.String() }),
    }),
  ),
  links,
});
