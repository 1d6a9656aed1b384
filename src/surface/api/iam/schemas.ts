import { Type } from 'typebox';
import { oneOf, orNull } from '../kit/common-schemas.ts';

/** Names of users, groups, projects and policies: what is easy to type and to quote. */
const name = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: '^[A-Za-z0-9._@-]([A-Za-z0-9._@ -]*[A-Za-z0-9._@-])?$',
  description: 'Letters, digits, and any of `._@ -`; no space at an end',
});
/** In a path, where an ID does as well. */
const given = Type.String({ minLength: 1, maxLength: 128 });

export const Named = Type.Object({ name: given });
/** Of what is made under the name. */
export const NewlyNamed = Type.Object({ name });
export const Identified = Type.Object({ id: given });
export const Member = Type.Object({ name: given, user: given });

export const ProjectReply = Type.Object({
  id: Type.String(),
  name: orNull(Type.String()),
  tasks_max: orNull(Type.Integer()),
  event_keys_max: orNull(Type.Integer()),
});
export const ProjectsReply = Type.Object({ projects: Type.Array(ProjectReply) });
export const CreateProjectBody = Type.Object({
  name,
  id: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      pattern: '^[A-Za-z0-9._@-]+$',
      description: 'By default generated',
    }),
  ),
});
export const UpdateProjectBody = Type.Object({
  name: Type.Optional(name),
  tasks_max: Type.Optional(
    Type.Integer({
      minimum: -1,
      maximum: 1_000_000,
      description: '-1 for the number in the settings',
    }),
  ),
  event_keys_max: Type.Optional(
    Type.Integer({
      'minimum': -1,
      'maximum': 10_000,
      'not': { const: 0 },
      'description': '-1 for the number in the settings',
      'x-hint': 'must be -1, or from 1 to 10000: an event names at least one object',
    }),
  ),
});

export const UserReply = Type.Object({
  id: Type.String(),
  name: Type.String(),
  enabled: Type.Boolean(),
  has_password: Type.Boolean(),
  groups: Type.Array(Type.String()),
});
export const UsersReply = Type.Object({ users: Type.Array(UserReply) });
const password = Type.String({ minLength: 12, maxLength: 1024 });
export const CreateUserBody = Type.Object({ name, password: Type.Optional(password) });
export const UpdateUserBody = Type.Object({
  enabled: Type.Optional(Type.Boolean()),
  password: Type.Optional(password),
});

export const GroupReply = Type.Object({
  id: Type.String(),
  name: Type.String(),
  members: Type.Array(Type.String()),
});
export const GroupsReply = Type.Object({ groups: Type.Array(GroupReply) });
export const CreateGroupBody = Type.Object({ name });

const patterns = Type.Array(Type.String({ minLength: 1, maxLength: 256, pattern: '^[!-~]+$' }), {
  minItems: 1,
  maxItems: 100,
});

/** A policy as identity services write it. What we cannot honour, conditions above all, is refused. */
export const PolicyDocument = Type.Object(
  {
    Version: oneOf(['1.1', '5.0'], { description: 'Both have the same meaning' }),
    Statement: Type.Array(
      Type.Object(
        {
          Effect: oneOf(['Allow', 'Deny']),
          Action: patterns,
          Resource: Type.Optional(patterns),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 100 },
    ),
  },
  { additionalProperties: false },
);
export const PoliciesReply = Type.Object({
  policies: Type.Array(
    Type.Object({ name: Type.String(), system: Type.Boolean(), document: PolicyDocument }),
  ),
});

export const GrantReply = Type.Object({
  id: Type.String(),
  user: orNull(Type.String()),
  group: orNull(Type.String()),
  project_id: Type.String(),
  policy: Type.String(),
});
export const GrantsReply = Type.Object({ grants: Type.Array(GrantReply) });
export const CreateGrantBody = Type.Object({
  user: Type.Optional(given),
  group: Type.Optional(given),
  project: given,
  policy: given,
});

export const AccessKeysReply = Type.Object({
  access_keys: Type.Array(
    Type.Object({ id: Type.String(), user: Type.String(), enabled: Type.Boolean() }),
  ),
});
export const CreateAccessKeyBody = Type.Object({ user: given });
export const CreateAccessKeyReply = Type.Object({
  id: Type.String(),
  secret: Type.String({ description: 'Shown only once' }),
});
export const UpdateAccessKeyBody = Type.Object({ enabled: Type.Boolean() });
