import { isSystemRole, type Policy, systemRoles } from '../../src/platform/model/policy.ts';

/** A second implementation of the rights, for comparison: slow and simple, written from the documentation. */

export const USERS = ['ann', 'ben', 'cai'] as const;
export const GROUPS = ['ops', 'dev'] as const;

/** What the service must believe. */
export interface Model {
  readonly enabled: Set<string>;
  /** `ops/ann` */
  readonly members: Set<string>;
  readonly policies: Map<string, Policy>;
  readonly grants: { id: string; holder: string; project: string; policy: string }[];
  /** By user and project; removed when the user is disabled. */
  readonly tokens: Map<string, { readonly token: string; live: boolean }>;
}

/** `*` any text, `?` any character, case does not matter. */
function fits(pattern: string, text: string): boolean {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  const regex = escaped.replaceAll('*', '.*').replaceAll('?', '.');
  return new RegExp(`^${regex}$`, 'is').test(text);
}

const types: Readonly<Record<string, string>> = {
  oms: 'synctask',
  iam: 'identity',
  audit: 'entry',
};

/** The URN of the resource on which an action is performed. */
export function urn(project: string, action: string, task = '*'): string {
  const [name = ''] = action.split(':');
  return `${name}:local:${project}:${types[name] ?? ''}:${task}`;
}

/** The rule: something that was granted allows it, and nothing that was granted denies it. */
export function mayInModel(
  model: Model,
  who: { readonly user: string | null; readonly groups: readonly string[] },
  what: { readonly project: string; readonly action: string; readonly task: string | undefined },
): boolean {
  const { project, action, task } = what;
  const resource = urn(project, action, task);
  const groups = GROUPS.filter(
    (group) => who.groups.includes(group) || model.members.has(`${group}/${who.user ?? ''}`),
  );
  const effects = model.grants
    .filter((grant) => grant.project === project)
    .filter((grant) => grant.holder === who.user || groups.some((one) => one === grant.holder))
    .flatMap(({ policy }): readonly Policy['Statement'][number][] =>
      isSystemRole(policy)
        ? systemRoles[policy].Statement
        : (model.policies.get(policy)?.Statement ?? []),
    )
    .filter((one) => one.Action.some((pattern) => fits(pattern, action)))
    .filter((one) => one.Resource?.some((pattern) => fits(pattern, resource)) ?? true)
    .map(({ Effect }) => Effect);
  return effects.includes('Allow') && !effects.includes('Deny');
}
