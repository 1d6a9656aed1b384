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
  urnOf,
  wildcardOf,
} from './policy.ts';

const taskUrn = (project: string, task: string) => urnOf('oms:synctask:get', project, task);

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
  fc.array(fc.constantFrom(...Array.from(alphabet)), { maxLength: 7 }).map((all) => all.join(''));

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
    .filter(
      ({ Resource }) =>
        Resource?.some((pattern) => matchesSlowly(pattern.toLowerCase(), resource.toLowerCase())) ??
        true,
    );
  return (
    covering.some((one) => one.Effect === 'Allow') && !covering.some((one) => one.Effect === 'Deny')
  );
}

describe('policies', () => {
  test('that allow an action by a wildcard are known, and those that name it or deny it are not', () => {
    const of = (Effect: 'Allow' | 'Deny', ...Action: string[]) => ({
      ...{ Version: '5.0', Statement: [{ Effect, Action }] },
    });
    for (const pattern of ['*', 'iam:*', '*:write', 'IAM:writ?']) {
      assert.equal(wildcardOf(of('Allow', 'oms:*:*', pattern), 'iam:write'), pattern);
      assert.equal(wildcardOf(of('Deny', pattern), 'iam:write'), undefined);
    }
    for (const pattern of ['iam:write', 'IAM:Write', 'oms:*', 'iam:read']) {
      assert.equal(wildcardOf(of('Allow', pattern), 'iam:write'), undefined, pattern);
    }
  });

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

  test('another spelling of a task is the same task', () => {
    const id = '31e9b7e6-6ffb-452f-9842-6ce354d99d70';
    const deny = { Effect: 'Deny', Action: ['*'], Resource: [taskUrn('p', id)] } as const;
    const allow = { Effect: 'Allow', Action: ['*'] } as const;
    const policy = { Version: '5.0', Statement: [allow, deny] };
    const may = (resource: string) => allows([policy], { action: 'oms:synctask:get', resource });
    assert.ok(!may(taskUrn('p', id.toUpperCase())));
    assert.ok(may(taskUrn('q', id)));
  });

  test('all rights on all tasks give no rights on users and the audit', () => {
    const Resource = ['oms:local:*:synctask:*'];
    const policy = {
      Version: '5.0',
      Statement: [{ Effect: 'Allow', Action: ['*'], Resource }],
    } as const;
    const may = actions.filter((action) =>
      allows([policy], { action, resource: urnOf(action, 'p') }),
    );
    assert.deepEqual(may, taskActions);
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
