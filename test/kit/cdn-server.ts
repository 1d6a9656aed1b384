import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Certificate } from './certificate.ts';
import { type CdnSecrets, type Check, checks } from './cdn-checks.ts';
import { allBytes } from './s3-server/content.ts';
import type { Bucket, Version } from './s3-server/bucket.ts';

type Cached = Pick<Version, 'content' | 'etag' | 'lastModified'>;

/** What a CDN does that a reader does not want. */
export interface CdnManners {
  /** Compresses what it sends, whatever the client accepts. */
  compresses: boolean;
  /** Redirects all requests. */
  redirectsTo: string | undefined;
  /** Accepts only requests with this page as their Referer. */
  referer: string | undefined;
  /** The objects in its cache; undefined for an object that it does not have. */
  readonly cached: Map<string, Cached | undefined>;
  /** Omits the headers that identify the version. */
  hidesVersions: boolean;
  /** Sends so many bytes less than it announces, so many times; and then something else happens. */
  cuts: { bytes: number; times: number; then?: () => void };
  /** Sends the whole object when a range is requested. */
  ignoresRanges: boolean;
  /** Answers all requests with this status. */
  status: number | undefined;
}

export interface CdnServer extends AsyncDisposable {
  /** Host and port. */
  readonly domain: string;
  readonly manners: CdnManners;
  /** The authorized requests, unchanged: path and query. */
  readonly served: string[];
  readonly refused: string[];
}

export interface CdnServerOptions extends Partial<CdnSecrets> {
  readonly bucket: string;
  /** A name of `checks`; `NONE` unless given. */
  readonly check?: string;
  readonly content: Bucket;
  readonly tls?: Certificate | undefined;
}

/** Starts a test CDN in front of a bucket's content; it accepts requests that are signed as its vendor requires. */
export async function startCdnServer(options: CdnServerOptions): Promise<CdnServer> {
  const { content, tls, check: name = 'NONE' } = options;
  const secrets: CdnSecrets = {
    ...{ accessKeyId: '', secretAccessKey: '', appId: '', key: '', ttl: 1800 },
    now: () => Math.floor(Date.now() / 1000),
    ...options,
  };
  const check = checks[name]?.();
  if (check === undefined) throw new RangeError(`no such check: ${name}`);
  const manners: CdnManners = {
    ...{ compresses: false, redirectsTo: undefined, referer: undefined, cached: new Map() },
    ...{ hidesVersions: false, cuts: { bytes: 0, times: 0 }, ignoresRanges: false },
    status: undefined,
  };
  const served: string[] = [];
  const refused: string[] = [];
  const origin = { text: '' };

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const path = admit(request, { check, secrets, manners, origin: origin.text });
    (path === undefined ? refused : served).push(request.url ?? '');
    if (manners.status !== undefined) response.writeHead(manners.status).end();
    else if (path === undefined) deny(response);
    else if (manners.redirectsTo !== undefined) {
      response.writeHead(302, { location: manners.redirectsTo }).end();
    } else serve({ request, response, manners }, content, decodeURIComponent(path.slice(1)));
  }

  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const domain = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  origin.text = `${tls === undefined ? 'http' : 'https'}://${domain}`;
  return {
    ...{ domain, manners, served, refused },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function admit(
  { url = '', headers }: IncomingMessage,
  cdn: {
    readonly check: Check | undefined;
    readonly secrets: CdnSecrets;
    readonly manners: CdnManners;
    readonly origin: string;
  },
): string | undefined {
  const at = url.indexOf('?');
  const path = at === -1 ? url : url.slice(0, at);
  const query = at === -1 ? '' : url.slice(at + 1);
  const { referer } = cdn.manners;
  if (referer !== undefined && headers.referer !== referer) return undefined;
  if (headers.cookie !== undefined || headers['accept-encoding'] !== 'identity') return undefined;
  return cdn.check?.({ path, query, headers, origin: cdn.origin }, cdn.secrets);
}

function deny(response: ServerResponse): void {
  response.writeHead(403, { 'x-tengine-error': 'denied by req auth: invalid md5hash' });
  response.end('<html>denied</html>');
}

interface Serving {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly manners: CdnManners;
}

function serve(serving: Serving, bucket: Bucket, key: string): void {
  const { response, manners } = serving;
  const inBucket = bucket.object(key);
  const found = manners.cached.has(key) ? manners.cached.get(key) : inBucket;
  if (found === undefined) {
    response.writeHead(404).end('not here');
  } else if (inBucket?.storageClass === 'GLACIER' && inBucket.restore?.ongoing !== false) {
    response.writeHead(403).end('<Error><Code>InvalidObjectState</Code></Error>');
  } else {
    const encoding = inBucket?.contentHeaders['content-encoding'];
    serveObject(serving, found, encoding === undefined ? {} : { 'content-encoding': encoding });
  }
}

function serveObject(
  serving: Serving,
  { content, etag, lastModified }: Cached,
  headers: Record<string, string>,
): void {
  const { request, manners } = serving;
  if (!manners.hidesVersions) {
    headers['etag'] = `"${etag}"`;
    headers['last-modified'] = new Date(lastModified).toUTCString();
  }
  const { size } = content;
  const range = manners.ignoresRanges ? undefined : request.headers.range;
  if (range === undefined) {
    send(serving, allBytes(content), { headers, status: 200 });
    return;
  }
  const [first = 0, end = 0] = range.replace('bytes=', '').split('-').map(Number);
  const last = Math.min(end, size - 1);
  if (first > last) {
    serving.response.writeHead(416).end();
    return;
  }
  headers['content-range'] = `bytes ${first}-${last}/${size}`;
  send(serving, allBytes(content).subarray(first, last + 1), { headers, status: 206 });
}

function send(
  { response, manners }: Serving,
  bytes: Buffer,
  { headers, status }: { readonly headers: Record<string, string>; readonly status: number },
): void {
  const body = manners.compresses ? gzipSync(bytes) : bytes;
  if (manners.compresses) headers['content-encoding'] = 'gzip';
  response.writeHead(status, { ...headers, 'content-length': body.length });
  if (manners.cuts.times === 0) {
    response.end(body);
    return;
  }
  manners.cuts.times -= 1;
  manners.cuts.then?.();
  response.write(body.subarray(0, body.length - manners.cuts.bytes), () => response.destroy());
}
