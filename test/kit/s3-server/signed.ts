import type { IncomingHttpHeaders } from 'node:http';
import { timingSafeEqual } from 'node:crypto';
import { S3Error } from './s3-error.ts';

/** The signed request, as it was sent, and the object that it names. */
export interface Signed {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** As it was sent, percent-encoded, without the query. */
  readonly rawPath: string;
  /** As it was sent. */
  readonly rawQuery: string;
  /** Decoded; names as they were sent. */
  readonly query: ReadonlyMap<string, string>;
  /** Whether the host names the bucket. */
  readonly inHost: boolean;
  /** Empty when the request is for the service. */
  readonly bucketName: string;
  /** Decoded; empty when the request is for a bucket. */
  readonly key: string;
}

/** Who may sign, and what time it is. */
export interface Gate {
  /** Secret access keys by access key ID. */
  readonly secrets: ReadonlyMap<string, string>;
  /** The one region that signatures may name; any where it is undefined. */
  readonly region: string | undefined;
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

/** The chain of signatures over the chunks of a `STREAMING-AWS4-HMAC-SHA256-PAYLOAD` body. */
export interface ChunkSeal {
  /** @throws {S3Error} `SignatureDoesNotMatch` */
  check(chunkHash: string, signature: string): void;
}

/** A way to sign requests. */
export interface Scheme {
  /** Whether a request says that it is signed so. */
  claims(signed: Pick<Signed, 'headers' | 'query'>): boolean;
  /**
   * Authenticates the sender of a request.
   *
   * @returns What checks the chunks of the body, where these are signed.
   * @throws {S3Error} `AccessDenied`, `SignatureDoesNotMatch` and similar errors.
   */
  verify(signed: Signed, gate: Gate): ChunkSeal | undefined;
}

const SKEW_MS = 15 * 60_000;

/** One header, as it was sent; bytes beyond ASCII are Latin-1. */
export function rawHeader({ headers }: Pick<Signed, 'headers'>, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

/** @throws {S3Error} `InvalidAccessKeyId` */
export function secretOf({ secrets }: Gate, accessKeyId: string): string {
  const secret = secrets.get(accessKeyId);
  if (secret === undefined) throw new S3Error('InvalidAccessKeyId');
  return secret;
}

/** @throws {S3Error} `RequestTimeTooSkewed`, or `AccessDenied` where there is no time at all. */
export function checkSkew(gate: Gate, signedAt: number | undefined): void {
  if (signedAt === undefined || Number.isNaN(signedAt)) {
    throw new S3Error('AccessDenied', 'Authentication requires a valid Date');
  }
  if (Math.abs(gate.now() - signedAt) > SKEW_MS) throw new S3Error('RequestTimeTooSkewed');
}

/** @param expires Seconds since the Unix epoch. */
export function checkExpiry(gate: Gate, expires: number): void {
  if (!(expires * 1000 >= gate.now())) throw new S3Error('AccessDenied', 'Request has expired');
}

/** @throws {S3Error} `SignatureDoesNotMatch`, with the text that the server signed. */
export function checkSignature(expected: string, claimed: string, text: string): void {
  if (sameText(expected, claimed)) return;
  throw new S3Error(
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. ' +
      `We signed: ${JSON.stringify(text)}`,
  );
}

/** Compares in constant time. */
export function sameText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Percent-encodes as in RFC 3986: all characters except letters, digits and `-._~`. */
export function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** `20261231T235959Z` as milliseconds since the Unix epoch. */
export function parseBasicTime(timestamp: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** A header's bytes as the text that their sender signed, where they are UTF-8. */
export function headerText(value: string): string {
  return /^[\x20-\x7e]*$/.test(value) ? value : Buffer.from(value, 'latin1').toString('utf8');
}
