/** The actions of OMS on synchronization tasks, as its permission reference names them. */
export const taskActions = [
  'oms:synctask:list',
  'oms:synctask:create',
  'oms:synctask:get',
  'oms:synctask:delete',
  'oms:synctask:update',
  'oms:synctask:createEvent',
  'oms:synctask:statistics',
] as const;

/** Actions of our own: who may do what here, and who did what. */
export const adminActions = ['iam:read', 'iam:write', 'audit:list'] as const;

export const actions = [...taskActions, ...adminActions] as const;
export type Action = (typeof actions)[number];

/** One statement of a policy. `*` stands for any characters, `?` for one. */
export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: readonly string[];
  /** Absent: every resource. */
  readonly Resource?: readonly string[] | undefined;
}

/** A policy document as identity services write it: an identity policy, or one without resources. */
export interface Policy {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

/** What a request does to what. */
export interface Access {
  readonly action: Action;
  /** See {@link urnOf}. */
  readonly resource: string;
}

const types: Record<string, string> = { oms: 'synctask', iam: 'identity', audit: 'entry' };

/**
 * What an action is done to, as policies name it: `oms:<region>:<project>:synctask:<id>`. One service is
 * one region, `local`; a list and a creation are of the task `*`. What is not about a task has a service
 * and a type of its own, so that who may do all to all tasks may do nothing to users.
 */
export function urnOf(action: Action, projectId: string, taskId = '*'): string {
  const [service = ''] = action.split(':');
  return `${service}:local:${projectId}:${types[service] ?? ''}:${taskId}`;
}

/** Roles that need no policy to be written. */
export const systemRoles = {
  'OMS Administrator': {
    Version: '5.0',
    Statement: [{ Effect: 'Allow', Action: ['oms:*:*', 'audit:list'] }],
  },
  'OMS ReadOnlyAccess': {
    Version: '5.0',
    Statement: [
      {
        Effect: 'Allow',
        Action: ['oms:synctask:list', 'oms:synctask:get', 'oms:synctask:statistics'],
      },
    ],
  },
  'Security Administrator': {
    Version: '5.0',
    Statement: [{ Effect: 'Allow', Action: ['iam:*', 'audit:list'] }],
  },
} as const satisfies Record<string, Policy>;

/** Denied wins over allowed; what nothing allows is denied. Case makes no difference: a task's ID has none. */
export function allows(policies: readonly Policy[], access: Access): boolean {
  let allowed = false;
  for (const { Statement: statements } of policies) {
    for (const statement of statements) {
      if (!covers(statement, access)) continue;
      if (statement.Effect === 'Deny') return false;
      allowed = true;
    }
  }
  return allowed;
}

function covers({ Action: patterns, Resource: resources }: Statement, access: Access): boolean {
  return (
    matchesAny(patterns, access.action) &&
    (resources === undefined || matchesAny(resources, access.resource))
  );
}

function matchesAny(patterns: readonly string[], text: string): boolean {
  const lower = text.toLowerCase();
  return patterns.some((pattern) => matches(pattern.toLowerCase(), lower));
}

/**
 * Whether a pattern with `*` and `?` matches a whole text. Takes time by the product of the lengths at
 * worst: a pattern cannot be made that takes longer.
 */
export function matches(pattern: string, text: string): boolean {
  let at = 0;
  let in_ = 0;
  let star = -1;
  let retry = 0;
  while (in_ < text.length) {
    if (pattern[at] === '*') {
      star = at++;
      retry = in_;
    } else if (pattern[at] === '?' || pattern[at] === text[in_]) {
      at += 1;
      in_ += 1;
    } else if (star >= 0) {
      at = star + 1;
      in_ = ++retry;
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}

/** The pattern by which a policy allows an action that it does not name, if there is one. */
export function wildcardOf({ Statement: statements }: Policy, action: Action): string | undefined {
  return statements
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Action: patterns }) => patterns)
    .find((pattern) => pattern.toLowerCase() !== action && matchesAny([pattern], action));
}

/** Whether a policy of this name is one of the system's, which users cannot write. */
export function isSystemRole(name: string): name is keyof typeof systemRoles {
  return Object.hasOwn(systemRoles, name);
}
