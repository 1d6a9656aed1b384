import type { ObjectHead } from '../model/object.ts';
import { StoreError } from '../stores/store-error.ts';
import type { CopyJob } from './transfer.ts';

/**
 * That what was read is what the source says it has, before any of it is published; undefined sums are
 * not known.
 *
 * @throws {StoreError} `corrupt` with both sums.
 */
export function assertAsTold(
  { source, key }: CopyJob,
  head: ObjectHead,
  read: { readonly md5: string | undefined; readonly crc64: string | undefined },
): void {
  const cloudMessage =
    differenceOf('CRC-64', head.crc64, read.crc64) ?? differenceOf('MD5', head.md5, read.md5);
  if (cloudMessage === undefined) return;
  throw new StoreError('corrupt', { store: source.name, operation: 'read', key, cloudMessage });
}

function differenceOf(
  sum: string,
  source: string | undefined,
  read: string | undefined,
): string | undefined {
  if (source === undefined || read === undefined || source === read) return undefined;
  return `the source has the ${sum} ${source}, what was read from it has ${read}`;
}
