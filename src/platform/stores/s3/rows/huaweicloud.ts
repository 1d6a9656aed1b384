import { KiB } from '../../../base/bytes.ts';
import { archived, checkAfter, online, type S3Dialect } from '../dialect.ts';
import { aws, s3Classes, s3Faults } from './aws.ts';

/** https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0087.html */
const cold = { daysMax: 30, tier: 'Standard', checkAfterMs: checkAfter.hours };
const deep = { ...cold, checkAfterMs: checkAfter.halfADay };

export const huaweicloud: S3Dialect = {
  ...aws,
  cloud: 'HuaweiCloud',
  // https://support.huaweicloud.com/intl/en-us/productdesc-obs/obs_03_0152.html
  // https://docs.otc.t-systems.com/regions-and-endpoints/
  endpoints: [
    { regions: /^eu-west-101$/, url: 'https://obs.{region}.myhuaweicloud.eu' },
    { regions: /^eu-(?:de|nl|ch2)$/, url: 'https://obs.{region}.otc.t-systems.com' },
    { regions: /^/, url: 'https://obs.{region}.myhuaweicloud.com' },
  ],
  regions: {
    prefix: '',
    aliases: {},
    scopes: {},
    inHost:
      /(?:^|\.)obs\.([a-z]{2}-[a-z0-9-]+)\.(?:myhuaweicloud\.(?:com|eu)|otc\.t-systems\.com)$/,
  },
  ownHosts: /(?:^|\.)myhuaweicloud\.(?:com|eu)$|(?:^|\.)obs\.[\w-]+\.otc\.t-systems\.com$/,
  // Buckets made since 2022 refuse path style; a custom domain leads to one bucket's host.
  addressing: { own: 'virtual-host', elsewhere: 'virtual-host' },
  takesPathStyle: false,
  answerPrefix: 'x-obs-',
  requestIdHeaders: ['x-amz-request-id', 'x-obs-request-id'],
  // Parallel file systems refuse version 2 (OBS API reference, "Listing Objects in a Bucket").
  listVersion: 1,
  // esdk-obs-python, obs/convertor.py and util.py: CRC-64/XZ as unsigned decimal, also at completion.
  crc64Header: 'x-amz-checksum-crc64ecma',
  crc64nvme: false,
  // https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0080.html: the ETag is not an MD5 where the
  // server encrypts. A bucket may do so by itself, which answers to parts do not report.
  etagMd5: { heads: 'unless-encrypted', receipts: 'as-sent' },
  // Not in the reference of the S3 face; `If-None-Match` is documented for reads only.
  conditionalPut: undefined,
  conditionalRemove: false, // No page of the vendor says that a DELETE heeds `If-Match`.
  // https://support.huaweicloud.com/ugobs-obs/obs_41_0025.html: 8 KB, by the bytes of keys and values;
  // ASCII only, and returned as it was sent, in names even `%E4`; names in lower case. Huawei's SDKs
  // percent-encode the rest, in Content-Disposition too.
  metadata: {
    ...aws.metadata,
    codec: 'percent',
    sizes: { allMax: 8 * KiB, counted: 'sent' },
    contentHeaderValues: 'ascii',
  },
  // OBS API reference, "Storage Classes": its own words come too, by the other protocol.
  classes: new Map([...s3Classes, ['WARM', online('IA')], ['COLD', archived('ARCHIVE')]]),
  restore: {
    request: 'GlacierJobParameters',
    classes: new Map([
      ['GLACIER', cold],
      ['COLD', cold],
      ['DEEP_ARCHIVE', deep],
    ]),
    otherwise: cold,
  },
  // OBS API reference, "Server-Side Encryption (SSE-KMS)": only HTTPS requests are taken.
  kmsNeedsTls: true,
  // OBS API reference, "Uploading Parts": 100 KB to 5 GB.
  partSizeMin: 100 * KiB,
  faults: new Map([
    ...s3Faults,
    // https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0115.html
    ['InvalidCRC64', 'corrupt'],
    ['InsufficientStorageSpace', 'full'],
    ['TooManyWrongSignature', 'throttled'],
    ['VirtualHostDomainRequired', 'refused'],
    ['InArrearOrInsufficientBalance', 'denied'],
  ]),
  // OBS API reference, "Error Codes": "Send the request to the returned redirection address", which
  // the vendor's SDKs read from `Location`.
  wrongRegionCodes: new Set([...aws.wrongRegionCodes, 'TemporaryRedirect']),
};
