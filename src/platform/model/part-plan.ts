import { MiB } from '../base/bytes.ts';
import type { ByteRange } from './object.ts';

export interface PartLimits {
  /** Bytes; every part but the last must reach it. */
  readonly partSizeMin: number;
  readonly partSizeMax: number;
  readonly partCountMax: number;
}

/** An object that no plan of parts fits. */
export class ObjectTooLarge extends Error {
  override readonly name = 'ObjectTooLarge';
}

/**
 * Chooses the part size for an object of `size` bytes.
 *
 * Prefers `preferred` bytes, and grows it in whole MiB only where the object would otherwise need
 * more parts than the target takes.
 *
 * @param size Bytes, at least 1.
 * @returns Bytes. Every part but the last has exactly this size: some stores refuse unequal parts.
 * @throws {ObjectTooLarge} when the object is larger than the target can hold.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html for the usual limits
 */
export function planPartSize(size: number, preferred: number, limits: PartLimits): number {
  const clamped = Math.min(Math.max(preferred, limits.partSizeMin), limits.partSizeMax);
  if (size <= clamped * limits.partCountMax) return clamped;
  const needed = Math.ceil(size / limits.partCountMax / MiB) * MiB;
  if (needed <= limits.partSizeMax) return needed;
  if (size <= limits.partSizeMax * limits.partCountMax) return limits.partSizeMax;
  throw new ObjectTooLarge(
    `${size} bytes do not fit in ${limits.partCountMax} parts of ${limits.partSizeMax} bytes`,
  );
}

/** How many parts an object of `size` bytes has. */
export function partCount(size: number, partSize: number): number {
  return Math.ceil(size / partSize);
}

/** The bytes of one part. @param number Counts from 1. */
export function partRange(number: number, size: number, partSize: number): ByteRange {
  const first = (number - 1) * partSize;
  return { first, last: Math.min(first + partSize, size) - 1 };
}
