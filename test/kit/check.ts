import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * `npm run check`: all checks of the code but the tests, two at a time, since each uses one core. It shows the
 * output of those that fail, one after another, and ends with 1 then.
 */

const run = promisify(execFile);

/** The longest one has a lane to itself. */
const lanes = [['lint'], ['types', 'unused', 'format:check']];
const OUTPUT_MAX = 64 * 1024 * 1024;

async function check(script: string): Promise<void> {
  const began = performance.now();
  const secondsSince = (): string => `${((performance.now() - began) / 1000).toFixed(0)} s`;
  try {
    await run('npm', ['run', '--silent', script], { maxBuffer: OUTPUT_MAX });
    console.log(`✔ ${script} (${secondsSince()})`);
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    console.log(`✖ ${script} (${secondsSince()})\n${stdout}${stderr}`);
    process.exitCode = 1;
  }
}

await Promise.all(
  lanes.map(async (scripts) => {
    for (const script of scripts) await check(script);
  }),
);
