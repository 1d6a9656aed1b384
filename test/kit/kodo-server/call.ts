import type { IncomingHttpHeaders } from 'node:http';
import type { Bucket, Version } from '../s3-server/bucket.ts';
import type { Reply } from '../s3-server/call.ts';
import type { S3Server } from '../s3-server/server.ts';
import { KodoError } from './kodo-error.ts';
import type { KodoUpload } from './parts.ts';

/** What a test may make the server do. */
export interface KodoManners {
  /** The number of listings that are refused because of too many requests. */
  throttles: number;
  /**
   * Whether the S3 API reports metadata that Kodo's own protocol wrote under Kodo's names. No document says which
   * names it uses.
   */
  ownNames: boolean;
}

/** What all requests share. */
export interface KodoService {
  /** The S3 face of the same buckets. */
  readonly cloud: Pick<S3Server, 'accessKey' | 'bucketNames' | 'bucket'>;
  /** The bucket to which download domains lead. */
  readonly bound: string;
  readonly uploads: Map<string, KodoUpload>;
  readonly manners: KodoManners;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

/** One request, whole. */
export interface KodoCall {
  readonly service: KodoService;
  readonly method: string;
  /** Scheme and host, as the client names them. */
  readonly origin: string;
  /** As it was sent, with the query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** @throws {KodoError} `no such bucket` */
export function bucketOf({ cloud }: KodoService, name: string): Bucket {
  if (!cloud.bucketNames().includes(name)) throw new KodoError('no such bucket');
  return cloud.bucket(name);
}

/** @throws {KodoError} `no such file or directory` */
export function objectOf(bucket: Bucket, key: string): Version {
  const found = bucket.object(key);
  if (found === undefined) throw new KodoError('no such file or directory');
  return found;
}

export function json(value: unknown, status = 200): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(value),
  };
}

/** A base64 that URLs carry; undefined for what is none. */
export function decoded(text: string): string | undefined {
  return /^[\w-]*={0,2}$/.test(text) ? Buffer.from(text, 'base64url').toString() : undefined;
}

/** What stands behind the host, and the query. */
export function pathOf({ url }: Pick<KodoCall, 'url'>): {
  readonly path: string;
  readonly query: string;
} {
  const mark = url.indexOf('?');
  return mark < 0
    ? { path: url, query: '' }
    : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}
