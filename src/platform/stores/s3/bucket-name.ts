import type { S3Dialect } from './dialect.ts';

/** A name that became part of another's host would lead elsewhere: an APPID is a number. */
const APP_ID = /^\d+$/;

/**
 * The name of a bucket as its cloud knows it. Where names end in the account's ID, the ID is appended
 * unless the given name already ends in it.
 */
export function fullBucketName(
  { bucketNames }: Pick<S3Dialect, 'bucketNames'>,
  bucket: string,
  appId: string | undefined,
): string {
  if (bucketNames === 'as-given' || appId === undefined || !APP_ID.test(appId)) return bucket;
  const suffix = `-${appId}`;
  return bucket.endsWith(suffix) ? bucket : bucket + suffix;
}
