/**
 * Ports for tests: ports on which a server of another process will listen, and one without a listener.
 * Ports that the system assigns (`listen(0)`, outgoing connections) are not suitable for either: the system may
 * assign a port that was free a moment ago to another process.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** An address without a listener: port 9 belongs to the discard service, and the system does not assign it. */
export const NOBODY_LISTENS = 'http://127.0.0.1:9';

/** Below the ports that systems assign (Linux: from 32768), above those that services usually use. */
const RANGE = [20_000, 32_000] as const;

/** Returns a port that is free now and that the system does not assign by itself. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(...RANGE);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}
