import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Bucket } from './bucket.ts';
import type { Content } from './content.ts';
import type { Dialect, Face } from './dialect.ts';
import { etagIsMd5, etagOf, opaqueEtag } from './etags.ts';
import { S3Error } from './s3-error.ts';
import type { ChunkSeal, Gate, Signed } from './signed.ts';

/** What all requests share. */
export interface Service extends Gate {
  readonly buckets: Map<string, Bucket>;
  /** Buckets of other regions, which this server knows but does not have. */
  readonly elsewhere: ReadonlyMap<string, Elsewhere>;
  readonly dialect: Dialect;
  readonly keyServer: boolean;
  readonly sessionToken: string | undefined;
  /** Requests come by HTTPS. */
  readonly secure: boolean;
  /** Keeps sizes and ETags only; see {@link sevens}. */
  readonly sink: boolean;
  readonly verify: boolean;
  /** A new opaque ID. */
  nextId(): string;
}

/** The region and endpoint of a bucket of another region. */
export interface Elsewhere {
  readonly region: string;
  /** A host, with its port where that is not the usual one. */
  readonly endpoint: string;
}

/** One request, parsed. */
export interface Call {
  readonly service: Service;
  readonly request: IncomingMessage;
  /** The request as it was sent. */
  readonly signed: Signed;
  /** The protocol that it speaks. */
  readonly face: Face;
  readonly method: string;
  /** By S3's names. */
  readonly headers: IncomingHttpHeaders;
  /** By S3's names, decoded; of a name given twice, the last. */
  readonly query: ReadonlyMap<string, string>;
  /** Empty when the request is for the service. */
  readonly bucketName: string;
  /** Empty when the request is for a bucket. */
  readonly key: string;
  readonly requestId: string;
  /** Sends 100 Continue to a client that waits for it before it sends its body. */
  readonly welcomeBody: () => void;
  /** Checks the chunks of a body that is signed piece by piece. */
  chunkSeal: ChunkSeal | undefined;
}

/** Part of a content, to be sent: from `first` up to, but not including, `end`. */
export interface Span {
  readonly content: Content;
  readonly first: number;
  readonly end: number;
}

/** What is sent back. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: string | Span;
}

export type Handler = (call: Call) => Reply | Promise<Reply>;

/** One header of the request, by S3's name; bytes beyond ASCII are Latin-1. */
export function header(call: Pick<Call, 'headers'>, name: string): string | undefined {
  const value = call.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

/** @throws {S3Error} `NoSuchBucket` */
export function bucketOf(call: Call): Bucket {
  return findBucket(call.service, call.bucketName);
}

/** @throws {S3Error} `NoSuchBucket` */
export function findBucket(service: Service, name: string): Bucket {
  const bucket = service.buckets.get(name);
  if (bucket === undefined)
    throw new S3Error('NoSuchBucket', 'The specified bucket does not exist');
  return bucket;
}

/** A new bucket of this service, not yet in it. */
export function newBucket(service: Service, name: string): Bucket {
  return new Bucket(name, {
    now: () => service.now(),
    etag: (md5, content, { encryption, objectType }) =>
      etagIsMd5(service.dialect, { encryption, objectType })
        ? etagOf(service.dialect, md5, content)
        : opaqueEtag(service),
  });
}
