import type { Clock } from '../base/clock.ts';
import { MiB } from '../base/bytes.ts';
import { every } from '../base/timers.ts';
import { copyFile, open, truncate, type FileHandle } from 'node:fs/promises';

/** Where the private PostgreSQL writes what it has to say. */
export interface ServerLog {
  /** Open for appending. */
  readonly fd: number;
  /** The last lines, for a message. */
  tail(): Promise<string>;
  lastLine(): Promise<string>;
  close(): Promise<void>;
}

const LOOK_EVERY_MS = 60_000;
const TAIL_BYTES = 2_048;
const TAIL_LINES = 10;

/**
 * A file that is moved aside to `<path>.1` when it has grown over `maxBytes`, so that the two
 * together stay bounded.
 *
 * It is a file and no pipe, so that the server is never held up by us and its last words outlive us.
 */
export async function boundedLog(
  path: string,
  clock: Clock,
  maxBytes = 4 * MiB,
): Promise<ServerLog> {
  const file = await open(path, 'a+', 0o600);
  await bound(file, path, maxBytes);
  const looking = every(clock, LOOK_EVERY_MS, () => {
    // The database itself soon reports a full disk.
    bound(file, path, maxBytes).catch(() => undefined);
  });

  async function tail(): Promise<string> {
    const { size } = await file.stat();
    const from = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, from);
    const lines = buffer.toString('utf8', 0, bytesRead).trim().split('\n');
    return lines.slice(-TAIL_LINES).join('\n');
  }

  return {
    fd: file.fd,
    tail,
    lastLine: async () => (await tail()).split('\n').at(-1) ?? '',
    async close() {
      looking[Symbol.dispose]();
      await file.close();
    },
  };
}

/** The server appends: after the truncation it continues at the beginning. */
async function bound(file: FileHandle, path: string, maxBytes: number): Promise<void> {
  const { size } = await file.stat();
  if (size <= maxBytes) return;
  await copyFile(path, `${path}.1`);
  await truncate(path);
}
