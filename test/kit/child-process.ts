import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program of the project in a separate process. Disposing of it stops it gracefully, and waits for its end. */
export interface Child extends AsyncDisposable {
  readonly process: ChildProcess;
  /** What it wrote to standard output so far. */
  output(): string;
  /** What it wrote to standard error so far. */
  errors(): string;
  /** The first line of output that matches, past or to come. @throws {Error} when it ends before. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
  /** Asks it to stop; gives its exit code. */
  stop(): Promise<number | null>;
  /** Waits until it ends by itself; gives its exit code. */
  stopped(): Promise<number | null>;
}

/** The lines of a stream, kept for later searches. */
class Lines {
  readonly all: string[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(stream: NodeJS.ReadableStream) {
    createInterface({ input: stream }).on('line', (line) => {
      this.all.push(line);
      for (const look of this.#waiting) look();
    });
  }

  /** The first line that matches, past or to come; rejects when `ended` does before. */
  async first(pattern: RegExp, ended: Promise<never>): Promise<RegExpExecArray> {
    const matched = new Promise<RegExpExecArray>((resolve) => {
      const look = (): void => {
        const match = this.all.map((text) => pattern.exec(text)).find((found) => found !== null);
        if (match === undefined) return;
        this.#waiting.delete(look);
        resolve(match);
      };
      this.#waiting.add(look);
      look();
    });
    return await Promise.race([matched, ended]);
  }
}

/** Runs one of our sources with this Node, whatever the machine's is. */
export function startChild(
  file: URL,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  nodeFlags: readonly string[] = [],
): Child {
  return startProgram([process.execPath, ...nodeFlags, file.pathname, ...args], environment);
}

/** Runs any program with its arguments. */
export function startProgram(
  [program = '', ...args]: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Child {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const exited = once(child, 'exit');
  const lines = new Lines(child.stdout);
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited;
    return child.exitCode;
  }

  return {
    process: child,
    output: () => lines.all.join('\n'),
    errors: () => errors,
    line: (pattern) =>
      lines.first(
        pattern,
        exited.then(() => {
          throw new Error(
            `${program} ${args.join(' ')} ended before it wrote ${pattern.source}: ${errors}`,
          );
        }),
      ),
    kill: async () => {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
    async stopped() {
      await exited;
      return child.exitCode;
    },
    [Symbol.asyncDispose]: async () => {
      await end('SIGTERM');
    },
  };
}
