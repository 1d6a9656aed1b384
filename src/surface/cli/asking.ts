import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { RemoteError } from './remote-error.ts';

/** All that comes by standard input. */
export async function readInput(): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString('utf8');
}

/** Reads a password from standard input or a prompt without echo. Other users can see arguments. */
export async function askPassword(options: {
  readonly passwordStdin?: boolean;
  /** Prompts twice, because the typed characters are not shown. */
  readonly isNew: boolean;
}): Promise<string> {
  if (options.passwordStdin === true) return (await readInput()).replace(/\r?\n$/, '');
  if (!process.stdin.isTTY) {
    throw new RemoteError('there is no terminal to ask for a password: use --password-stdin.');
  }
  const password = await ask('Password: ');
  if (options.isNew && (await ask('Once more: ')) !== password) {
    throw new RemoteError('these were two different passwords; nothing is changed.');
  }
  return password;
}

async function ask(question: string): Promise<string> {
  process.stderr.write(question);
  // Readline echoes to its output, which discards everything.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output, terminal: true });
  const { promise, reject } = Promise.withResolvers<never>();
  terminal.once('SIGINT', () => reject(new RemoteError('given up.')));
  try {
    return await Promise.race([terminal.question(''), promise]);
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}
