import { connect, type Socket } from 'node:net';

/** A connection that says exactly what a test writes, and leaves its end to the other side. */
export interface RawConnection extends Disposable {
  readonly socket: Socket;
  /** All that came, until it has this. */
  until(pattern: RegExp): Promise<string>;
  /** All that came, when the other side has ended or reset it. */
  readonly ended: Promise<string>;
}

export function rawConnection(url: string): RawConnection {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let text = '';
  socket.setEncoding('latin1').on('data', (more: string) => {
    text += more;
  });
  socket.on('error', () => undefined); // A reset is an end too.
  const ended = new Promise<string>((resolve) => {
    socket.once('end', () => resolve(text)).once('close', () => resolve(text));
  });
  return {
    socket,
    ended,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(text)) return;
          socket.off('data', look);
          resolve(text);
        };
        socket.on('data', look);
        void ended.then(() =>
          reject(new Error(`the connection ended after ${JSON.stringify(text)}`)),
        );
        look();
      }),
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** The head of a request. */
export function headOf(
  request: { readonly method?: string; readonly url: string },
  headers: Readonly<Record<string, string | number>>,
): string {
  const { host, pathname, search } = new URL(request.url);
  const lines = Object.entries({ host, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `${request.method ?? 'POST'} ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
