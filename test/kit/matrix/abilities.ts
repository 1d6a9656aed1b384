import { Secret } from '../../../src/platform/base/seal.ts';
import { cdnAuthentications } from '../../../src/platform/model/source-cdn.ts';
import { openAdapter } from '../../../src/platform/stores/open-store.ts';
import { type StoreDialect, storeDialects } from '../../../src/platform/stores/providers.ts';
import type { S3Dialect } from '../../../src/platform/stores/s3/dialect.ts';
import { s3Dialects } from '../../../src/platform/stores/s3/dialects.ts';
import type { Traits } from '../../../src/platform/stores/store.ts';

/** The abilities of a cloud, in the tables of the page. */
export const abilityTables = [
  ['signature', 'reads', 'odd names', 'listing', 'put', 'parts', 'copy', 'removal'],
  ['metadata', 'classes', 'restore', 'KMS', 'CRC-64', 'errors', 'wrong region'],
  ['CDN', 'source', 'destination'],
] as const;

export type Ability = (typeof abilityTables)[number][number];
export const abilities: readonly Ability[] = abilityTables.flat();

/** How an ability was proven; the strongest proof first. */
export const ways = ['live', 'server', 'SDK', 'vector', 'own'] as const;
export type Way = (typeof ways)[number];

/** Every row of facts, which is every row of the tables. */
// The names of the table are those of the type.
export const clouds = storeDialects;

const traits = new Map(clouds.map((cloud) => [cloud, traitsOf(cloud)]));

function traitsOf(dialect: StoreDialect): Traits {
  return openAdapter({
    ...{ dialect, region: 'region', bucket: 'bucket', endpoint: 'https://127.0.0.1:1' },
    credentials: { accessKeyId: 'account', secretAccessKey: new Secret('c2VjcmV0') },
  }).traits;
}

/** Whether the cloud's name for a region is part of its address, and it says when that is wrong. */
function hasRegions(cloud: StoreDialect): boolean {
  const dialect = new Map<string, S3Dialect>(Object.entries(s3Dialects)).get(cloud);
  if (dialect === undefined) return false;
  const { endpoints, wrongRegionCodes } = dialect;
  return wrongRegionCodes.size > 0 && endpoints.some(({ url }) => url.includes('{region}'));
}

/** Whether a cloud has such a thing at all, by its facts. */
export function isThere(cloud: StoreDialect, ability: Ability): boolean {
  const found = traits.get(cloud) ?? traitsOf(cloud);
  const { serverSideCopy, tiers, restore, kms, crc64, crc64nvme } = found;
  const facts: Readonly<Partial<Record<Ability, boolean>>> = {
    'copy': serverSideCopy,
    'classes': tiers.length > 1,
    restore,
    'KMS': kms,
    'CRC-64': crc64 || crc64nvme,
    'wrong region': hasRegions(cloud),
    'CDN': Object.values(cdnAuthentications).some((type) => type.cloud === cloud),
  };
  return facts[ability] ?? true;
}
