import { partCount, type PartLimits, planPartSize } from './part-plan.ts';

/** Up to which sizes objects are copied in one piece, and how large parts are, in bytes. */
export interface CopySizes {
  /** Objects up to this size are held whole, so that their MD5 is known before they are sent. */
  readonly bufferBytes: number;
  /** Objects up to this size are written by one PUT, where their MD5 is known beforehand. */
  readonly putBytes: number;
  readonly partBytes: number;
}

/** What a target takes. */
export interface TargetLimits extends PartLimits {
  readonly putSizeMax: number;
  readonly checksMd5: boolean;
}

/** `held`: one PUT of bytes in memory. `streamed`: one PUT with an MD5 that is known before the bytes. */
export type CopyWay = 'held' | 'streamed' | 'parts';

interface Copied {
  readonly size: number;
  /** Whether the source's MD5 is known before its bytes are read. */
  readonly md5Known: boolean;
}

/**
 * Chooses the way by what is known: a PUT where the target can prove the bytes by an MD5 that is
 * known before they are sent, else parts, which are checked one by one before they are published.
 */
export function wayOfCopy(
  { size, md5Known }: Copied,
  { bufferBytes, putBytes }: Pick<CopySizes, 'bufferBytes' | 'putBytes'>,
  { putSizeMax, checksMd5 }: Pick<TargetLimits, 'putSizeMax' | 'checksMd5'>,
): CopyWay {
  if (size <= bufferBytes) return 'held';
  return md5Known && checksMd5 && size <= Math.min(putBytes, putSizeMax) ? 'streamed' : 'parts';
}

/** The requests that move the bytes of one copy, if each succeeds at once. */
export interface CopyRequests {
  readonly gets: number;
  readonly puts: number;
  readonly parts: number;
}

/**
 * Counts the requests of one copy. One in parts also begins and completes an upload, and reads the object once before
 * its ranges.
 *
 * @throws {ObjectTooLarge} when the object is larger than the target can hold.
 */
export function requestsOfCopy(
  copied: Copied,
  sizes: CopySizes,
  target: TargetLimits,
): CopyRequests {
  if (wayOfCopy(copied, sizes, target) !== 'parts') return { gets: 1, puts: 1, parts: 0 };
  const { size } = copied;
  const parts = partCount(size, planPartSize(size, sizes.partBytes, target));
  return { gets: 1 + parts, puts: 0, parts };
}
