import { fitContentType, fitMetadata } from '../../platform/model/metadata.ts';
import type { ObjectHead } from '../../platform/model/object.ts';
import { targetTier, tierOf } from '../../platform/model/storage-class.ts';
import type { PutOptions } from '../../platform/stores/store.ts';
import type { CopyJob } from './transfer.ts';

/** What travels beside the bytes: the type always, the rest where the task requires it. */
export function putOptions(
  job: Pick<CopyJob, 'policy' | 'target'>,
  head: ObjectHead,
): { readonly options: PutOptions; readonly notes: readonly string[] } {
  const { metadataMigration, storagePolicy, overwriteMode, kms } = job.policy;
  const { metadata } = job.target.traits;
  const type = fitContentType(head.contentType, metadata);
  const fitted = metadataMigration ? fitMetadata(head, metadata) : undefined;
  const options: PutOptions = {
    contentType: type.value,
    contentHeaders: fitted?.contentHeaders,
    userMetadata: fitted?.userMetadata,
    tier: targetTier(storagePolicy, head.tier, job.target.traits.tiers),
    kms,
    mode: overwriteMode === 'NO_OVERWRITE' ? 'create' : 'overwrite',
  };
  const ofType = type.note === undefined ? [] : [type.note];
  return { options, notes: [...ofType, ...(fitted?.notes ?? [])] };
}

/**
 * Whether an object has everything already that a put with these options would write beside its bytes.
 * What the put would leave to the target is not compared.
 */
export function hasAllBesideBytes(
  target: Pick<
    ObjectHead,
    'contentType' | 'contentHeaders' | 'userMetadata' | 'missingMetadata' | 'storageClass' | 'tier'
  >,
  { contentType, contentHeaders, userMetadata, tier }: PutOptions,
): boolean {
  if (contentType !== undefined && contentType !== target.contentType) return false;
  if (tier !== undefined && tier !== tierOf(target)) return false;
  if (contentHeaders !== undefined && !isEqual(contentHeaders, target.contentHeaders)) return false;
  if (userMetadata === undefined) return true;
  return (target.missingMetadata ?? 0) === 0 && isEqual(userMetadata, target.userMetadata);
}

function isEqual(one: object, other: object): boolean {
  const [own, others] = [new Map(Object.entries(one)), new Map(Object.entries(other))];
  return own.size === others.size && [...own].every(([name, value]) => others.get(name) === value);
}
