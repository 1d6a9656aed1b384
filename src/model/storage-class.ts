import type { StoragePolicy } from './sync-task.ts';

type FixedPolicy = Exclude<StoragePolicy, 'SRC_STORAGE_MAPPING'>;

/** OMS publishes no table for SRC_STORAGE_MAPPING; this one keeps cost and access time alike. */
const policyOfClass: ReadonlyMap<string, FixedPolicy> = new Map<string, FixedPolicy>([
  ['STANDARD', 'STANDARD'],
  ['REDUCED_REDUNDANCY', 'STANDARD'],
  ['INTELLIGENT_TIERING', 'STANDARD'],
  ['EXPRESS_ONEZONE', 'STANDARD'],
  ['STANDARD_IA', 'IA'],
  ['ONEZONE_IA', 'IA'],
  ['GLACIER_IR', 'IA'],
  ['WARM', 'IA'],
  ['GLACIER', 'ARCHIVE'],
  ['COLD', 'ARCHIVE'],
  ['DEEP_ARCHIVE', 'DEEP_ARCHIVE'],
]);

/**
 * The class that the target writes, in OMS's words; undefined leaves it to the bucket.
 *
 * @param sourceClass As the source names it; absent and unknown ones count as STANDARD.
 */
export function targetPolicy(
  policy: StoragePolicy | undefined,
  sourceClass: string | undefined,
): FixedPolicy | undefined {
  if (policy !== 'SRC_STORAGE_MAPPING') return policy;
  return policyOfClass.get(sourceClass ?? 'STANDARD') ?? 'STANDARD';
}

/** The names of the classes in the S3 protocol. */
export const s3ClassOf: Readonly<Record<FixedPolicy, string>> = {
  STANDARD: 'STANDARD',
  IA: 'STANDARD_IA',
  ARCHIVE: 'GLACIER',
  DEEP_ARCHIVE: 'DEEP_ARCHIVE',
};
