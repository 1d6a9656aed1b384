/**
 * Ports for tests: those that a server of another process will listen on, and one that nobody does.
 * Ports that the system gives (`listen(0)`, outgoing connections) are no good for either: a port that
 * was free a moment ago is given to the next who asks.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** An address where nobody listens: port 9 is the discard service's, and the system gives it to nobody. */
export const NOBODY_LISTENS = 'http://127.0.0.1:9';

/** Below what systems give by themselves (Linux: from 32768), above what services have by custom. */
const RANGE = [20_000, 32_000] as const;

/** A port that is free now, and that the system gives to nobody until it is taken. */
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
