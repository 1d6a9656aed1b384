import { Command } from 'commander';
import { Type } from 'typebox';
import { AccessKeysReply, CreateAccessKeyReply } from '../../api/iam/schemas.ts';
import { askPassword } from '../asking.ts';
import type { ReadOptions } from '../options.ts';
import { type Remote, remoteCommand, type Said } from '../remote.ts';
import { table } from '../table.ts';

const keys = '/iam/v1/access-keys';

export function keyCommand(): Command {
  return new Command('key')
    .description('Access keys (AK and SK), with which SDKs sign requests')
    .addCommand(
      remoteCommand(
        'create <user>',
        'Create an access key; its secret is shown only once',
        createKey,
      ),
    )
    .addCommand(
      remoteCommand('list', 'List all access keys, without their secrets', async (remote) => {
        const { access_keys: all } = await remote.get(AccessKeysReply, keys);
        const rows = all.map(({ id, user, enabled }) => ({ id, user, enabled }));
        return { data: all, text: table(rows) };
      }),
    )
    .addCommand(
      remoteCommand('enable <id>', 'Accept signatures of a key again', (remote, [id = '']) =>
        change(remote, id, { method: 'POST', body: { enabled: true } }, 'is enabled'),
      ),
    )
    .addCommand(
      remoteCommand('disable <id>', 'Reject signatures of a key', (remote, [id = '']) =>
        change(remote, id, { method: 'POST', body: { enabled: false } }, 'is disabled'),
      ),
    )
    .addCommand(
      remoteCommand('delete <id>', 'Delete an access key', (remote, [id = '']) =>
        change(remote, id, { method: 'DELETE' }, 'is removed'),
      ),
    );
}

async function createKey(remote: Remote, [user = '']: readonly string[]): Promise<Said> {
  const body = { user };
  const key = await remote.get(CreateAccessKeyReply, keys, { method: 'POST', body });
  const text = `Access key  ${key.id}\nSecret key  ${key.secret}\nThe secret is not shown again: write it down.`;
  return { data: key, text };
}

async function change(
  remote: Remote,
  id: string,
  call: { readonly method: 'POST' | 'DELETE'; readonly body?: object },
  now: string,
): Promise<Said> {
  await remote.send(`${keys}/${encodeURIComponent(id)}`, call);
  return { data: null, text: `The access key ${id} ${now}.` };
}

const LogInOptions = Type.Object({
  project: Type.Optional(Type.String()),
  passwordStdin: Type.Optional(Type.Boolean()),
});

export function tokenCommand(): Command {
  return new Command('token')
    .description('Tokens for passwords')
    .addCommand(
      remoteCommand(
        'create <user>',
        'Log in with a password and print a token, which is valid for 24 hours',
        logIn,
      )
        .option(
          '--project <project>',
          'the project; by default the only one in which the user has rights',
        )
        .option('--password-stdin', 'read the password from standard input')
        .addHelpText(
          'after',
          `
  export BRIGADE_TOKEN=$(brigade iam token create jane --project prod)`,
        ),
    )
    .addCommand(
      remoteCommand('revoke', 'Revoke the token that this command uses', async (remote) => {
        const headers = { 'x-subject-token': await remote.token() };
        await remote.send('/v3/auth/tokens', { method: 'DELETE', headers });
        return { data: null, text: 'The token is revoked.' };
      }),
    );
}

async function logIn(
  remote: Remote,
  [name = '']: readonly string[],
  options: ReadOptions,
): Promise<Said> {
  const { project, passwordStdin = false } = options(LogInOptions);
  const password = await askPassword({ passwordStdin, isNew: false });
  const user = { name, password };
  const token = await remote.logIn({
    identity: { methods: ['password'], password: { user } },
    ...(project !== undefined && { scope: { project: { name: project } } }),
  });
  return { data: { token }, text: token };
}
