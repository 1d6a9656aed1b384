import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

/*
 * Runs the tests against the vendors' SDKs, which are installed when they are not, or are others than
 * the lock file says. Where the registry does not give them, that is said, and nothing fails.
 */

const folder = import.meta.dirname;
const lock = join(folder, 'package-lock.json');
const installed = join(folder, 'node_modules', '.package-lock.json');

function isInstalled(): boolean {
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs;
}

function install(): boolean {
  const args = ['ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund'];
  try {
    execFileSync('npm', args, { stdio: 'inherit', timeout: 300_000 });
    return true;
  } catch (error) {
    console.log(`skipped: the vendors' SDKs (npm does not give them: ${String(error)})`);
    return false;
  }
}

if (isInstalled() || install()) {
  const tests = ['--test', '--test-concurrency=2', '--test-timeout=120000', `${folder}/*.test.ts`];
  const { status } = spawnSync(process.execPath, tests, { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
