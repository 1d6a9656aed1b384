import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { matches, systemRoles } from './policy.ts';
import { overlaps, policyProblem } from './policy-problem.ts';

const pattern = fc
  .array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 4 })
  .map((all) => all.join(''));

/** All texts of up to so many letters: two patterns of four need no longer one to meet. */
function textsUpTo(length: number): string[] {
  if (length === 0) return [''];
  const shorter = textsUpTo(length - 1);
  const longest = shorter.filter((text) => text.length === length - 1);
  return [...shorter, ...longest.flatMap((text) => [`${text}a`, `${text}b`])];
}

function problemOf(Action: readonly string[], Resource?: readonly string[]): string | undefined {
  return policyProblem({ Version: '5.0', Statement: [{ Effect: 'Deny', Action, Resource }] })?.at;
}

describe('patterns of a policy that mean nothing', () => {
  test('two patterns overlap where some text is matched by both', () => {
    const texts = textsUpTo(8);
    fc.assert(
      fc.property(pattern, pattern, (one, other) => {
        const both = texts.some((text) => matches(one, text) && matches(other, text));
        assert.equal(overlaps(one, other), both);
      }),
      { numRuns: 1_000 },
    );
  });

  test('are found, and their places are reported', () => {
    assert.equal(problemOf(['oms:synctask:*', 'oms:synctasks:list']), 'Statement[0].Action[1]');
    assert.equal(problemOf(['*'], ['*', '31e9b7e6']), 'Statement[0].Resource[1]');
    assert.equal(problemOf(['*'], ['oms:cn-north-4:*:synctask:*']), 'Statement[0].Resource[0]');
    assert.equal(problemOf(['obs:*']), 'Statement[0].Action[0]');
  });

  test('those that mean something are taken, whatever their case', () => {
    for (const action of [
      '*',
      'oms:*:*',
      'OMS:SyncTask:Get',
      'iam:*',
      '*:list',
      'oms:synctask:?et',
    ])
      assert.equal(problemOf([action]), undefined, action);
    for (const resource of [
      '*',
      'oms:*:*:synctask:*',
      'oms:local:p:synctask:31e9',
      'oms:*',
      'IAM:*',
    ])
      assert.equal(problemOf(['*'], [resource]), undefined, resource);
    for (const role of Object.values(systemRoles)) assert.equal(policyProblem(role), undefined);
  });

  test('a long pattern takes no long time', () => {
    const started = process.hrtime.bigint();
    for (let i = 0; i < 100; i++)
      assert.ok(!overlaps('*a'.repeat(128), 'a*'.repeat(40).concat('b')));
    assert.ok(process.hrtime.bigint() - started < 3_000_000_000n);
  });
});
