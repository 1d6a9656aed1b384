import assert from 'node:assert/strict';
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Ended, Line } from '../../../test/kit/cli-runner.ts';
import { startTestService, type TestService } from '../../../test/kit/service.ts';
import { until } from '../../../test/kit/until.ts';
import { program } from './program.ts';

const PASSWORD = 'correct horse battery';

interface Given {
  readonly input?: string;
  readonly token?: string;
  readonly url?: string;
}

describe('brigade iam and audit', () => {
  let service: TestService;
  let folder: string;
  let runner: ChildProcess;
  before(async () => {
    service = await startTestService({ works: false });
    runner = fork(new URL('../../../test/kit/cli-runner.ts', import.meta.url));
    folder = await mkdtemp(join(tmpdir(), 'brigade-iam-'));
  });
  after(async () => {
    runner.disconnect();
    await service[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** As a user types it, in a process that is there already. */
  async function run(args: readonly string[], given: Given = {}): Promise<Ended> {
    const { input = '', token = service.token, url = service.url } = given;
    const env = { BRIGADE_TOKEN: token, BRIGADE_URL: url };
    const ended = once(runner, 'message');
    runner.send({ args, input, env } satisfies Line);
    const [message] = (await ended) as [Ended];
    return message;
  }

  async function brigade(line: string, given: Given = {}): Promise<string> {
    const { code, out, err } = await run(line.split(' '), given);
    assert.deepEqual([code, err], [0, ''], line);
    return out;
  }

  /** @returns What went wrong, as the user reads it. */
  async function refused(line: string, given: Given = {}): Promise<string> {
    const { code, out, err } = await run(line.split(' '), given);
    assert.deepEqual([code, out], [1, ''], line);
    assert.match(err, /^brigade: [^\n]+\n$/, 'one line, no stack');
    return err;
  }

  const json = async (line: string): Promise<unknown> =>
    JSON.parse(await brigade(`${line} --json`));

  test('users and groups are created, changed and deleted', async () => {
    const input = `${PASSWORD}\n`;
    assert.match(
      await brigade('iam user create jane --password-stdin', { input }),
      /User jane created/,
    );
    await brigade('iam user create robot --no-password');
    await brigade('iam group create ops');
    assert.match(await brigade('iam group add ops jane'), /jane is in the group ops/);
    assert.match(await brigade('iam user list'), /^jane +true +true +ops$/m);
    assert.match(await brigade('iam user list'), /^robot +true +false +-$/m);
    assert.match(await brigade('iam group list'), /^ops +jane$/m);
    await brigade('iam group remove ops jane');
    assert.deepEqual(
      ((await json('iam group list')) as { members: string[] }[]).map(({ members }) => members),
      [[]],
    );
    await brigade('iam user disable robot');
    assert.match(await brigade('iam user list'), /^robot +false/m);
    await brigade('iam user enable robot');
    assert.match(await brigade('iam user list'), /^robot +true/m);
    await brigade('iam user delete robot');
    assert.doesNotMatch(await brigade('iam user list'), /robot/);
    await brigade('iam group delete ops');
    assert.equal(await brigade('iam group list'), 'There are none.\n');
  });

  test('a project, a policy, a grant; a token that may do what was granted, until it is revoked', async () => {
    assert.match(await brigade('iam project create prod'), /ID: [0-9a-f]{32}/);
    await brigade('iam project set prod --tasks-max 7 --event-keys-max 20');
    assert.match(await brigade('iam project list'), /prod +7 +20/);
    await brigade('iam project set prod --tasks-max default --name production');
    assert.match(await brigade('iam project list'), /production +default +20/);

    const document = JSON.stringify({
      Version: '5.0',
      Statement: [{ Effect: 'Allow', Action: ['audit:list'] }],
    });
    const file = join(folder, 'policy.json');
    await writeFile(file, document);
    await brigade(`iam policy put auditors ${file}`);
    await brigade('iam policy put auditors', { input: document });
    const all = { Version: '5.0', Statement: [{ Effect: 'Allow', Action: ['*'] }] };
    const careful = await brigade('iam policy put all', { input: JSON.stringify(all) });
    assert.match(careful, /written\.\nWarning: "\*" also allows iam:write/);
    await brigade('iam policy delete all');
    const said = await refused('iam policy put broken', { input: '{"Version": "1"}' });
    assert.equal(said.match(/request parameter/gi)?.length, 1, said);
    assert.match(await brigade('iam policy list'), /^auditors +false +1 +Allow audit:list$/m);
    assert.match(await brigade('iam policy list'), /^OMS Administrator +true/m);

    await brigade('iam grant add auditors --user jane --project production');
    assert.match(await brigade('iam grant list'), /auditors +jane +- +[0-9a-f]{32}/);
    const [grant] = (await json('iam grant list')) as { id: string }[];

    const login = 'iam token create jane --password-stdin';
    const token = (await brigade(login, { input: PASSWORD, token: '' })).trim();
    assert.match(token, /^bb_[\w-]{43}$/);
    const named = await brigade(`${login} --project production`, { input: PASSWORD, token: '' });
    await brigade('audit list', { token: named });
    assert.match(await refused('iam user list', { token }), /may not do this.*iam:read/);
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, `${token}\n`);
    assert.match(
      await brigade(`audit list --token-file ${tokenFile}`, { token: '' }),
      /CreateToken/,
    );
    await brigade('iam token revoke', { token });
    assert.match(
      await refused('audit list', { token }),
      /token is refused.*brigade iam token create/,
    );

    await brigade(`iam grant remove ${grant?.id ?? ''}`);
    await brigade('iam policy delete auditors');
    assert.match(await refused(login, { input: PASSWORD }), /no rights in this project/);
  });

  test('another password', async () => {
    const input = 'another password of hers';
    await brigade('iam user password jane --password-stdin', { input });
    const login = 'iam token create jane --password-stdin --project production';
    assert.match(await refused(login, { input: PASSWORD }), /username or password is wrong/);
    assert.match(await refused(login, { input }), /no rights/);
  });

  test('an access key signs until it is disabled', async () => {
    const made = (await json('iam key create jane')) as { id: string; secret: string };
    assert.match(made.secret, /^[\w-]{40}$/);
    const known = () => service.brigade.gatekeeper.accessKey(made.id);
    assert.equal((await known())?.secret.reveal(), made.secret);
    assert.match(await brigade('iam key list'), new RegExp(`^${made.id} +jane +true$`, 'm'));
    await brigade(`iam key disable ${made.id}`);
    assert.equal(await known(), undefined);
    await brigade(`iam key enable ${made.id}`);
    assert.ok((await known()) !== undefined);
    await brigade(`iam key delete ${made.id}`);
    assert.equal(await known(), undefined);
    assert.match(
      await brigade('iam key create jane'),
      /^Access key {2}\w+\nSecret key {2}\S+\n.*not shown again/,
    );
  });

  test('the audit, of a project and of all', async () => {
    const lines = (await brigade('audit list --limit 5')).trim().split('\n');
    assert.equal(lines.length, 6);
    assert.match(lines[0] ?? '', /^id +time +who +address +operation +what +result +times$/);
    assert.match(
      lines[1] ?? '',
      /first token \(first-token\) +127\.0\.0\.1 +CreateIamAccessKey .* 200 +1$/,
    );
    let all: { id: number; project_id: string }[] = [];
    // What was refused is gathered for some seconds.
    await until('what was of another project is there', async () => {
      all = (await json('audit list --all --limit 1000')) as typeof all;
      return all.some(({ project_id: project }) => project !== service.projectId);
    });
    const [, second] = all;
    const older = (await json(`audit list --all --before ${second?.id ?? 0} --limit 1`)) as {
      id: number;
    }[];
    assert.deepEqual(
      older.map(({ id }) => id),
      [all[2]?.id],
    );
    assert.match(await refused('audit list --project nowhere'), /may not do this/);
  });

  test('mistakes end in a sentence that says what to do', async () => {
    for (const [line, given, message] of [
      [
        'iam user list',
        { url: 'http://127.0.0.1:65531' },
        /no service answers at http:\/\/127\.0\.0\.1:65531: nothing listens there \(ECONNREFUSED\); start it first\. Say where it is by --url or BRIGADE_URL/,
      ],
      ['iam user list', { url: 'nonsense' }, /no service answers at nonsense/],
      ['iam user list', { token: '' }, /no token: set BRIGADE_TOKEN.*--token-file/],
      ['iam user list', { token: 'with\nnewline' }, /characters that no token has/],
      ['iam user list', { token: 'wrong' }, /the token is refused/],
      [
        'iam user list --token-file /does/not/exist',
        {},
        /\/does\/not\/exist cannot be read \(ENOENT\)/,
      ],
      ['iam user create x', {}, /no terminal.*--password-stdin/],
      [
        'iam user create x --password-stdin',
        { input: 'short' },
        /\[password\] must not have fewer than 12/,
      ],
      ['iam user create a/b --no-password', {}, /\[name\] must match/],
      ['iam user delete nobody', {}, /There is no user nobody/],
      ['iam policy put broken', { input: '{' }, /standard input is not JSON/],
      [
        'iam policy put broken',
        {
          input:
            '{"Version":"5.0","Statement":[{"Effect":"Allow","Action":["oms:*"],"Condition":{}}]}',
        },
        /Condition\] is not known here/,
      ],
      ['iam grant add x --project p', {}, /name a user or a group: --user or --group/],
      ['iam project set production', {}, /name what to change/],
    ] as const) {
      assert.match(await refused(line, given), message, line);
    }
  });

  test('a redirect is not followed, so that its target gets no token', async () => {
    const seen: (string | undefined)[] = [];
    const other = createServer((request, reply) => {
      seen.push(request.headers['x-auth-token']?.toString());
      reply.writeHead(302, { location: `${service.url}/iam/v1/users` }).end('<html>');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const said = await refused('iam user list', { url }).finally(() => other.close());
    assert.match(said, /no service answers/);
    assert.equal(seen.length, 1);
  });

  test('every command has a description, and its help lists the common options', async () => {
    const leaves: string[][] = [];
    function walk(command: ReturnType<typeof program>, path: string[]): void {
      assert.notEqual(command.description(), '', path.join(' '));
      if (command.commands.length === 0) leaves.push(path);
      for (const sub of command.commands) walk(sub, [...path, sub.name()]);
    }
    for (const command of program().commands) {
      if (['iam', 'audit'].includes(command.name())) walk(command, [command.name()]);
    }
    assert.ok(leaves.length > 25, String(leaves.length));
    const { pathname } = new URL('brigade.js', import.meta.url);
    const help = ['iam', 'grant', 'add', '--help'];
    const { stdout: out } = await promisify(execFile)(process.execPath, [pathname, ...help]);
    for (const word of ['--url', 'BRIGADE_URL', '--token-file', 'BRIGADE_TOKEN', '--json']) {
      assert.ok(out.includes(word), word);
    }
  });
});
