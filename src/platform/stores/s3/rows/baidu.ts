import { KiB } from '../../../base/bytes.ts';
import { archived, checkAfter, online, type S3Dialect } from '../dialect.ts';
import { aws, s3Faults } from './aws.ts';

/** BOS by its own protocol: its S3 face has no CRC-64, no encryption and two classes only. */
export const baidu: S3Dialect = {
  ...aws,
  cloud: 'Baidu',
  // https://cloud.baidu.com/doc/BOS/s/Ck1rk80hn
  endpoints: [{ regions: /^/, url: 'https://{region}.bcebos.com' }],
  regions: {
    prefix: '',
    aliases: {},
    scopes: {},
    inHost: /(?:^|\.)([a-z]{2,4})\.bcebos\.com$/,
  },
  ownHosts: /(?:^|\.)bcebos\.com$/,
  addressing: { own: 'virtual-host', elsewhere: 'virtual-host' },
  // https://cloud.baidu.com/doc/Reference/s/njwvz1yfu
  signature: 'bce-v1',
  // Requests and answers: https://cloud.baidu.com/doc/BOS/s/Ekc4epj6m
  documents: 'json',
  headerPrefix: 'x-bce-',
  requestIdHeaders: ['x-bce-request-id'],
  listVersion: 1,
  listUrlEncoded: false, // JSON can carry every key.
  // bce-sdk-go, services/bos/api: in answers to puts, parts, completions, heads and reads.
  crc64Header: 'x-bce-content-crc64ecma',
  crc64nvme: false,
  // https://cloud.baidu.com/doc/BOS/s/Ikc5nv3wc, and at completions .../Nkc5vzayc
  conditionalPut: 'if-none-match',
  conditionalRemove: false, // No page of the vendor says that a DELETE heeds `If-Match`.
  metadata: {
    ...aws.metadata,
    names: 'token', // No rule is documented.
    codec: 'percent', // The vendor's SDKs percent-encode what is sent in headers.
    // https://cloud.baidu.com/doc/BOS/s/Njwvyseb4; what counts is not documented.
    sizes: { allMax: 2 * KiB, counted: 'sent' },
    // https://cloud.baidu.com/doc/BOS/s/3k1rlkgdc, and Content-Encoding by the vendor's SDKs
    // (bce-sdk-go, services/bos/api/util.go). Neither has Content-Language for puts.
    contentHeaders: ['content-encoding', 'content-disposition', 'cache-control', 'expires'],
    contentHeaderValues: 'ascii', // More is not documented.
  },
  // https://intl.cloud.baidu.com/en/doc/BOS/s/akc5t3f12-intl-en: in headers, 1 to 30 days.
  restore: {
    request: 'headers',
    classes: new Map(),
    otherwise: { daysMax: 30, tier: 'Standard', checkAfterMs: checkAfter.hours },
  },
  // Which code comes with the 403 is not documented.
  archivedShownBy: 'class',
  // It needs the ID of a key, and so has no default.
  kms: undefined,
  // The classes of the vendor's SDKs.
  classes: new Map([
    ['STANDARD', online('STANDARD')],
    ['MAZ_STANDARD', online('STANDARD')],
    ['STANDARD_IA', online('IA')],
    ['MAZ_STANDARD_IA', online('IA')],
    ['COLD', online('IA')], // Unlike OBS's of that name it is read at once.
    ['MAZ_COLD', online('IA')],
    ['ARCHIVE', archived('ARCHIVE')],
  ]),
  tierClasses: { STANDARD: 'STANDARD', IA: 'STANDARD_IA', ARCHIVE: 'ARCHIVE' },
  // bce-sdk-go, services/bos/client.go
  partSizeMin: 100 * KiB,
  // https://cloud.baidu.com/doc/BOS/s/Ajwvysfpl
  faults: new Map([
    ...s3Faults,
    ['ArchiveObjectNotRestore', 'archived'],
    ['InvalidHTTPAuthHeader', 'bad-credentials'],
    ['InvalidSessionToken', 'bad-credentials'],
    // By the platform's rule for all signed requests: https://cloud.baidu.com/doc/DataBuilder/s/Mmdya6ldu
    ['RequestExpired', 'clock-skew'],
  ]),
  wrongRegionCodes: new Set(),
};
