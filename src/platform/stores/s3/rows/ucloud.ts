import { GiB, KiB, MiB } from '../../../base/bytes.ts';
import { archived, checkAfter, online, type S3Dialect } from '../dialect.ts';
import { aws, s3Faults } from './aws.ts';

/** US3 by its S3 face; https://docs.ucloud.cn/ufile/s3/s3_introduction has the facts unless said otherwise. */
export const ucloud: S3Dialect = {
  ...aws,
  cloud: 'UCloud',
  endpoints: [{ regions: /^/, url: 'https://s3-{region}.ufileos.com' }],
  regions: { ...aws.regions, aliases: {}, inHost: /(?:^|\.)s3-([a-z0-9-]+)\.ufileos\.com$/ },
  ownHosts: /(?:^|\.)(?:ufileos\.com|ucloud\.cn)$/,
  namesAreGlobal: false, // Not documented.
  addressing: { own: 'path', elsewhere: 'path' },
  answerPrefix: 'x-ufile-',
  requestIdHeaders: ['x-amz-request-id', 'x-sessionid'],
  listVersion: 1,
  crc64nvme: false,
  // A hash of its own, by SHA-1 of blocks.
  etagMd5: { heads: 'never', receipts: 'never' },
  checksMd5: false,
  conditionalPut: undefined,
  conditionalCopy: false,
  conditionalRemove: false, // No page of the vendor says that a DELETE heeds `If-Match`.
  // https://github.com/UCloudDoc-Team/ufile, the page on the management of files: 8 KB of metadata, and
  // all content headers. Of names, and of values beyond ASCII, nothing is documented.
  metadata: {
    ...aws.metadata,
    sizes: { allMax: 8 * KiB, counted: 'headers' },
    contentHeaderValues: 'ascii',
  },
  // Thawed for three days, whatever is requested: https://docs.ucloud.cn/ufile/bill/billing
  restore: {
    request: 'GlacierJobParameters',
    classes: new Map(),
    otherwise: { daysMax: 3, tier: 'Standard', checkAfterMs: checkAfter.hours },
  },
  // Its table of classes: an archived object's HEAD needs a restore first.
  headOfArchived: 'refused',
  kms: undefined,
  // Its STANDARD_IA is not infrequent access; its own names are used by its own protocol.
  classes: new Map([
    ['STANDARD', online('STANDARD')],
    ['STANDARD_IA', online('STANDARD')],
    ['IA', online('IA')],
    ['ONEZONE_IA', online('IA')],
    ['INTELLIGENT_TIERING', online('IA')],
    ['REDUCED_REDUNDANCY', online('IA')],
    ['ARCHIVE', archived('ARCHIVE')],
    ['GLACIER', archived('ARCHIVE')],
    ['DEEP_ARCHIVE', archived('ARCHIVE')],
  ]),
  tierClasses: { STANDARD: 'STANDARD', IA: 'ONEZONE_IA', ARCHIVE: 'GLACIER' },
  putSizeMax: GiB,
  copySizeMax: 100 * MiB,
  // All parts but the last are exactly of this size.
  partSizeMin: 8 * MiB,
  partSizeMax: 8 * MiB,
  faults: new Map(s3Faults),
  // No documented answer names another region.
  wrongRegionCodes: new Set(),
};
