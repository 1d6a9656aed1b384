import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

test('prints its version', async () => {
  const { pathname } = new URL('brigade.js', import.meta.url);
  const { stdout } = await run(process.execPath, [pathname, '--version']);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});
