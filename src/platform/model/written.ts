import type { ObjectHead } from './object.ts';

/** Identifies one write of an object, so that a later look can detect whether another one followed. */
export interface WrittenObject {
  readonly etag: string;
  /** Undefined where the bucket keeps no versions, or the store does not name them. */
  readonly versionId: string | undefined;
  /** Milliseconds since the Unix epoch, by the store's clock: the object was written no later. */
  readonly writtenAt: number | undefined;
}

/** Stores report whole seconds, and the clocks of their front ends and back ends differ a little. */
export const CLOCKS_DIFFER_MS = 2_000;

/** What the answer to a write says. */
export function writtenBy(receipt: {
  readonly etag: string;
  readonly versionId?: string | undefined;
  readonly date: number | undefined;
}): WrittenObject {
  return { etag: receipt.etag, versionId: receipt.versionId, writtenAt: receipt.date };
}

/** What a look found. */
export function foundObject({ etag, versionId, lastModified }: ObjectHead): WrittenObject {
  return { etag, versionId, writtenAt: lastModified };
}

/**
 * Whether a look found the write that is on record. Equal versions decide. Equal ETags alone do not:
 * two writes of the same bytes, which may differ in their metadata, have one ETag at most stores, so
 * the time of the last write is compared too. The time alone proves nothing: an older object
 * that another writer moved there would pass.
 */
export function isSameWrite(
  written: WrittenObject,
  found: Pick<ObjectHead, 'etag' | 'versionId' | 'lastModified'>,
): boolean {
  const versions = [named(written.versionId), named(found.versionId)] as const;
  if (versions[0] !== undefined && versions[1] !== undefined) return versions[0] === versions[1];
  const { writtenAt } = written;
  const etag = opaque(written.etag);
  if (etag === '' || etag !== opaque(found.etag)) return false;
  return writtenAt === undefined || found.lastModified <= writtenAt + CLOCKS_DIFFER_MS;
}

/** Whether what is on record names one write: by its time alone nothing can be compared. */
export function isComparable({ etag, versionId }: Omit<WrittenObject, 'writtenAt'>): boolean {
  return opaque(etag) !== '' || named(versionId) !== undefined;
}

/** S3 calls every object that was written without versioning `null`. */
function named(versionId: string | undefined): string | undefined {
  return versionId === 'null' || versionId === '' ? undefined : versionId;
}

/** Some gateways answer a write and a look with the same ETag in another form. */
function opaque(etag: string): string {
  return etag.replace(/^W\//, '').replaceAll('"', '').toLowerCase();
}
