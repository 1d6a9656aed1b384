import type { Bucket } from '../s3-server/bucket.ts';
import { KodoError } from './kodo-error.ts';

/** What an upload token lets a client do. */
export interface PutPolicy {
  readonly bucketName: string;
  /** The one key, or what it begins with; undefined for any that is free. */
  readonly key: string | undefined;
  readonly isPrefix: boolean;
  readonly insertOnly: boolean;
  /** Seconds since the Unix epoch. */
  readonly deadline: number;
  /** The storage class, by Kodo's number. */
  readonly fileType: number;
  /** Bytes. */
  readonly sizeMax: number;
}

/** The fields of an upload policy that this server supports. */
const known: ReadonlySet<string> = new Set([
  'scope',
  'isPrefixalScope',
  'insertOnly',
  'deadline',
  'fileType',
  'fsizeLimit',
  // Which type is stored where the client names none: this server stores what is named.
  'detectMime',
]);

/**
 * @see https://developer.qiniu.com/kodo/1206/put-policy
 * @throws {KodoError} `bad token`; `not played here` for what this server does not do.
 */
export function readPolicy(text: string): PutPolicy {
  const fields = parsed(text);
  const { scope, deadline, isPrefixalScope, insertOnly, fileType, fsizeLimit } = fields;
  if (typeof scope !== 'string' || typeof deadline !== 'number') throw new KodoError('bad token');
  if (Object.keys(fields).some((name) => !known.has(name))) throw new KodoError('not played here');
  const colon = scope.indexOf(':');
  return {
    bucketName: colon < 0 ? scope : scope.slice(0, colon),
    key: colon < 0 ? undefined : scope.slice(colon + 1),
    isPrefix: isPrefixalScope === 1,
    insertOnly: insertOnly === 1,
    deadline,
    fileType: typeof fileType === 'number' ? fileType : 0,
    sizeMax: typeof fsizeLimit === 'number' ? fsizeLimit : Infinity,
  };
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    throw new KodoError('bad token');
  }
}

/** @throws {KodoError} when the policy is for another name. */
export function checkKey({ key: scope, isPrefix }: PutPolicy, key: string): void {
  if (scope === undefined || (isPrefix ? key.startsWith(scope) : key === scope)) return;
  throw new KodoError("key doesn't match with scope");
}

/**
 * Judges whether it may be written, at the moment of writing. Only a policy for the one key replaces
 * what is there; the same content is no replacement.
 *
 * @throws {KodoError} `file exists`
 */
export function checkFree(policy: PutPolicy, bucket: Bucket, key: string, hash: string): void {
  const there = bucket.object(key);
  if (there === undefined || there.etag === hash) return;
  const replaces = policy.key !== undefined && !policy.isPrefix && !policy.insertOnly;
  if (!replaces) throw new KodoError('file exists');
}
