import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A store that fails every request, and says again what it was sent, and more than that. Heads of
 * keys that begin with `cdn/` succeed: it is the CDN of itself, which fails those reads.
 */
export interface TalkativeStore extends AsyncDisposable {
  readonly url: string;
  /** Keys that begin with one of these fail so. */
  readonly ways: readonly string[];
  /** The words in its answers, one for each request; the number in a key selects the word. */
  readonly words: readonly string[];
}

/** Ways of failing, by a part of the key. */
const ways: Readonly<Record<string, (response: ServerResponse, words: string) => void>> = {
  'denied': (response, words) => response.writeHead(403).end(xmlError('AccessDenied', words)),
  'unknown-id': (response, words) =>
    response.writeHead(403).end(xmlError('InvalidAccessKeyId', words)),
  'own-code': (response, words) => response.writeHead(400).end(xmlError(words, 'no')),
  'broken': (response, words) => response.writeHead(500).end(xmlError('InternalError', words)),
  'page': (response, words) =>
    response.writeHead(502, { 'content-type': 'text/html' }).end(`<html>${words}</html>`),
  'no-xml': (response, words) => response.writeHead(400).end(`<<<${words}`),
  'request-id': (response, words) =>
    response
      .writeHead(400, { 'x-amz-request-id': encodeURIComponent(words) })
      .end(xmlError('InvalidRequest', 'no')),
  'elsewhere': (response, words) =>
    response.writeHead(302, { location: `http://x/?${encodeURIComponent(words)}` }).end(),
  'no-http': (response, words) => {
    response.socket?.end(`${words}\r\n\r\n`);
  },
  'bad-header': (response, words) => {
    response.socket?.end(`HTTP/1.1 200 OK\r\nContent-Length: ${encodeURIComponent(words)}\r\n\r\n`);
  },
};

function xmlError(code: string, message: string): string {
  const text = (words: string) => words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<Error><Code>${text(code)}</Code><Message>${text(message)}</Message><Region>${text(message)}</Region></Error>`;
}

/** @param secrets What it knows, and says in all usual spellings. */
export async function startTalkativeStore(secrets: readonly string[]): Promise<TalkativeStore> {
  const words = secrets.flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('hex'),
  ]);
  const server = createServer((request, response) => {
    const { method, url = '' } = request;
    if (method === 'HEAD' && url.includes('/cdn/')) {
      response
        .writeHead(200, {
          'etag': '"e"',
          'content-length': 9,
          'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT',
        })
        .end();
      return;
    }
    const [, way = '', index = ''] = /([a-z-]+)\/(\d+)/.exec(url) ?? [];
    const word = `${words[Number(index)] ?? ''} ${request.headers.authorization ?? url}`;
    request.resume();
    (ways[way] ?? ways['denied'])?.(response, word);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ways: Object.keys(ways),
    words,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
