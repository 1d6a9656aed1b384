import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  actions,
  allows,
  matches,
  type Policy,
  systemRoles,
  taskActions,
  taskUrn,
} from './policy.ts';

/** What a pattern means, said slowly. */
function matchesSlowly(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  const [head, ...rest] = pattern;
  const tail = rest.join('');
  if (head === '*') {
    return matchesSlowly(tail, text) || (text !== '' && matchesSlowly(pattern, text.slice(1)));
  }
  return text !== '' && (head === '?' || head === text[0]) && matchesSlowly(tail, text.slice(1));
}

const short = (alphabet: string) =>
  fc.array(fc.constantFrom(...alphabet), { maxLength: 7 }).map((all) => all.join(''));

const statement = fc.record({
  Effect: fc.constantFrom('Allow', 'Deny'),
  Action: fc.array(
    fc.constantFrom('oms:*:*', '*', 'oms:synctask:*', 'OMS:SyncTask:Get', 'iam:*', ...actions),
    { minLength: 1, maxLength: 3 },
  ),
  Resource: fc.option(
    fc.array(fc.constantFrom('*', taskUrn('p', '*'), taskUrn('p', 'one'), taskUrn('q', '?ne')), {
      maxLength: 2,
    }),
    { nil: undefined },
  ),
});
const policies = fc.array(
  fc.record({ Version: fc.constant('5.0'), Statement: fc.array(statement, { maxLength: 4 }) }),
  { maxLength: 3 },
);

/** The rule in one sentence: something allows it, and nothing denies it. */
function allowsSlowly(all: readonly Policy[], action: string, resource: string): boolean {
  const covering = all
    .flatMap((policy) => policy.Statement)
    .filter((one) =>
      one.Action.some((pattern) => matchesSlowly(pattern.toLowerCase(), action.toLowerCase())),
    )
    .filter((one) => one.Resource?.some((pattern) => matchesSlowly(pattern, resource)) ?? true);
  return (
    covering.some((one) => one.Effect === 'Allow') && !covering.some((one) => one.Effect === 'Deny')
  );
}

describe('policies', () => {
  test('patterns match as they are defined', () => {
    fc.assert(
      fc.property(short('ab*?'), short('ab'), (pattern, text) => {
        assert.equal(matches(pattern, text), matchesSlowly(pattern, text));
      }),
      { numRuns: 2_000 },
    );
  });

  test('what is allowed is what the rule says', () => {
    const resources = ['*', 'x'].map((id) => taskUrn('p', id));
    fc.assert(
      fc.property(
        policies,
        fc.constantFrom(...actions),
        fc.constantFrom(...resources, taskUrn('p', 'one'), taskUrn('q', 'one')),
        (all, action, resource) => {
          assert.equal(allows(all, { action, resource }), allowsSlowly(all, action, resource));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('nothing is allowed by nothing', () => {
    for (const action of actions) assert.ok(!allows([], { action, resource: taskUrn('p', 'x') }));
  });

  test('the roles of the system let their holders do what their names say', () => {
    const may = (role: keyof typeof systemRoles) =>
      actions.filter((action) => allows([systemRoles[role]], { action, resource: 'any' }));
    assert.deepEqual(may('OMS Administrator'), [...taskActions, 'audit:list']);
    assert.deepEqual(may('OMS ReadOnlyAccess'), [
      'oms:synctask:list',
      'oms:synctask:get',
      'oms:synctask:statistics',
    ]);
    assert.deepEqual(may('Security Administrator'), ['iam:read', 'iam:write', 'audit:list']);
  });
});
