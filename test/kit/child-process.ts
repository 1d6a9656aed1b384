import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program of ours in a process of its own. Disposing of it asks it to stop, and waits. */
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

/** Runs one of our sources with this Node, whatever the machine's is. */
export function startChild(
  file: URL,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  nodeFlags: readonly string[] = [],
): Child {
  const child = spawn(process.execPath, [...nodeFlags, file.pathname, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  let errors = '';
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });

  async function line(pattern: RegExp): Promise<RegExpExecArray> {
    const find = (): RegExpExecArray | undefined =>
      lines.map((text) => pattern.exec(text)).find((match) => match !== null) ?? undefined;
    return await new Promise((resolve, reject) => {
      const look = (): void => {
        const match = find();
        if (match === undefined) return;
        waiting.delete(look);
        resolve(match);
      };
      waiting.add(look);
      look();
      void exited.then(() =>
        reject(new Error(`${file.pathname} ended before it wrote ${pattern.source}: ${errors}`)),
      );
    });
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited;
    return child.exitCode;
  }

  return {
    process: child,
    output: () => lines.join('\n'),
    errors: () => errors,
    line,
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
