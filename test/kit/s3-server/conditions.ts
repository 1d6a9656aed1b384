import type { Bucket, Version } from './bucket.ts';
import { type Call, header } from './call.ts';
import { S3Error } from './s3-error.ts';

/**
 * Judges the preconditions of a GET or HEAD.
 *
 * @returns Whether the answer is 304: the client has this object already.
 * @throws {S3Error} `PreconditionFailed`
 */
export function isNotModified(call: Pick<Call, 'headers'>, version: Version): boolean {
  const match = header(call, 'if-match');
  const noneMatch = header(call, 'if-none-match');
  if (match !== undefined && !names(match, version.etag)) throw new S3Error('PreconditionFailed');
  if (match === undefined && modifiedAfter(version, header(call, 'if-unmodified-since'))) {
    throw new S3Error('PreconditionFailed');
  }
  if (noneMatch !== undefined) return names(noneMatch, version.etag);
  const since = header(call, 'if-modified-since');
  return since !== undefined && !modifiedAfter(version, since);
}

/**
 * Judges the preconditions of a write, at the moment of writing.
 *
 * @throws {S3Error} `PreconditionFailed`; `FileAlreadyExists` by a condition of the cloud's own;
 *   `NoSuchKey` when `If-Match` names what is not there.
 */
export function checkWritable(call: Call, bucket: Bucket): void {
  const match = header(call, 'if-match');
  const present = bucket.object(call.key);
  if (present !== undefined) checkAbsent(call, bucket);
  if (match === undefined) return;
  if (present === undefined) throw new S3Error('NoSuchKey');
  if (!names(match, present.etag)) throw new S3Error('PreconditionFailed');
}

/** Judges what a write says that is for an absent key only, where there is an object. */
function checkAbsent(call: Call, bucket: Bucket): void {
  if (forbidsOverwrite(call, bucket)) throw new S3Error('FileAlreadyExists');
  const noneMatch = header(call, 'if-none-match');
  const { conditionalPut } = call.service.dialect;
  const forgotten = conditionalPut === 'unless-versioned' && bucket.versioning === 'Enabled';
  if (noneMatch === undefined || conditionalPut === false || forgotten) return;
  if (noneMatch !== '*') throw new S3Error('NotImplemented', 'If-None-Match takes only * here');
  throw new S3Error('PreconditionFailed');
}

/** A bucket that keeps versions, or has kept some, ignores it. */
function forbidsOverwrite(call: Call, { versioning }: Bucket): boolean {
  if (call.face.forbidsOverwrite !== true || versioning !== undefined) return false;
  return header(call, 'x-amz-forbid-overwrite') === 'true';
}

/**
 * Judges the precondition of a removal:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
 *
 * @throws {S3Error} `PreconditionFailed`; `NoSuchKey` when `If-Match` names what is not there.
 */
export function checkRemovable(call: Call, bucket: Bucket): void {
  const match = header(call, 'if-match');
  if (match === undefined || call.service.dialect.conditionalRemove !== true) return;
  const present = bucket.object(call.key);
  if (present === undefined) throw new S3Error('NoSuchKey');
  if (!names(match, present.etag)) throw new S3Error('PreconditionFailed');
}

/** @throws {S3Error} `PreconditionFailed` when the source of a copy is not the one meant. */
export function checkCopySource(call: Call, source: Version): void {
  const match = header(call, 'x-amz-copy-source-if-match');
  const noneMatch = header(call, 'x-amz-copy-source-if-none-match');
  const failed =
    (match !== undefined && !names(match, source.etag)) ||
    (noneMatch !== undefined && names(noneMatch, source.etag)) ||
    (match === undefined &&
      modifiedAfter(source, header(call, 'x-amz-copy-source-if-unmodified-since'))) ||
    unmodifiedSince(source, header(call, 'x-amz-copy-source-if-modified-since'));
  if (failed) throw new S3Error('PreconditionFailed');
}

function names(condition: string, etag: string): boolean {
  return condition.split(',').some((each) => {
    const name = each.trim();
    return name === '*' || name.replace(/^W\//, '').replaceAll('"', '') === etag;
  });
}

function modifiedAfter(version: Version, date: string | undefined): boolean {
  // A date that cannot be read compares as false, which is to say: it is ignored.
  return date !== undefined && version.lastModified > Date.parse(date);
}

function unmodifiedSince(version: Version, date: string | undefined): boolean {
  return date !== undefined && version.lastModified <= Date.parse(date);
}

/** Bytes from `first` up to, but not including, `end`. */
export interface Range {
  readonly first: number;
  readonly end: number;
}

/**
 * Reads a range; an invalid range is ignored, as HTTP specifies.
 *
 * @throws {S3Error} `InvalidRange` if no byte of the range is within the size.
 */
export function parseRange(text: string | undefined, size: number): Range | undefined {
  const range = requested(text, size);
  if (range !== undefined && range.first >= range.end) {
    throw new S3Error('InvalidRange', 'The requested range is not satisfiable', {
      'content-range': `bytes */${size}`,
    });
  }
  return range;
}

function requested(text: string | undefined, size: number): Range | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(text ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') return { first: Math.max(size - Number(to), 0), end: size };
  if (to === '') return { first: Number(from), end: size };
  if (Number(to) < Number(from)) return undefined;
  return { first: Number(from), end: Math.min(Number(to) + 1, size) };
}
