import {
  createServer,
  type IncomingMessage,
  request as send,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a proxy does with the requests and the answers that go through it. */
export interface FrontOptions {
  /** May change the request's headers. True: it has answered, and nothing is passed on. */
  readonly onRequest?: (request: IncomingMessage, response: ServerResponse) => boolean | undefined;
  /** May change the answer's status and headers. */
  readonly onAnswer?: (answer: IncomingMessage, request: IncomingMessage) => void;
}

export interface FrontProxy extends AsyncDisposable {
  readonly url: string;
}

/** Starts a reverse proxy in front of a test server, which sees the name of the proxy as its own. */
export async function startFrontProxy(
  target: string,
  { onRequest, onAnswer }: FrontOptions,
): Promise<FrontProxy> {
  const { hostname, port } = new URL(target);
  const server = createServer((request, response) => {
    if (onRequest?.(request, response) === true) return;
    const { method, url, headers } = request;
    const options = { hostname, port, method, path: url, headers, setHost: false };
    const onward = send(options, (answer) => {
      onAnswer?.(answer, request);
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    onward.on('error', () => response.destroy());
    request.on('error', () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // It listens on TCP.
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
