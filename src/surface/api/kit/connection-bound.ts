import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Of their own share: from here on connections are closed after the answer to make room for others. */
const CROWDED = 0.75;

/**
 * Lends descriptors that are free elsewhere.
 *
 * @param reclaim Closes connections that are more than the result then allows.
 * @returns How many descriptors are lent.
 */
type Lend = (reclaim: () => void) => () => number;

/**
 * Bounds the connections of callers, so that the process never runs out of descriptors: then it could
 * not even accept a connection to answer it.
 *
 * When most of their share is taken, idle ones are closed and the others end after their next answer, so
 * that further callers get in. A burst beyond the share takes descriptors that are lent. Whatever needs
 * those gets them back at once: idle connections are closed first, then the oldest, since a request takes
 * little time and a client that stalls is among the oldest. Only beyond all that are new connections closed
 * unanswered.
 */
export function boundConnections(server: Server, share: number, lend: Lend = () => () => 0): void {
  const crowded = Math.ceil(share * CROWDED);
  /** In order of arrival, as a set's members are. */
  const open = new Set<Socket>();
  const lent = lend(reclaim);

  function reclaim(): void {
    if (open.size <= share + lent()) return;
    server.closeIdleConnections();
    // A destroyed socket has released its descriptor; its 'close' event comes later.
    for (const socket of open) if (socket.destroyed) open.delete(socket);
    for (const socket of open) {
      if (open.size <= share + lent()) return;
      open.delete(socket);
      socket.destroy();
    }
  }

  // Node reads it whenever a connection arrives.
  Object.defineProperty(server, 'maxConnections', { get: () => share + lent() });
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    if (open.size > crowded) server.closeIdleConnections();
  });
  server.prependListener('request', (_request, response) => {
    if (open.size > crowded) response.shouldKeepAlive = false;
  });
}
