import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { omsRequestFields } from '../../src/surface/api/kit/oms-fields.ts';
import { Secret } from '../../src/platform/base/seal.ts';
import { ensureFirstAccessKey } from '../../src/domain/access/tokens.ts';
import { startTestService, type TestService } from '../kit/service.ts';

/*
 * Runs the official SDKs, unmodified and from their own registries, against the running service. Each calls
 * all eight operations, and prints what it received. An SDK whose tools or registry are missing is skipped
 * with a message that names it.
 */

const REGION = 'cn-north-4';
const INSTALL_MS = 240_000;
const RUN_MS = 60_000;
/** What is installed is kept for the next run. */
const cache = join(tmpdir(), 'bucket-brigade-sdks');

interface Sdk {
  readonly name: string;
  readonly folder: string;
  /** Each must be there for the SDK to be. */
  readonly tools: readonly string[];
  /** Gets the SDK, and gives the command that runs its client. */
  readonly install: (folder: string) => Promise<readonly [command: string, ...args: string[]]>;
}

interface Step {
  readonly step: string;
  readonly saw?: unknown;
  /** Status, code, length of the request ID. */
  readonly refused?: readonly [number, string, number];
  readonly message?: string;
}

/** A registry or a tool does not provide what is requested; the message contains its answer. */
class NotHere extends Error {}

const sdks: readonly Sdk[] = [
  {
    name: 'Python, huaweicloudsdkoms',
    folder: 'python',
    tools: ['python3'],
    async install(folder) {
      const wanted = join(folder, 'requirements.txt');
      const venv = join(
        cache,
        `python-${(await readFile(wanted, 'utf8')).split('==').at(-1)?.trim() ?? ''}`,
      );
      const python = join(venv, 'bin', 'python');
      if (!existsSync(python)) await fetched('python3', ['-m', 'venv', venv]);
      await fetched(python, ['-m', 'pip', 'install', '--quiet', '--requirement', wanted]);
      return [python, join(folder, 'client.py')];
    },
  },
  {
    name: 'Go, huaweicloud-sdk-go-v3',
    folder: 'go',
    tools: ['go'],
    async install(folder) {
      await fetched('go', ['-C', folder, 'mod', 'download']);
      const program = join(cache, 'go-client');
      await run('go', ['-C', folder, 'build', '-o', program, '.'], { timeout: INSTALL_MS });
      return [program];
    },
  },
  {
    name: 'Java, huaweicloud-sdk-oms',
    folder: 'java',
    tools: ['java', 'mvn'],
    async install(folder) {
      const list = join(cache, 'java-class-path');
      const goal = 'org.apache.maven.plugins:maven-dependency-plugin:2.8:build-classpath';
      const pom = join(folder, 'pom.xml');
      await fetched('mvn', ['-B', '-q', '-f', pom, goal, `-Dmdep.outputFile=${list}`]);
      return [
        'java',
        `-Duser.home=${join(cache, 'home')}`,
        '-cp',
        await readFile(list, 'utf8'),
        join(folder, 'Client.java'),
      ];
    },
  },
];

/** What every SDK must see; the numbers are those of the requests before. */
const expected: readonly Step[] = [
  { step: 'list', saw: 0 },
  { step: 'create', saw: ['of the SDK, 任务', 'no_check', 'SYNCHRONIZING'] },
  { step: 'list one', saw: 'source' },
  { step: 'events', saw: 'done' },
  { step: 'statistics', saw: 3 },
  { step: 'start a running one', refused: [400, 'OMS.0065', 32] },
  { step: 'stop', saw: ['done', 'STOPPED'] },
  { step: 'start', saw: ['done', 'SYNCHRONIZING'] },
  { step: 'delete', saw: 'done' },
  { step: 'show a deleted one', refused: [404, 'OMS.1009', 32] },
  { step: 'wrong secret', refused: [401, 'APIGW.0301', 32] },
  { step: 'look up', saw: 0 },
];

describe('the official SDKs', { concurrency: false }, () => {
  let service: TestService;
  let environment: Record<string, string>;
  before(async () => {
    service = await startTestService({ works: false });
    const { database, sealer, brigade, projectId } = service;
    await brigade.identity.updateProject(projectId, { name: REGION });
    const key = { id: 'SDKSDKSDKSDKSDKSDKSD', secret: new Secret('the-secret-key-of-the-sdks') };
    await ensureFirstAccessKey({ database, sealer }, { ...key, projectId });
    environment = {
      OMS_ENDPOINT: service.url,
      OMS_AK: key.id,
      OMS_SK: key.secret.reveal(),
      OMS_PROJECT_ID: projectId,
      OMS_REGION: REGION,
      // As docs/guide/access.md describes it: for programs that name only a region.
      [`HUAWEICLOUD_SDK_REGION_OMS_${REGION.replaceAll('-', '_').toUpperCase()}`]: service.url,
      HUAWEICLOUD_SDK_IAM_ENDPOINT: service.url,
      HOME: join(cache, 'home'), // They write logs and IDs there.
    };
    await mkdir(join(cache, 'home'), { recursive: true });
  });
  after(() => service[Symbol.asyncDispose]());

  for (const sdk of sdks) {
    test(sdk.name, { timeout: INSTALL_MS + RUN_MS }, async (t) => {
      const missing = sdk.tools.find((tool) => !isThere(tool));
      if (missing !== undefined) {
        t.skip(`there is no ${missing} here`);
        return;
      }
      const installed = await sdk.install(join(import.meta.dirname, sdk.folder)).catch(notHere);
      if (typeof installed === 'string') {
        t.skip(installed);
        return;
      }
      const [command, ...args] = installed;
      const printed = await run(command, args, { timeout: RUN_MS, env: environment });
      const steps = printed
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Step);
      for (const { refused, message = '' } of steps) {
        if (refused !== undefined) assert.notEqual(message, '', 'a refusal has words');
      }
      assert.equal(steps.length, expected.length);
      assert.partialDeepStrictEqual(steps, expected);
    });
  }
});

test('the fields of all requests of the Python SDK are on our list of them', async (t) => {
  const [{ folder, install } = assert.fail()] = sdks;
  const path = join(import.meta.dirname, folder);
  const installed = isThere('python3') ? await install(path).catch(notHere) : 'there is no python3';
  if (typeof installed === 'string') {
    t.skip(installed);
    return;
  }
  const printed = await run(installed[0], [join(path, 'request_fields.py')], { timeout: RUN_MS });
  const fields = JSON.parse(printed) as string[];
  assert.ok(fields.length > 50);
  const missing = fields.filter((name) => !omsRequestFields.has(name));
  assert.deepEqual(missing, [], 'add them to src/surface/api/kit/oms-fields.ts');
});

function notHere(error: unknown): string {
  if (!(error instanceof NotHere)) throw error;
  return error.message;
}

function isThere(tool: string): boolean {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .some((folder) => existsSync(join(folder, tool)));
}

/** Runs a command that sends requests to a registry. */
async function fetched(command: string, args: readonly string[]): Promise<void> {
  try {
    await run(command, args, { timeout: INSTALL_MS });
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    const last = words.trimEnd().split('\n').at(-1) ?? '';
    throw new NotHere(`${command} cannot get it here: ${last}`, { cause: error });
  }
}

/** @returns What was printed. @throws {Error} with what was printed, if the command failed. */
function run(
  command: string,
  args: readonly string[],
  { timeout, env = {} }: { readonly timeout: number; readonly env?: Record<string, string> },
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const options = { timeout, env: { ...process.env, ...env }, maxBuffer: 16 << 20 };
  execFile(command, args, options, (error, stdout, stderr) => {
    if (error === null) resolve(stdout);
    else reject(new Error(`${command}: ${error.message}\n${stdout}\n${stderr}`, { cause: error }));
  });
  return promise;
}
