import { Command } from 'commander';
import { Type } from 'typebox';
import { GroupReply, GroupsReply, UserReply, UsersReply } from '../../api/iam/schemas.ts';
import { askPassword } from '../asking.ts';
import type { ReadOptions } from '../options.ts';
import { type Remote, remoteCommand, type Said } from '../remote.ts';
import { table } from '../table.ts';

const users = '/iam/v1/users';
const groups = '/iam/v1/groups';

const PasswordOptions = Type.Object({
  passwordStdin: Type.Optional(Type.Boolean()),
  /** False by `--no-password`. */
  password: Type.Optional(Type.Boolean()),
});

export function userCommand(): Command {
  return new Command('user')
    .description('Users, their passwords and their state')
    .addCommand(
      remoteCommand('create <name>', 'Create a user', createUser)
        .option('--password-stdin', 'read the password from standard input')
        .option('--no-password', 'create no password: the user uses access keys or single sign-on'),
    )
    .addCommand(remoteCommand('list', 'List all users', listUsers))
    .addCommand(
      remoteCommand('enable <user>', 'Let a user in again', (remote, [user = '']) =>
        update(remote, user, { enabled: true }, 'may enter again'),
      ),
    )
    .addCommand(
      remoteCommand(
        'disable <user>',
        'Disable a user and revoke its tokens',
        (remote, [user = '']) =>
          update(remote, user, { enabled: false }, 'is disabled, its tokens are revoked'),
      ),
    )
    .addCommand(
      remoteCommand(
        'password <user>',
        'Change the password of a user and revoke its tokens',
        async (remote, [user = ''], options) => {
          const { passwordStdin = false } = options(PasswordOptions);
          const password = await askPassword({ passwordStdin, isNew: true });
          return update(remote, user, { password }, 'has a new password, its tokens are revoked');
        },
      ).option('--password-stdin', 'read the password from standard input'),
    )
    .addCommand(
      remoteCommand(
        'delete <user>',
        'Delete a user with its keys, tokens and grants',
        async (remote, [user = '']) => {
          await remote.send(`${users}/${encodeURIComponent(user)}`, { method: 'DELETE' });
          return { data: null, text: `The user ${user} is removed.` };
        },
      ),
    );
}

async function createUser(
  remote: Remote,
  [name = '']: readonly string[],
  options: ReadOptions,
): Promise<Said> {
  const { password: wanted = true, passwordStdin = false } = options(PasswordOptions);
  const without = !wanted && !passwordStdin;
  const password = without ? undefined : await askPassword({ passwordStdin, isNew: true });
  const body = { name, ...(password !== undefined && { password }) };
  const user = await remote.get(UserReply, users, { method: 'POST', body });
  const next = `It has no rights yet: brigade iam grant add <policy> --user "${user.name}" --project <project>`;
  return { data: user, text: `User ${user.name} created.\n${next}` };
}

async function listUsers(remote: Remote): Promise<Said> {
  const { users: all } = await remote.get(UsersReply, users);
  const rows = all.map(({ name, enabled, has_password, groups: of }) => ({
    ...{ name, enabled, password: has_password, groups: of.join(', ') },
  }));
  return { data: all, text: table(rows) };
}

async function update(remote: Remote, user: string, body: object, now: string): Promise<Said> {
  const path = `${users}/${encodeURIComponent(user)}`;
  const changed = await remote.get(UserReply, path, { method: 'POST', body });
  return { data: changed, text: `The user ${changed.name} ${now}.` };
}

export function groupCommand(): Command {
  return new Command('group')
    .description('Groups of users with the same rights')
    .addCommand(
      remoteCommand('create <name>', 'Create a group', async (remote, [name = '']) => {
        const group = await remote.get(GroupReply, groups, { method: 'POST', body: { name } });
        return { data: group, text: `Group ${group.name} created.` };
      }),
    )
    .addCommand(
      remoteCommand('list', 'List all groups', async (remote) => {
        const { groups: all } = await remote.get(GroupsReply, groups);
        const rows = all.map(({ name, members }) => ({ name, members: members.join(', ') }));
        return { data: all, text: table(rows) };
      }),
    )
    .addCommand(
      remoteCommand(
        'delete <group>',
        'Delete a group with its grants',
        async (remote, [group = '']) => {
          await remote.send(`${groups}/${encodeURIComponent(group)}`, { method: 'DELETE' });
          return { data: null, text: `The group ${group} is removed.` };
        },
      ),
    )
    .addCommand(
      remoteCommand('add <group> <user>', 'Add a user to a group', (remote, args) =>
        member(remote, args, 'PUT'),
      ),
    )
    .addCommand(
      remoteCommand('remove <group> <user>', 'Remove a user from a group', (remote, args) =>
        member(remote, args, 'DELETE'),
      ),
    );
}

async function member(
  remote: Remote,
  [group = '', user = '']: readonly string[],
  method: 'PUT' | 'DELETE',
): Promise<Said> {
  const path = `${groups}/${encodeURIComponent(group)}/members/${encodeURIComponent(user)}`;
  await remote.send(path, { method });
  const now = method === 'PUT' ? 'is in' : 'is not in';
  return { data: null, text: `The user ${user} ${now} the group ${group}.` };
}
