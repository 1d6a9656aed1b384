import type { Server } from 'node:http';

/** Of the most: from here on connections are closed after the answer to make room for others. */
const CROWDED = 0.75;

/**
 * Bounds the connections of callers, so that the process never runs out of descriptors: then it could
 * not even accept a connection to answer it.
 *
 * When most of them are taken, idle ones are closed and the others end after their next answer, so
 * that further callers get in. Only beyond the bound are new connections closed unanswered.
 */
export function boundConnections(server: Server, most: number): void {
  const crowded = Math.ceil(most * CROWDED);
  let open = 0;
  server.maxConnections = most;
  server.on('connection', (socket) => {
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
    if (open > crowded) server.closeIdleConnections();
  });
  server.prependListener('request', (_request, response) => {
    if (open > crowded) response.shouldKeepAlive = false;
  });
}
