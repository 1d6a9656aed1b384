import { MiB } from '../../base/bytes.ts';
import type { CloudType } from '../../model/cloud.ts';
import type { ContentHeaderName } from '../../model/object.ts';
import type { MetadataSizes } from '../metadata-limits.ts';
import type { StorageClassFacts, StorageTier } from '../../model/storage-class.ts';

/** What there is to know of a service that speaks Azure Blob's protocol. Facts only, no code. */
export interface AzureDialect {
  readonly cloud: CloudType;
  /** Hosts of the service by region, the first that matches; `{account}` goes before. */
  readonly suffixes: readonly { readonly regions: RegExp; readonly suffix: string }[];
  /** The service's own hosts, whose first label is the account. */
  readonly ownHosts: RegExp;
  /** `x-ms-version` of every request. */
  readonly version: string;
  /** Its tiers, as heads and lists name them. */
  readonly classes: ReadonlyMap<string, StorageClassFacts>;
  /** The tier that a put names. */
  readonly tierClasses: Readonly<Record<StorageTier, string>>;
  readonly contentHeaders: readonly ContentHeaderName[];
  readonly metadataSizes: MetadataSizes;
  readonly putSizeMax: number;
  readonly partSizeMax: number;
  readonly partCountMax: number;
  /** Bytes that one request copies from another blob. */
  readonly copySizeMax: number;
}

const online = (tier: StorageTier): StorageClassFacts => ({ tier, archived: false });

export const azureDialects = {
  Azure: {
    cloud: 'Azure',
    suffixes: [
      // https://learn.microsoft.com/azure/china/resources-developer-guide
      { regions: /^china/i, suffix: 'blob.core.chinacloudapi.cn' },
      // https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure
      { regions: /^us(?:gov|dod)/i, suffix: 'blob.core.usgovcloudapi.net' },
      // https://learn.microsoft.com/azure/storage/common/storage-account-overview
      { regions: /^/, suffix: 'blob.core.windows.net' },
    ],
    // The last are accounts with a DNS zone of their own: https://learn.microsoft.com/azure/storage/common/storage-account-overview#azure-dns-zone-endpoints-preview
    ownHosts:
      /^[a-z0-9-]+\.(?:blob\.core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)|z\d+\.blob\.storage\.azure\.net)$/,
    // The first with the tier Cold and, since 2021-02-12, with names encoded that XML cannot carry:
    // https://learn.microsoft.com/rest/api/storageservices/previous-azure-storage-service-versions
    version: '2021-12-02',
    // https://learn.microsoft.com/azure/storage/blobs/access-tiers-overview
    classes: new Map([
      ['Premium', online('STANDARD')],
      ['Hot', online('STANDARD')],
      ['Cool', online('IA')],
      ['Cold', online('IA')],
      ['Archive', { tier: 'ARCHIVE', archived: true }],
    ]),
    // It has one archive: the deep one of others is that, too.
    tierClasses: { STANDARD: 'Hot', IA: 'Cool', ARCHIVE: 'Archive', DEEP_ARCHIVE: 'Archive' },
    // https://learn.microsoft.com/rest/api/storageservices/set-blob-properties: there is no Expires.
    contentHeaders: [
      'content-encoding',
      'content-disposition',
      'content-language',
      'cache-control',
    ],
    // https://learn.microsoft.com/rest/api/storageservices/setting-and-retrieving-properties-and-metadata-for-blob-resources
    metadataSizes: { allMax: 8192, counted: 'sent' },
    // https://learn.microsoft.com/azure/storage/blobs/scalability-targets
    putSizeMax: 5000 * MiB,
    partSizeMax: 4000 * MiB,
    partCountMax: 50_000,
    // https://learn.microsoft.com/rest/api/storageservices/copy-blob-from-url
    copySizeMax: 256 * MiB,
  },
} as const satisfies Record<string, AzureDialect>;

export type AzureCloud = keyof typeof azureDialects;

/** Whether a name is that of a row here. */
export function isAzureCloud(name: string): name is AzureCloud {
  return Object.hasOwn(azureDialects, name);
}
