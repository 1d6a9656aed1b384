import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { startTestService, type TestService } from '../kit/service.ts';
import { makeKey } from '../contract/clients.ts';

/** The examples of README and of the guide to access, as a reader would paste them. */

const run = promisify(execFile);
const missing = ['bash', 'curl', 'openssl'].filter((tool) => !isThere(tool));
const skip = missing.length > 0 && `${missing.join(' and ')} not found`;

function isThere(tool: string): boolean {
  try {
    execFileSync(tool, [tool === 'openssl' ? 'version' : '--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The shell examples of a page that call the API, in their order. */
function examples(page: string): string[] {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  const blocks = Array.from(text.matchAll(/^```sh\n([^]*?)^```$/gm), ([, block = '']) => block);
  return blocks.filter((block) => /\bcurl\b|^admin=/m.test(block));
}

/** Runs examples as one script, which ends at the first call that is refused. @returns What they print. */
async function shell(blocks: readonly string[]): Promise<string> {
  const strict = `set -eu -o pipefail\ncurl() { command curl -sS --fail-with-body "$@" && echo; }\n`;
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };
  const { stdout } = await run('bash', ['-c', strict + blocks.join('\n')], { env });
  return stdout;
}

describe('the examples', { skip }, () => {
  let service: TestService;
  before(async () => {
    service = await startTestService({ works: false });
  });
  after(() => service[Symbol.asyncDispose]());

  const here = (block: string): string =>
    block
      .replaceAll('http://127.0.0.1:8080', service.url)
      .replaceAll(/(?<!\$)\bPROJECT\b(?=\/|['"])/g, service.projectId);

  test('of README sign a request by hand', async () => {
    const block = examples('README.md').find((one) => one.includes('openssl'));
    assert.ok(block !== undefined);
    const { id, secret } = await makeKey(service);
    const filled = here(block).replace('AK=… SK=…', `AK=${id} SK=${secret}`);
    assert.ok(!filled.includes('…'));
    assert.deepEqual(JSON.parse(await shell([filled])), { tasks: [], count: 0 });
    const wrong = here(block).replace('AK=… SK=…', `AK=${id} SK=wrong`);
    await assert.rejects(shell([wrong]), { stdout: /canonicalRequest:/ });
  });

  test('of README log in by a password', async () => {
    const block = examples('README.md').find((one) => one.includes('/v3/auth/tokens'));
    assert.ok(block !== undefined);
    const { identity } = service.brigade;
    await identity.createUser({ name: 'alice', password: 'correct horse battery' });
    const { projectId } = service;
    const policy = 'OMS Administrator';
    await identity.createGrant({ user: 'alice', group: undefined, projectId, policy });
    const filled = here(block).replace('PASSWORD', 'correct horse battery');
    assert.deepEqual(JSON.parse(await shell([filled])), { tasks: [], count: 0 });
  });

  test('of the guide to access make a user, its rights and its keys, and log in', async () => {
    const blocks = examples('docs/guide/access.md').map(here);
    assert.ok(blocks.length >= 5, `${blocks.length} examples`);
    const { identity } = service.brigade;
    const [first = '', ...rest] = blocks;
    const filled = first
      .replace('PROJECT=…', `PROJECT=${service.projectId}`)
      .replace('X-Auth-Token: …', `X-Auth-Token: ${service.token}`);
    // The key that its example changes is one that another made.
    const key = await identity.createUser({ name: 'tom', password: undefined });
    const { id } = await identity.createAccessKey(key.id);
    const out = await shell(
      [filled, ...rest].map((block) => block.replaceAll('keys/AK"', `keys/${id}"`)),
    );
    assert.match(out, /"tasks":\[\]/);
    const [ann] = (await identity.listUsers()).filter(({ name }) => name === 'ann');
    assert.deepEqual(ann?.groups, ['ops']);
    const keys = await identity.listAccessKeys();
    assert.ok(keys.some(({ user }) => user === 'ann'));
    assert.ok(
      keys.every((one) => one.id !== id),
      'the last example of it removes it',
    );
  });
});
