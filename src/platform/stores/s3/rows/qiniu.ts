import { KiB } from '../../../base/bytes.ts';
import { archived, checkAfter, online, type S3Dialect } from '../dialect.ts';
import { aws, s3Faults } from './aws.ts';

/** Kodo by its S3 face: its own protocol reads only through domains bound to the bucket. */
export const qiniu: S3Dialect = {
  ...aws,
  cloud: 'Qiniu',
  // https://developer.qiniu.com/kodo/4088/s3-access-domainname
  endpoints: [{ regions: /^/, url: 'https://s3.{region}.qiniucs.com' }],
  regions: {
    prefix: '',
    // https://developer.qiniu.com/kodo/1671/region-endpoint-fq: the zones of its own protocol. Those
    // that came later have one name by both.
    aliases: {
      z0: 'cn-east-1',
      z1: 'cn-north-1',
      z2: 'cn-south-1',
      na0: 'us-north-1',
      as0: 'ap-southeast-1',
    },
    scopes: {},
    inHost: /(?:^|\.)s3[.-]([a-z0-9-]+)\.qiniucs\.com$/,
  },
  ownHosts: /(?:^|\.)qiniucs\.com$/,
  namesAreGlobal: false, // Not documented.
  addressing: { own: 'path', elsewhere: 'path' },
  // For objects written by its own protocol, in case the S3 interface reports them with its own names: that
  // page (https://developer.qiniu.com/kodo/1252/chgm) has them, and no page says what the S3 interface reports.
  answerPrefix: 'x-qn-',
  requestIdHeaders: ['x-reqid', 'x-amz-request-id'],
  // Encoded listings come back wrong: rclone's facts of providers have them off.
  listUrlEncoded: false,
  crc64nvme: false,
  // A hash of its own, by SHA-1: https://developer.qiniu.com/kodo/1231/appendix#qiniu-etag; of parts
  // that are no blocks, https://github.com/qiniu/rust-sdk/blob/master/etag/src/etag.rs
  etagMd5: { heads: 'never', receipts: 'never' },
  // Not documented.
  checksMd5: false,
  conditionalPut: undefined,
  conditionalCopy: false,
  conditionalRemove: false, // No page of the vendor says that a DELETE heeds `If-Match`.
  // https://developer.qiniu.com/kodo/api/chgm: names of letters, digits, `_` and `-`, up to 50 bytes;
  // 1,024 bytes of names and values; all content headers. That is of its own protocol, and an object
  // is the same by both; which values the S3 face takes is not documented.
  metadata: {
    ...aws.metadata,
    names: 'word',
    sizes: { nameMax: 50, allMax: KiB, counted: 'sent' },
    contentHeaderValues: 'ascii',
  },
  // https://developer.qiniu.com/kodo/6380/restore-archive: 1 to 7 days.
  restore: {
    request: 'GlacierJobParameters',
    classes: new Map([
      ['GLACIER', { daysMax: 7, tier: 'Standard', checkAfterMs: checkAfter.minutes }],
      ['DEEP_ARCHIVE', { daysMax: 7, tier: 'Standard', checkAfterMs: checkAfter.halfADay }],
    ]),
    otherwise: { daysMax: 7, tier: 'Standard', checkAfterMs: checkAfter.minutes },
  },
  kms: undefined,
  // https://developer.qiniu.com/kodo/3710/chtype; LINE is its S3 face's word for infrequent access.
  classes: new Map([
    ['STANDARD', online('STANDARD')],
    ['INTELLIGENT_TIERING', online('STANDARD')],
    ['LINE', online('IA')],
    ['STANDARD_IA', online('IA')],
    ['GLACIER_IR', online('IA')],
    ['GLACIER', archived('ARCHIVE')],
    ['DEEP_ARCHIVE', archived('DEEP_ARCHIVE')],
  ]),
  tierClasses: {
    STANDARD: 'STANDARD',
    IA: 'LINE',
    ARCHIVE: 'GLACIER',
    DEEP_ARCHIVE: 'DEEP_ARCHIVE',
  },
  faults: new Map(s3Faults),
  // "incorrect region" is of its own protocol; for the S3 face nothing is documented.
  wrongRegionCodes: new Set(),
  // https://developer.qiniu.com/kodo/3928/error-responses
  statusFaults: new Map([
    [573, 'throttled'],
    [612, 'not-found'],
    [631, 'no-bucket'],
  ]),
};
