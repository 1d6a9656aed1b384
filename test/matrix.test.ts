import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { s3DialectNames } from './kit/played-clouds.ts';
import { abilities, clouds, isThere } from './kit/matrix/abilities.ts';
import {
  type DeclaredTest,
  declaredTests,
  provenBy,
  provingFiles,
} from './kit/matrix/declared-tests.ts';
import { withTables } from './kit/matrix/page.ts';
import { printProofs, type Proof, proofsOf, readProofs } from './kit/matrix/proofs.ts';

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
  let declared: readonly DeclaredTest[];
  before(async () => {
    // With keys, as it were, live tests declare themselves; none is run.
    for (const name of s3DialectNames) {
      for (const each of ['REGION', 'BUCKET', 'AK', 'SK', 'ENDPOINT']) {
        process.env[`LIVE_${name.toUpperCase()}_${each}`] = 'none';
      }
    }
    declared = await declaredTests(root, provingFiles(root));
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

  test('every proof names a series with as many tests that prove it', () => {
    const known = new Map(proofsOf(declared).map((proof) => [idOf(proof), proof.tests]));
    for (const proof of proofs) {
      const message = `docs/clouds/matrix.json ${again}: ${idOf(proof)}`;
      assert.ok((known.get(idOf(proof)) ?? 0) >= proof.tests, message);
    }
  });

  test('every series is in one file, and each of its tests proves something of some cloud', () => {
    const fileOf = new Map<string, string>();
    for (const each of declared) {
      const { file, series, test: name } = each;
      assert.equal(fileOf.get(series.id) ?? file, file, `two files have the series ${series.id}`);
      fileOf.set(series.id, file);
      const { abilities: proven, clouds: about } = provenBy(each);
      // What a series leaves out, or counts as something else, is so on purpose.
      const partial = series.except.length > 0 || series.as !== undefined;
      assert.ok(partial || proven.length > 0, `${file}: ${name}`);
      // A server may play no cloud to clients of plain S3.
      assert.ok(series.id === 'sdk-aws' || about.length > 0, `${file}: ${name}`);
    }
  });

  test('what a cloud has not is proven of none', () => {
    for (const { cloud, ability } of proofs) {
      const row = clouds.find((each) => each === cloud);
      assert.ok(row !== undefined && isThere(row, ability), `${cloud}: ${ability}`);
    }
  });
});

/** What identifies a proof, whatever its tests are called. */
function idOf({ cloud, ability, way, series }: Proof): string {
  return `${cloud}, ${ability}, ${way}, ${series}`;
}
