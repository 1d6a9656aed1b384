import { archived, checkAfter, online, type S3Dialect } from '../dialect.ts';
import { aws, s3Faults } from './aws.ts';

/** What KS3's signatures call its regions: the words of the vendor's SDKs and of JuiceFS, no document. */
const scopes = {
  'cn-beijing': 'BEIJING',
  'cn-shanghai': 'SHANGHAI',
  'cn-guangzhou': 'GUANGZHOU',
  'cn-qingdao': 'QINGDAO',
  'cn-hangzhou': 'HANGZHOU',
  'cn-hk-1': 'HONGKONG',
  'rus': 'RUSSIA',
  'sgp': 'SINGAPORE',
  'jr-beijing': 'JR_BEIJING',
  'jr-shanghai': 'JR_SHANGHAI',
  'gov-beijing': 'GOV_BEIJING',
  'us-west-1': 'AMERICA',
} as const;

/** KS3, whose S3 face has all that its own has. */
export const kingsoft: S3Dialect = {
  ...aws,
  cloud: 'KingsoftCloud',
  // https://docs.ksyun.com/documents/6762; Hangzhou's by the vendor's SDK for Node, config.js.
  endpoints: [
    { regions: /^cn-hangzhou$/, url: 'https://kss.ksyuncs.com' },
    { regions: /^/, url: 'https://ks3-{region}.ksyuncs.com' },
  ],
  regions: {
    prefix: 'ks3-',
    aliases: Object.fromEntries(Object.entries(scopes).map(([name, scope]) => [scope, name])),
    scopes,
    inHost: /(?:^|\.)ks3-([a-z0-9-]+?)(?:-internal)?\.ksyun(?:cs)?\.com$/,
  },
  ownHosts: /(?:^|\.)ksyun(?:cs)?\.com$/,
  addressing: { own: 'virtual-host', elsewhere: 'virtual-host' },
  takesPathStyle: false,
  answerPrefix: 'x-kss-',
  requestIdHeaders: ['x-amz-request-id', 'x-kss-request-id'],
  listVersion: 1, // As the vendor's SDKs list.
  // ks3sdklib/aws-sdk-go, service/s3/crc_check.go; that it is CRC-64/XZ: ks3sdk of PyPI, utils.py.
  crc64Header: 'x-amz-checksum-crc64ecma',
  crc64nvme: false,
  conditionalPut: undefined,
  conditionalRemove: false, // No page of the vendor says that a DELETE heeds `If-Match`.
  metadata: {
    ...aws.metadata,
    // Nothing is documented: S3's size, and the stricter way of counting.
    sizes: { ...aws.metadata.sizes, counted: 'headers' },
    // All of them, by ks3sdk of PyPI, key.py; of values beyond ASCII nothing is documented.
    contentHeaderValues: 'ascii',
  },
  // https://docs.ksyun.com/documents/42474; the cold archives' tiers by ks3sdk of PyPI, bucket.py.
  restore: {
    request: 'JobParameters',
    classes: new Map([
      ['ARCHIVE', { daysMax: 7, tier: undefined, checkAfterMs: checkAfter.minutes }],
      ['COLD_ARCHIVE', { daysMax: 365, tier: 'Standard', checkAfterMs: checkAfter.hours }],
      ['DEEP_COLD_ARCHIVE', { daysMax: 365, tier: 'Standard', checkAfterMs: checkAfter.halfADay }],
    ]),
    otherwise: { daysMax: 7, tier: undefined, checkAfterMs: checkAfter.minutes },
  },
  // AES256 alone is documented.
  kms: undefined,
  // ks3sdklib/aws-sdk-go, service/s3/const.go; COLD_ARCHIVE by ks3sdk of PyPI, batchJob.py.
  classes: new Map([
    ['EXTREME_PL1', online('STANDARD')],
    ['EXTREME_PL2', online('STANDARD')],
    ['EXTREME_PL3', online('STANDARD')],
    ['STANDARD', online('STANDARD')],
    ['STANDARD_IA', online('IA')],
    ['DEEP_IA', online('IA')],
    ['ARCHIVE', archived('ARCHIVE')],
    ['GLACIER', archived('ARCHIVE')],
    ['COLD_ARCHIVE', archived('DEEP_ARCHIVE')],
    ['DEEP_COLD_ARCHIVE', archived('DEEP_ARCHIVE')],
  ]),
  tierClasses: {
    STANDARD: 'STANDARD',
    IA: 'STANDARD_IA',
    ARCHIVE: 'ARCHIVE',
    DEEP_ARCHIVE: 'COLD_ARCHIVE',
  },
  // Parts from 5 MB: not documented for this face, the vendor's SDK for Node cuts them so.
  faults: new Map([...s3Faults, ['InvalidDigest', 'corrupt']]),
  // Its table of HTTP status codes: 301 and 307, with `Location`, where the endpoint is wrong:
  // https://ksc-docs.ks3-cn-beijing.ksyun.com/manual_ks3_v30291320161213200420/_book/tech.html
  wrongRegionCodes: new Set(['PermanentRedirect', 'TemporaryRedirect']),
};
