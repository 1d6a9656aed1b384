import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Secret } from '../../src/platform/base/seal.ts';
import { openAdapter } from '../../src/platform/stores/open-store.ts';
import type { StoreDialect } from '../../src/platform/stores/providers.ts';
import type { Connect } from '../../src/platform/stores/requests.ts';
import type { Store } from '../../src/platform/stores/store.ts';

interface Sent {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
}

/** Runs a call on a store of a dialect, with given answers, and returns the requests that were sent. */
export async function sentBy<T>(
  dialect: StoreDialect,
  replies: readonly Reply[],
  call: (store: Store) => Promise<T>,
  connect?: Connect,
): Promise<{ readonly sent: readonly Sent[]; readonly result: T }> {
  const sent: Sent[] = [];
  const server = createServer((request, response) => {
    const pieces: Uint8Array[] = [];
    request.on('data', (piece: Uint8Array) => pieces.push(piece));
    request.on('end', () => {
      const { status = 200, headers, text = '' } = replies[sent.length] ?? {};
      const { method = '', url = '' } = request;
      const body = Buffer.concat(pieces).toString();
      sent.push({ line: `${method} ${url}`, headers: request.headers, body });
      const usual = { 'etag': '"e"', 'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT' };
      response.writeHead(status, {
        'content-length': Buffer.byteLength(text),
        ...usual,
        ...headers,
      });
      response.end(request.method === 'HEAD' ? undefined : text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  try {
    await using store = openAdapter({
      dialect,
      region: 'r',
      bucket: 'bucket',
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { accessKeyId: 'account', secretAccessKey: new Secret('c2VjcmV0') },
      connect,
    });
    return { sent, result: await call(store) };
  } finally {
    server.close();
  }
}
