import { Command, InvalidArgumentError } from 'commander';
import { Type } from 'typebox';
import { ProjectReply, ProjectsReply } from '../../api/iam/schemas.ts';
import type { ReadOptions } from '../options.ts';
import { type Remote, remoteCommand, type Said } from '../remote.ts';
import { RemoteError } from '../remote-error.ts';
import { table } from '../table.ts';

const projects = '/iam/v1/projects';

const CreateOptions = Type.Object({ id: Type.Optional(Type.String()) });
const SetOptions = Type.Object({
  name: Type.Optional(Type.String()),
  tasksMax: Type.Optional(Type.Integer()),
  eventKeysMax: Type.Optional(Type.Integer()),
});

export function projectCommand(): Command {
  return new Command('project')
    .description('Projects, to which tasks belong, and their quotas')
    .addCommand(
      remoteCommand(
        'create <name>',
        'Create a project; clients look it up by its name, which is the name of their region',
        async (remote, [name = ''], options) => {
          const { id } = options(CreateOptions);
          const body = { name, ...(id !== undefined && { id }) };
          const project = await remote.get(ProjectReply, projects, { method: 'POST', body });
          return { data: project, text: `Project ${name} created. ID: ${project.id}` };
        },
      ).option('--id <id>', 'its ID; by default generated'),
    )
    .addCommand(remoteCommand('list', 'List all projects', listProjects))
    .addCommand(
      remoteCommand('set <project>', 'Change a project', setProject)
        .option('--name <name>', 'the new name')
        .option(
          '--tasks-max <number>',
          'maximum number of tasks; "default" for the number in the settings',
          quota,
        )
        .option(
          '--event-keys-max <number>',
          'maximum number of keys in one event; "default" for the number in the settings',
          quota,
        ),
    );
}

/** In the API, -1 stands for the number in the settings. */
function quota(text: string): number {
  if (text === 'default') return -1;
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number, or "default".');
  return Number(text);
}

async function listProjects(remote: Remote): Promise<Said> {
  const { projects: all } = await remote.get(ProjectsReply, projects);
  const rows = all.map(({ id, name, tasks_max, event_keys_max }) => ({
    ...{ 'id': id, 'name': name, 'tasks max': tasks_max ?? 'default' },
    'event keys max': event_keys_max ?? 'default',
  }));
  return { data: all, text: table(rows) };
}

async function setProject(
  remote: Remote,
  [project = '']: readonly string[],
  options: ReadOptions,
): Promise<Said> {
  const { name, tasksMax, eventKeysMax } = options(SetOptions);
  const body = {
    ...(name !== undefined && { name }),
    ...(tasksMax !== undefined && { tasks_max: tasksMax }),
    ...(eventKeysMax !== undefined && { event_keys_max: eventKeysMax }),
  };
  if (Object.keys(body).length === 0) {
    throw new RemoteError('name what to change: --name, --tasks-max or --event-keys-max.');
  }
  const path = `${projects}/${encodeURIComponent(project)}`;
  const changed = await remote.get(ProjectReply, path, { method: 'POST', body });
  return { data: changed, text: `The project ${changed.name ?? changed.id} is changed.` };
}
