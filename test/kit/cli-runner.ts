import { Readable } from 'node:stream';
import { program } from '../../src/surface/cli/program.ts';

/** A command line to run, and what a shell would give it. */
export interface Line {
  readonly args: readonly string[];
  readonly input: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs command lines one after the other in one process: to start one for each takes most of a second.
 * For a parent that forks this file and sends one {@link Line} at a time.
 */
async function run({ args, input, env }: Line): Promise<Ended> {
  const written = { out: '', err: '' };
  const { stdout, stderr } = process;
  const [print, complain] = [stdout.write.bind(stdout), stderr.write.bind(stderr)];
  stdout.write = (text: unknown) => Boolean((written.out += String(text)));
  stderr.write = (text: unknown) => Boolean((written.err += String(text)));
  Object.defineProperty(process, 'stdin', { value: Readable.from([Buffer.from(input)]) });
  Object.assign(process.env, env);
  process.exitCode = 0;
  await program().parseAsync(['node', 'brigade', ...args]);
  Object.assign(stdout, { write: print });
  Object.assign(stderr, { write: complain });
  const code = exitCode();
  process.exitCode = 0;
  return { code, ...written };
}

function exitCode(): number {
  return Number(process.exitCode ?? 0);
}

process.on('message', (line: Line) => {
  void run(line).then((ended) => process.send?.(ended));
});
