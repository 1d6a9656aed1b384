import type { ObjectHead } from '../../model/object.ts';
import { StoreError } from '../../model/store-error.ts';
import { listPage } from './list.ts';
import type { S3Wire } from './wire.ts';

/**
 * The head of an archived object as far as the listing reports it: without anything that describes the
 * object. Undefined if the listing has no such object.
 */
export async function listedHead(
  wire: S3Wire,
  key: string,
  signal: AbortSignal,
): Promise<ObjectHead | undefined> {
  const entry = await entryOf(wire, key, signal);
  const storageClass = wire.dialect.classes.get(entry?.storageClass ?? '');
  if (entry?.key !== key || storageClass?.archived !== true) return undefined;
  return {
    ...entry,
    tier: storageClass.tier,
    contentType: undefined,
    contentHeaders: {},
    userMetadata: {},
    md5: undefined,
    crc64: undefined,
    encryption: undefined,
    versionId: undefined,
  };
}

/** The first whose key begins so, which is the key itself where that is there. */
async function entryOf(wire: S3Wire, key: string, signal: AbortSignal) {
  try {
    const { entries } = await listPage(wire, { prefix: key, limit: 1 }, signal);
    return entries[0];
  } catch (error) {
    if (!(error instanceof StoreError) || error.repeatable) throw error;
    // The refusal of a HEAD does not say that the credentials are wrong: that of a list does.
    if (error.fault === 'bad-credentials') throw error;
    // Without the right to list, what was said first is all that is known.
    return undefined;
  }
}
