import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { s3DialectNames } from './kit/played-clouds.ts';
import { type Ability, abilities, clouds, isThere } from './kit/matrix/abilities.ts';
import { claims, cloudsOf, type TestName } from './kit/matrix/claims.ts';
import { declaredTests } from './kit/matrix/declared-tests.ts';
import { withTables } from './kit/matrix/page.ts';
import { printProofs, proofsOf, readProofs } from './kit/matrix/proofs.ts';

/*
 * The matrix says what tests have proven. It is made by `npm run matrix`, which runs them; here it is
 * compared with the tests that there are.
 */

const root = join(import.meta.dirname, '..');
const page = readFileSync(join(root, 'docs/clouds/matrix.md'), 'utf8');
const record = readFileSync(join(root, 'docs/clouds/matrix.json'), 'utf8');
const proofs = readProofs(record);
const again = 'is old: npm run matrix';

describe('the matrix of clouds', () => {
  let declared: readonly TestName[];
  before(async () => {
    // With keys, as it were, live tests declare themselves; none is run.
    for (const name of s3DialectNames) {
      for (const each of ['REGION', 'BUCKET', 'AK', 'SK', 'ENDPOINT']) {
        process.env[`LIVE_${name.toUpperCase()}_${each}`] = 'none';
      }
    }
    declared = await declaredTests(root, [...new Set(claims.map(({ file }) => file))]);
  });

  test('the page has what the record has', () => {
    assert.equal(page, withTables(page, proofs), `docs/clouds/matrix.md ${again}`);
    assert.equal(record, printProofs(proofs), `docs/clouds/matrix.json ${again}`);
  });

  test('the page has every row and every ability', () => {
    for (const cloud of clouds) {
      const cells = Array.from(page.matchAll(new RegExp(`^\\| ${cloud} \\|(.+)\\|$`, 'gm')));
      const count = cells.flatMap(([, row = '']) => row.split('|')).length;
      assert.equal(count, abilities.length, cloud);
    }
  });

  test('every proof names tests that there are, and that say so', () => {
    const known = new Set(proofsOf(declared).flatMap(spread));
    for (const proof of proofs.flatMap(spread)) {
      assert.ok(known.has(proof), `docs/clouds/matrix.json ${again}: ${proof}`);
    }
  });

  test('every claim names tests that there are', () => {
    for (const claim of claims) {
      for (const [ability, pattern] of Object.entries(claim.proves)) {
        // The keys are those of the type.
        const named = declared.flatMap((name) => cloudsOf(claim, ability as Ability, name));
        assert.notEqual(named.length, 0, `${claim.file}: ${claim.suite.source}: ${pattern.source}`);
      }
    }
  });

  test('what a cloud has not is proven of none', () => {
    for (const { cloud, ability } of proofs) {
      const row = clouds.find((each) => each === cloud);
      assert.ok(row !== undefined && isThere(row, ability), `${cloud}: ${ability}`);
    }
  });
});

function spread({ tests, ...proof }: (typeof proofs)[number]): string[] {
  return tests.map((name) => JSON.stringify({ ...proof, test: name }));
}
