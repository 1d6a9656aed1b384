import type { S3Dialect } from './dialect.ts';

/** A name that became part of another's host would lead elsewhere: an APPID is a number. */
const APP_ID = /^\d+$/;

/**
 * A bucket as its cloud knows it: where names end in the account's ID, with that, whether the name
 * that was given has it already or not.
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
