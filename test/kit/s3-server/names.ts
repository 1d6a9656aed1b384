import type { Dialect } from './dialect.ts';
import { S3Error } from './s3-error.ts';

type Keys = Dialect['keys'];

/** A key as the cloud reads it. */
export function keyOf(name: string, { dropsSlashes }: Keys): string {
  return dropsSlashes === true ? name.replace(/^\/+/, '') : name;
}

/** @throws {S3Error} when no object can be named so. */
export function checkKey(key: string, { bytesMax, refused, segmentBytesMax }: Keys): void {
  if (Buffer.byteLength(key) > bytesMax) throw new S3Error('KeyTooLongError');
  if (refused?.test(key) === true) throw new S3Error('InvalidObjectName');
  const longest = Math.max(...key.split('/').map((segment) => Buffer.byteLength(segment)));
  if (longest > (segmentBytesMax ?? bytesMax)) throw new S3Error('InvalidObjectName');
}

/** Whether an object can be named so, and by no other name. */
export function canHave(key: string, keys: Keys): boolean {
  try {
    checkKey(key, keys);
  } catch {
    return false;
  }
  return keyOf(key, keys) === key;
}
