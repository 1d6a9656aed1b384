/**
 * Azure knows no uploads, only blocks of a blob that are not committed yet. So an upload is what
 * its blocks' IDs say: each has the upload's ID, the number of the part, and the time at which it
 * was put, so that the last of several counts and none replaces another.
 *
 * All IDs have one length, as Azure requires: 48 characters, 64 in Base64, of the 64 bytes that it allows.
 * https://learn.microsoft.com/rest/api/storageservices/put-block
 */
export interface BlockName {
  readonly uploadId: string;
  /** A part's, from 1; or one of the marks. */
  readonly number: number;
  /** Milliseconds since the Unix epoch. */
  readonly putAt: number;
}

/** A mark that the upload has begun: one without parts is an upload, too. */
export const STARTED = 0;
/** A mark that the upload is given up: Azure drops blocks only when it commits others. */
export const ABORTED = 99_999;

const TIME_DIGITS = 11;
const CHANCE_DIGITS = 15;

/** @param chance Uniform in [0, 1). */
export function newUploadId(now: number, chance: number): string {
  const random = Math.floor(chance * 2 ** 52).toString(16);
  return `bb-${hexTime(now)}-${random.padStart(CHANCE_DIGITS, '0')}`;
}

const uploadId = /^bb-([\da-f]{11})-[\da-f]{15}$/;

/** When an upload was started; undefined for an ID that is not ours. */
export function startedAtOf(id: string): number | undefined {
  const time = uploadId.exec(id)?.[1];
  return time === undefined ? undefined : Number.parseInt(time, 16);
}

/** A block's ID, in base64. */
export function blockIdOf({ uploadId: id, number, putAt }: BlockName): string {
  const name = `${id}-${number.toString().padStart(5, '0')}-${hexTime(putAt)}`;
  return Buffer.from(name).toString('base64');
}

const blockName = /^(bb-[\da-f]{11}-[\da-f]{15})-(\d{5})-([\da-f]{11})$/;

/** What a block's ID says; undefined for blocks that others have put. */
export function readBlockId(id: string): BlockName | undefined {
  const found = blockName.exec(Buffer.from(id, 'base64').toString());
  if (found === null) return undefined;
  const [, upload = '', number = '', putAt = ''] = found;
  return { uploadId: upload, number: Number(number), putAt: Number.parseInt(putAt, 16) };
}

function hexTime(time: number): string {
  return Math.max(0, Math.floor(time)).toString(16).padStart(TIME_DIGITS, '0');
}
