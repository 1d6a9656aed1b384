import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { type Static, type TSchema, Type } from 'typebox';
import { Check } from 'typebox/value';
import { Problem } from '../api/kit/common-schemas.ts';
import { printingMistakes } from './mistakes.ts';
import { readingOptions, type ReadOptions } from './options.ts';
import { RemoteError } from './remote-error.ts';
import { whyUnreachable } from './unreachable.ts';
import { remoteVariables } from '../settings/remote-variables.ts';

const URL_DEFAULT = 'http://127.0.0.1:8080';

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A running service, and a right to enter it. */
export class Remote {
  readonly #url: string;
  readonly #token: () => Promise<string>;

  constructor(url: string, token: () => Promise<string>) {
    this.#url = url.replace(/\/+$/, '');
    this.#token = token;
  }

  /** The token that it enters by. @throws {RemoteError} where none was given. */
  token(): Promise<string> {
    return this.#token();
  }

  /** Sends a request of which only the success matters. @throws {RemoteError} */
  async send(path: string, call: Call): Promise<void> {
    await this.#answer(path, call, await this.#token());
  }

  /** Gives an answer of a known form. @throws {RemoteError} */
  async get<Schema extends TSchema>(
    schema: Schema,
    path: string,
    call: Call = {},
  ): Promise<Static<Schema>> {
    const { text } = await this.#answer(path, call, await this.#token());
    return this.#read(schema, text);
  }

  /** A token for a password. @throws {RemoteError} */
  async logIn(auth: object): Promise<string> {
    const call = { method: 'POST', body: { auth } } as const;
    const { headers } = await this.#answer('/v3/auth/tokens', call, undefined);
    const token = headers.get('x-subject-token');
    if (token === null) throw this.#notUnderstood();
    return token;
  }

  async #answer(
    path: string,
    { method = 'GET', body, headers }: Call,
    token: string | undefined,
  ): Promise<{ readonly headers: Headers; readonly text: string }> {
    try {
      const response = await fetch(`${this.#url}${path}`, {
        method,
        // A token is for this server, and for none that it names.
        redirect: 'error',
        headers: {
          'content-type': 'application/json',
          ...headers,
          ...(token !== undefined && { 'x-auth-token': token }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw this.#refusal(response.status, text, token !== undefined);
      return { headers: response.headers, text };
    } catch (error) {
      if (error instanceof RemoteError) throw error;
      throw new RemoteError(
        `no service answers at ${this.#url}: ${whyUnreachable(this.#url, error)}. Say where it is by --url or ${remoteVariables.url}.`,
        { cause: error },
      );
    }
  }

  #refusal(status: number, text: string, byToken: boolean): RemoteError {
    const problem = parse(text);
    if (!Check(Problem, problem)) return this.#notUnderstood(status);
    // It has the detail already.
    const { error_msg: said } = problem;
    if (status === 401 && byToken) {
      return new RemoteError(
        `the token is refused. Get one by "brigade iam token create", or use that of the first start. The service says: ${said}`,
      );
    }
    if (status === 403) {
      return new RemoteError(
        `the token may not do this: its user needs a policy for it, see "brigade iam grant". The service says: ${said}`,
      );
    }
    return new RemoteError(said);
  }

  #read<Schema extends TSchema>(schema: Schema, text: string): Static<Schema> {
    const value = parse(text);
    if (!Check(schema, value)) throw this.#notUnderstood();
    return value;
  }

  #notUnderstood(status?: number): RemoteError {
    const how = status === undefined ? '' : ` (status ${status})`;
    return new RemoteError(
      `what answers at ${this.#url} is no Bucket Brigade of this version${how}. Say where it is by --url or ${remoteVariables.url}.`,
    );
  }
}

/** Undefined where it is not JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const RemoteOptions = Type.Object({
  url: Type.String(),
  tokenFile: Type.Optional(Type.String()),
  json: Type.Optional(Type.Boolean()),
});

/** What a command has to say, to programs and to people. */
export interface Said {
  readonly data: unknown;
  readonly text: string;
}

/** A command that sends requests to a running service. What it returns is printed. */
export function remoteCommand(
  usage: string,
  description: string,
  run: (remote: Remote, args: readonly string[], options: ReadOptions) => Promise<Said>,
): Command {
  const [name = '', ...args] = usage.split(' ');
  const made = new Command(name);
  for (const arg of args) made.argument(arg);
  return made
    .description(description)
    .addOption(
      new Option('--url <url>', 'where the service is')
        .env(remoteVariables.url)
        .default(URL_DEFAULT),
    )
    .option('--token-file <path>', `a file with the token; else it is in ${remoteVariables.token}`)
    .option('--json', 'print JSON')
    .action(async function (this: Command) {
      const options = readingOptions(this);
      const { url, tokenFile, json = false } = options(RemoteOptions);
      process.exitCode = await printingMistakes(async () => {
        const remote = new Remote(url, () => tokenFrom(tokenFile));
        const { data, text } = await run(remote, this.args, options);
        const out = json ? JSON.stringify(data, null, 2) : text;
        if (out !== '') process.stdout.write(`${out}\n`);
        return 0;
      });
    });
}

async function tokenFrom(tokenFile: string | undefined): Promise<string> {
  const given =
    tokenFile === undefined ? process.env[remoteVariables.token] : await read(tokenFile);
  const token = given?.trim() ?? '';
  if (/^[!-~]+$/.test(token)) return token;
  throw new RemoteError(
    token === ''
      ? `no token: set ${remoteVariables.token}, or name a file that has it by --token-file. The first start of the service printed one; "brigade iam token create" gets one for a password.`
      : 'the token has characters that no token has.',
  );
}

/** @throws {RemoteError} that names the file. */
export async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    throw new RemoteError(`${path} cannot be read (${code}).`, { cause });
  }
}
