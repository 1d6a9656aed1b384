import { Command, InvalidArgumentError } from 'commander';
import { type Static, Type } from 'typebox';
import { ListAuditReply } from '../../api/operations/schemas.ts';
import { ListProjectsReply } from '../../api/keystone/schemas.ts';
import type { ReadOptions } from '../options.ts';
import { type Remote, remoteCommand, type Said } from '../remote.ts';
import { RemoteError } from '../remote-error.ts';
import { table } from '../table.ts';

const AuditOptions = Type.Object({
  project: Type.Optional(Type.String()),
  all: Type.Optional(Type.Boolean()),
  limit: Type.Integer(),
  before: Type.Optional(Type.Integer()),
});

export function auditCommand(): Command {
  return new Command('audit')
    .description('The audit: who changed what, when, from where, and with what result')
    .addCommand(
      remoteCommand('list', 'List entries, the newest first', listAudit)
        .option('--project <project>', 'the project, by name or ID; by default that of the token')
        .option('--all', 'all projects; requires the action iam:read')
        .option('--limit <number>', 'the number of entries', wholeNumber, 100)
        .option('--before <id>', 'only entries older than this one', wholeNumber),
    );
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
}

const PAGE_MAX = 1000;
type Entry = Static<typeof ListAuditReply>['entries'][number];

async function listAudit(
  remote: Remote,
  _args: readonly string[],
  options: ReadOptions,
): Promise<Said> {
  const { project, all = false, limit, before } = options(AuditOptions);
  const path = all ? '/iam/v1/audit' : `/v2/${await projectId(remote, project)}/audit`;
  const entries: Entry[] = [];
  let next: number | null | undefined = before;
  do {
    const rest = Math.min(limit - entries.length, PAGE_MAX);
    const query = new URLSearchParams({ limit: String(rest) });
    if (typeof next === 'number') query.set('before', String(next));
    const page = await remote.get(ListAuditReply, `${path}?${query.toString()}`);
    entries.push(...page.entries);
    next = page.next_before;
  } while (next !== null && entries.length < limit);
  return { data: entries, text: table(entries.map((entry) => toRow(entry, all))) };
}

function toRow(entry: Entry, all: boolean) {
  return {
    id: entry.id,
    time: new Date(entry.time).toISOString(),
    ...(all && { project: entry.project_id }),
    who: `${entry.actor} (${entry.actor_kind})`,
    address: entry.address,
    operation: entry.operation,
    what: entry.resource,
    result: [entry.status, entry.error_code ?? '', entry.repeated ? 'repeated' : '']
      .filter((word) => word !== '')
      .join(' '),
    times: entry.requests,
  };
}

/** In the path, in which there are IDs only. */
async function projectId(remote: Remote, nameOrId: string | undefined): Promise<string> {
  const { projects } = await remote.get(ListProjectsReply, '/v3/projects');
  const [only, ...more] = projects;
  if (nameOrId === undefined && only !== undefined && more.length === 0) return only.id;
  if (nameOrId === undefined) throw new RemoteError('name the project: --project.');
  const named = projects.find(({ id, name }) => id === nameOrId || name === nameOrId);
  return encodeURIComponent(named?.id ?? nameOrId);
}
