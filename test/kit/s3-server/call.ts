import type { IncomingMessage } from 'node:http';
import type { Bucket } from './bucket.ts';
import type { Content } from './content.ts';
import type { Dialect } from './dialects.ts';
import { S3Error } from './s3-error.ts';
import type { ChunkSeal } from './signature.ts';

/** What all requests share. */
export interface Service {
  readonly buckets: Map<string, Bucket>;
  /** Secret access keys by access key ID. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly dialect: Dialect;
  /** Keeps sizes and ETags only; see {@link sevens}. */
  readonly sink: boolean;
  readonly verify: boolean;
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** A new opaque ID. */
  nextId(): string;
}

/** One request, parsed. */
export interface Call {
  readonly service: Service;
  readonly request: IncomingMessage;
  readonly method: string;
  /** As it was sent, percent-encoded, without the query. */
  readonly rawPath: string;
  /** As it was sent. */
  readonly rawQuery: string;
  /** Decoded; of a name given twice, the last. */
  readonly query: ReadonlyMap<string, string>;
  /** Empty when the request is for the service. */
  readonly bucketName: string;
  /** Empty when the request is for a bucket. */
  readonly key: string;
  readonly requestId: string;
  /** Asks the client to send its body, when it waits to be asked. */
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

/** One header of the request, as it was sent; bytes beyond ASCII are Latin-1. */
export function header(call: Call, name: string): string | undefined {
  const value = call.request.headers[name];
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

const EMPTY: ReadonlyMap<string, string> = new Map();

/** @throws {S3Error} `InvalidURI` for broken escapes and for what is not UTF-8. */
export function decode(text: string): string {
  try {
    return text.includes('%') ? decodeURIComponent(text) : text;
  } catch {
    throw new S3Error('InvalidURI', "Couldn't parse the specified URI.");
  }
}

/** The pairs of a query, in their order; a plus sign is a space. */
export function queryPairs(rawQuery: string): [name: string, value: string][] {
  return rawQuery
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const spaced = pair.replaceAll('+', ' ');
      const equals = spaced.indexOf('=');
      return equals < 0
        ? [decode(spaced), '']
        : [decode(spaced.slice(0, equals)), decode(spaced.slice(equals + 1))];
    });
}

export function parseQuery(rawQuery: string): ReadonlyMap<string, string> {
  return rawQuery === '' ? EMPTY : new Map(queryPairs(rawQuery));
}
