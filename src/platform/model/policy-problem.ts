import { actions, type Policy, urnOf } from './policy.ts';

/** What is wrong with a policy: which of its texts, and why. */
export interface PolicyProblem {
  /** `Statement[0].Action[1]`. */
  readonly at: string;
  /** Completes the sentence "x …". */
  readonly rule: string;
}

const urns = [...new Set(actions.map((action) => urnOf(action, '*')))];

/**
 * The first pattern that means nothing here, if any. A policy that allows less than its author thinks is
 * a nuisance, one that denies less is a hole: neither is taken.
 */
export function policyProblem({ Statement: statements }: Policy): PolicyProblem | undefined {
  for (const [index, { Action, Resource = [] }] of statements.entries()) {
    const action = Action.findIndex((pattern) => !overlapsAny(pattern, actions));
    if (action >= 0) {
      const rule = `matches no action; the actions are ${actions.join(', ')}`;
      return { at: `Statement[${index}].Action[${action}]`, rule };
    }
    const resource = Resource.findIndex((pattern) => !overlapsAny(pattern, urns));
    if (resource >= 0) {
      const rule = `matches no resource; resources are ${urns.join(', ')}`;
      return { at: `Statement[${index}].Resource[${resource}]`, rule };
    }
  }
  return undefined;
}

function overlapsAny(pattern: string, others: readonly string[]): boolean {
  return others.some((other) => overlaps(pattern.toLowerCase(), other.toLowerCase()));
}

/** Whether there is a text that both patterns match. */
export function overlaps(one: string, other: string): boolean {
  // By `at`: whether what follows it in `other` overlaps what of `one` was read, from its end.
  let after = Array.from({ length: other.length + 1 }, (_, at) => /^\**$/.test(other.slice(at)));
  for (const a of Array.from(one).reverse()) {
    const here = after.map(() => false);
    for (let at = other.length; at >= 0; at--) {
      const b = other[at];
      // A star stands for nothing, or for what the other pattern says here.
      const star = (a === '*' || b === '*') && (after[at] === true || here[at + 1] === true);
      here[at] = star || (isOneOf(a, b) && after[at + 1] === true);
    }
    after = here;
  }
  return after[0] ?? false;
}

/** Whether two characters of patterns, stars aside, can stand for the same one. */
function isOneOf(a: string, b: string | undefined): boolean {
  return b !== undefined && (a === b || a === '?' || b === '?');
}
