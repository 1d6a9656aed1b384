import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Bucket } from './bucket.ts';
import { type Call, decode, parseQuery, type Reply, type Service } from './call.ts';
import { type DialectName, dialects } from './dialects.ts';
import { delayed, type FaultKind, Faults } from './faults.ts';
import { chooseOperation, type Operation } from './operations.ts';
import { ClientGone, S3Error } from './s3-error.ts';
import { resetConnection, send } from './send.ts';
import { authenticate } from './signature.ts';
import { errorDocument } from './xml.ts';

const KEY_BYTES_MAX = 1024;

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface S3ServerOptions {
  /** 0, the default, takes any that is free. */
  readonly port?: number;
  readonly host?: string;
  readonly accessKeys?: readonly AccessKey[];
  readonly buckets?: readonly string[];
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer };
  /** A domain: buckets may be named before it in the host as well as first in the path. */
  readonly virtualHost?: string;
  readonly dialect?: DialectName;
  /** Keeps sizes and ETags only, and serves sevens instead of the bytes: for benchmarks. */
  readonly sink?: boolean;
  /** Whether signatures and the hash of the payload are checked; true by default. */
  readonly verify?: boolean;
  /** Milliseconds since the Unix epoch; the machine's clock by default. */
  readonly now?: () => number;
}

/** How many requests came, by operation; refused ones count too. */
export class RequestCounters {
  readonly #counts = new Map<Operation, number>();

  of(operation: Operation): number {
    return this.#counts.get(operation) ?? 0;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  all(): Partial<Record<Operation, number>> {
    return Object.fromEntries(this.#counts);
  }

  clear(): void {
    this.#counts.clear();
  }

  add(operation: Operation): void {
    this.#counts.set(operation, this.of(operation) + 1);
  }
}

/** A running server. Disposing of it closes it, with every connection. */
export interface S3Server extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly accessKey: AccessKey;
  readonly faults: Faults;
  readonly requests: RequestCounters;
  /** @throws {RangeError} when there is none of that name. */
  bucket(name: string): Bucket;
  bucketNames(): string[];
  /** A new, empty bucket, by any name. */
  createBucket(name: string): Bucket;
  close(): Promise<void>;
}

/** The key of a server that is given none. */
export const testAccessKey: AccessKey = {
  accessKeyId: 'TESTACCESSKEY',
  secretAccessKey: 'test-secret-access-key',
};

/**
 * Starts an S3 server in this process, all in memory.
 *
 * It speaks the protocol as S3 does, refusals included; what it does not have it refuses with
 * `NotImplemented`.
 */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const { host = '127.0.0.1', port = 0, tls, accessKeys = [testAccessKey] } = options;
  const service = makeService(options, accessKeys);
  const faults = new Faults();
  const requests = new RequestCounters();
  const domain = options.virtualHost;
  const front = new Front({ service, faults, requests, domain });
  const server: Server =
    tls === undefined ? createServer(serverOptions) : createTlsServer({ ...serverOptions, ...tls });
  server.on('request', (request, response) => front.receive(request, response, () => undefined));
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    front.receive(request, response, () => response.writeContinue()),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  // A server that listens on TCP has an address of this kind.
  const bound = (server.address() as AddressInfo).port;

  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  return {
    url: `${tls === undefined ? 'http' : 'https'}://${host}:${bound}`,
    port: bound,
    accessKey: accessKeys[0] ?? testAccessKey,
    faults,
    requests,
    bucket(name) {
      const bucket = service.buckets.get(name);
      if (bucket === undefined) throw new RangeError(`the server has no bucket ${name}`);
      return bucket;
    },
    bucketNames: () => [...service.buckets.keys()],
    createBucket: (name) => addBucket(service, name),
    close,
    [Symbol.asyncDispose]: close,
  };
}

const serverOptions = {
  maxHeaderSize: 64 * 1024,
  keepAliveTimeout: 60_000,
  requestTimeout: 0,
  highWaterMark: 256 * 1024,
} as const;

function makeService(options: S3ServerOptions, accessKeys: readonly AccessKey[]): Service {
  let sequence = 0;
  const service: Service = {
    buckets: new Map(),
    secrets: new Map(accessKeys.map((each) => [each.accessKeyId, each.secretAccessKey])),
    dialect: dialects[options.dialect ?? 's3'],
    sink: options.sink ?? false,
    verify: options.verify ?? true,
    now: options.now ?? Date.now,
    nextId: () => (++sequence).toString(16).padStart(12, '0'),
  };
  for (const name of options.buckets ?? []) addBucket(service, name);
  return service;
}

function addBucket(service: Service, name: string): Bucket {
  const bucket = new Bucket(name, () => service.now());
  service.buckets.set(name, bucket);
  return bucket;
}

interface FrontParts {
  readonly service: Service;
  readonly faults: Faults;
  readonly requests: RequestCounters;
  readonly domain: string | undefined;
}

/** Where requests come in and replies go out. */
class Front {
  readonly #parts: FrontParts;

  constructor(parts: FrontParts) {
    this.#parts = parts;
  }

  receive(request: IncomingMessage, response: ServerResponse, welcomeBody: () => void): void {
    const requestId = this.#parts.service.nextId();
    // Both sides may vanish at any time; that is no failure of the server.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    this.#serve(request, response, { requestId, welcomeBody }).catch((error: unknown) => {
      if (!(error instanceof ClientGone)) console.error(error);
      response.destroy();
    });
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
    { requestId, welcomeBody }: Pick<Call, 'requestId' | 'welcomeBody'>,
  ): Promise<void> {
    let fault: FaultKind | undefined;
    let reply: Reply;
    try {
      const call = parseCall(request, this.#parts, { requestId, welcomeBody });
      const { operation, handle } = chooseOperation(call);
      this.#parts.requests.add(operation);
      fault = this.#parts.faults.strike({ operation, method: call.method, key: call.key });
      await delayed(fault);
      const instead = fault && (await fail(call, response, fault));
      if (instead === 'gone') return;
      if (instead === undefined && this.#parts.service.verify) authenticate(call);
      reply = instead ?? (await handle(call));
    } catch (error) {
      reply = refusal(error, request, requestId);
    }
    const common = {
      'x-amz-request-id': requestId,
      'date': new Date(this.#parts.service.now()).toUTCString(),
    };
    await send(response, reply, { common, head: request.method === 'HEAD', fault });
  }
}

function parseCall(
  request: IncomingMessage,
  { service, domain }: FrontParts,
  rest: Pick<Call, 'requestId' | 'welcomeBody'>,
): Call {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const rawPath = mark < 0 ? url : url.slice(0, mark);
  const rawQuery = mark < 0 ? '' : url.slice(mark + 1);
  const { bucketName, key } = address(request, rawPath, domain);
  if (Buffer.byteLength(key) > KEY_BYTES_MAX) throw new S3Error('KeyTooLongError');
  return {
    service,
    request,
    method: request.method ?? 'GET',
    rawPath,
    rawQuery,
    query: parseQuery(rawQuery),
    bucketName,
    key,
    chunkSeal: undefined,
    ...rest,
  };
}

/** The bucket in the host or first in the path, and the key. */
function address(
  request: IncomingMessage,
  rawPath: string,
  domain: string | undefined,
): Pick<Call, 'bucketName' | 'key'> {
  const host = request.headers.host?.replace(/:\d+$/, '') ?? '';
  if (domain !== undefined && host.endsWith(`.${domain}`)) {
    return { bucketName: host.slice(0, -domain.length - 1), key: decode(rawPath.slice(1)) };
  }
  const slash = rawPath.indexOf('/', 1);
  return slash < 0
    ? { bucketName: decode(rawPath.slice(1)), key: '' }
    : { bucketName: decode(rawPath.slice(1, slash)), key: decode(rawPath.slice(slash + 1)) };
}

/** What a fault does before the operation: an answer instead of it, or the end of the connection. */
async function fail(
  { request, welcomeBody, requestId, rawPath }: Call,
  response: ServerResponse,
  fault: FaultKind,
): Promise<Reply | 'gone' | undefined> {
  if (fault.kind === 'reset') {
    if (fault.when === 'after-body') await drain(request, welcomeBody);
    resetConnection(response);
    return 'gone';
  }
  if (fault.kind !== 'status' && fault.kind !== 'error-in-200') return undefined;
  await drain(request, welcomeBody);
  const body = errorDocument(fault.code, fault.code, { resource: rawPath, requestId });
  if (fault.kind === 'error-in-200') return { status: 200, body };
  const { retryAfter } = fault;
  return {
    status: fault.status,
    headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
    body,
  };
}

async function drain(request: IncomingMessage, welcomeBody: () => void): Promise<void> {
  welcomeBody();
  await new Promise<void>((resolve) => {
    request.once('end', resolve);
    request.once('close', resolve);
    request.resume();
  });
}

function refusal(error: unknown, request: IncomingMessage, requestId: string): Reply {
  if (error instanceof ClientGone) throw error;
  if (!(error instanceof S3Error)) console.error(error);
  const known = error instanceof S3Error ? error : new S3Error('InternalError', String(error));
  const body = errorDocument(known.code, known.message, { resource: request.url ?? '', requestId });
  return { status: known.status, headers: known.headers, body };
}
