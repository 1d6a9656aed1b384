import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { declaredTests, provingFiles, type TestName } from './declared-tests.ts';
import { withTables } from './page.ts';
import { inOrder, printProofs, type Proof, proofsOf, readProofs } from './proofs.ts';

/*
 * Runs the files that have a series of proofs, and writes docs/clouds/matrix.md and .json from the tests that
 * passed. If a test fails, or the SDKs are not installed, nothing is written.
 */

const root = join(import.meta.dirname, '../../..');
const page = join(root, 'docs/clouds/matrix.md');
const record = join(root, 'docs/clouds/matrix.json');

/** The event that Node reports of a test; its types do not contain all fields yet. */
interface TestEvent {
  readonly name: string;
  readonly entryFile: string;
  readonly classname?: string;
  readonly skip?: string | boolean;
  readonly todo?: string | boolean;
  readonly details: { readonly type?: string };
}

interface Results {
  readonly passed: readonly TestName[];
  readonly failed: readonly string[];
}

/** Skipped tests are neither: they prove nothing. */
async function runTests(files: readonly string[]): Promise<Results> {
  const passed: TestName[] = [];
  const failed: string[] = [];
  const paths = files.map((file) => join(root, file));
  for await (const { type, data } of run({ files: paths, concurrency: 2, timeout: 300_000 })) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const event = data as unknown as TestEvent;
    const { name: test, classname: suite = '', details, skip = false, todo = false } = event;
    const file = relative(root, event.entryFile);
    if (type === 'test:fail' && todo === false) failed.push(`${file}: ${suite}: ${test}`);
    else if (details.type !== 'suite' && skip === false && todo === false) {
      passed.push({ file, suite, test });
    }
  }
  return { passed, failed };
}

async function main(): Promise<string | undefined> {
  if (!existsSync(join(root, 'test/clouds/node_modules'))) {
    return 'The SDKs are not installed, so that what they prove cannot be: npm run test:clouds';
  }
  const files = provingFiles(root);
  const declared = await declaredTests(root, files);
  const { passed, failed } = await runTests(files);
  if (failed.length > 0) return `Tests have failed:\n${failed.join('\n')}`;
  const silent = files.filter((file) => !passed.some((name) => name.file === file));
  const unproven = silent.filter((file) => !file.startsWith('test/live/'));
  if (unproven.length > 0) return `Nothing passed, all was skipped: ${unproven.join(', ')}`;
  const names = new Set(passed.map(keyOf));
  const now = proofsOf(declared.filter((test) => names.has(keyOf(test))));
  const before = existsSync(record) ? readProofs(readFileSync(record, 'utf8')) : [];
  const proofs = inOrder([...now, ...earlierLive(before, now)]);
  writeFileSync(record, printProofs(proofs));
  writeFileSync(page, withTables(readFileSync(page, 'utf8'), proofs));
  console.log(`${passed.length} tests passed; ${proofs.length} proofs are written.`);
  return undefined;
}

function keyOf({ file, suite, test }: TestName): string {
  return JSON.stringify([file, suite, test]);
}

/** What accounts have shown before stays, where this run has no key for them. */
function earlierLive(before: readonly Proof[], now: readonly Proof[]): readonly Proof[] {
  const live = new Set(now.filter(({ way }) => way === 'live').map(({ cloud }) => cloud));
  return before.filter(({ way, cloud }) => way === 'live' && !live.has(cloud));
}

const refusal = await main();
if (refusal !== undefined) {
  console.error(`${refusal}\nNothing was written.`);
  process.exitCode = 1;
}
