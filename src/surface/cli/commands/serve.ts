import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { Type } from 'typebox';
import { systemClock } from '../../../platform/base/clock.ts';
import { after } from '../../../platform/base/timers.ts';
import type { FirstToken } from '../../../domain/access/tokens.ts';
import { readSettings } from '../../settings/config.ts';
import { nameSettings, variableOf } from '../../settings/names.ts';
import { printingMistakes } from '../mistakes.ts';
import { readingOptions } from '../options.ts';
import { type Service, startService } from '../../app/serve.ts';

const ServeOptions = Type.Object({ role: Type.Optional(Type.Array(Type.String())) });

export function serveCommand(): Command {
  return new Command('serve')
    .description('Run the service: API, worker, scheduler and, by default, a private database')
    .option(
      '--role <roles>',
      'the roles of this process, out of api, worker and scheduler; repeated, or separated by commas; replaces BRIGADE_ROLES',
      (given: string, before: readonly string[] | undefined) => [...(before ?? []), given],
    )
    .addHelpText(
      'after',
      `
Settings come from the environment and from the file that BRIGADE_CONFIG names;
"brigade settings" lists them. Ctrl-C or SIGTERM finishes the objects that are being
copied and then stops the service. A second signal, or one during the start, stops it
immediately.`,
    )
    .action(async function (this: Command) {
      const { role } = readingOptions(this)(ServeOptions);
      process.exitCode = await printingMistakes(() => serve(role));
    });
}

async function serve(roles: readonly string[] | undefined): Promise<number> {
  // A start may wait long for other processes, so a signal ends it at once.
  onSignal(exitAtOnce);
  const settings = await readSettings(
    roles === undefined ? process.env : { ...process.env, [variableOf('roles')]: roles.join() },
    (path) => readFile(path, 'utf8'),
  );
  await using service = await startService(settings);
  // Also during a stop: it would wait for a database that is gone.
  void service.failed.then(exitFailed);
  const stop = stopSignal();
  process.stdout.write(banner(service));
  await stop;
  return 0;
}

/**
 * Ends the process at once. Without the database neither results can be written nor leases renewed, so the process
 * ends as in a crash, and the next start continues the work.
 */
function exitFailed({ message }: Error): void {
  process.stderr.write(`brigade: ${nameSettings(message)}\n`);
  process.exit(1);
}

/** Under npm a Ctrl-C comes twice, from the terminal and then from npm: this soon it is one. */
const ECHO_MS = 500;

/** Resolves at the first signal to stop; at a second one the process ends at once. */
function stopSignal(): Promise<undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  onSignal(() => {
    resolve(undefined);
    onSignal(() => undefined);
    after(systemClock, ECHO_MS, () => onSignal(exitAtOnce));
  });
  return promise;
}

/** As safe as any crash. */
function exitAtOnce(): void {
  process.exit(130);
}

/** From now on, and nothing else. */
function onSignal(react: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM']) process.removeAllListeners(signal).on(signal, react);
}

function banner({ url, dataDir, roles, first, firstTokens }: Service): string {
  const health = `  Health     ${url}/healthz  ${url}/readyz  ${url}/metrics
  Data       ${dataDir}`;
  const all = first === undefined ? health : withApi(url, health, { first, firstTokens });
  return `
  Bucket Brigade runs: ${roles.join(', ')}.

${all}

  Ctrl-C stops it.

`;
}

function withApi(
  url: string,
  health: string,
  { first: { projectId, token }, firstTokens }: { first: FirstToken; firstTokens: boolean },
): string {
  const credentials = !firstTokens
    ? `  Token      first tokens are disabled: log in, or sign with an access key.`
    : token === undefined
      ? `  Token      the one that the first start printed, or BRIGADE_BOOTSTRAP_TOKEN.
             Lost? Start once with BRIGADE_BOOTSTRAP_TOKEN=<a new one, 16 characters or more>.`
      : `  Token      ${token}
             Sent as X-Auth-Token. It is kept as a hash and not shown again: write it down.`;
  return `  API        ${url}/v2/${projectId}/sync-tasks
  OpenAPI    ${url}/openapi.json
${health}
  Project    ${projectId}
${credentials}`;
}
