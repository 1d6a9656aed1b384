import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Bucket } from './bucket.ts';
import { type Elsewhere, newBucket, type Service } from './call.ts';
import type { Dialect } from './dialect.ts';
import { type DialectName, dialects } from './dialects.ts';
import { Faults } from './faults.ts';
import { Front } from './front.ts';
import { RequestCounters } from './request-counters.ts';

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
  /** Domains: buckets may be named before them in the host as well as first in the path. */
  readonly virtualHost?: string | readonly string[];
  readonly dialect?: DialectName;
  /** Whether the operator has set up a key server, where the cloud needs one to encrypt. */
  readonly keyServer?: boolean;
  /** Whether a proxy in front of it terminates TLS: then all requests were sent by HTTPS. */
  readonly behindTls?: boolean;
  /** The one region that signatures may name; any by default. */
  readonly region?: string;
  /** Buckets of other regions, with their names: requests for them at this region are refused as the cloud does. */
  readonly elsewhere?: Readonly<Record<string, Elsewhere>>;
  /** Keeps sizes and ETags only, and serves sevens instead of the bytes: for benchmarks. */
  readonly sink?: boolean;
  /** The session token that goes with the keys; any is taken by default. */
  readonly sessionToken?: string;
  /** Whether signatures and the hash of the payload are checked; true by default. */
  readonly verify?: boolean;
  /** Milliseconds since the Unix epoch; the machine's clock by default. */
  readonly now?: () => number;
}

/** A running server. Disposing of it closes it, with every connection. */
export interface S3Server extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly accessKey: AccessKey;
  readonly faults: Faults;
  readonly requests: RequestCounters;
  /** The facts of the cloud that it plays, for example how it reports too many requests. */
  readonly dialect: Dialect;
  /** @throws {RangeError} if no bucket has that name. */
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
  const domains = [options.virtualHost ?? []].flat();
  const front = new Front({ service, faults, requests, domains });
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
    dialect: service.dialect,
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
    elsewhere: new Map(Object.entries(options.elsewhere ?? {})),
    dialect: dialects[options.dialect ?? 's3'],
    region: options.region,
    keyServer: options.keyServer ?? false,
    sessionToken: options.sessionToken,
    secure: options.tls !== undefined || options.behindTls === true,
    sink: options.sink ?? false,
    verify: options.verify ?? true,
    now: options.now ?? Date.now,
    nextId: () => (++sequence).toString(16).padStart(12, '0'),
  };
  for (const name of options.buckets ?? []) addBucket(service, name);
  return service;
}

function addBucket(service: Service, name: string): Bucket {
  const bucket = newBucket(service, name);
  service.buckets.set(name, bucket);
  return bucket;
}
