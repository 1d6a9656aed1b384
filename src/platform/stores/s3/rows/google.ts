import { KiB } from '../../../base/bytes.ts';
import { online, type S3Dialect } from '../dialect.ts';
import { aws, s3Faults } from './aws.ts';

/** Cloud Storage by its XML interface, with the keys of a service account's HMAC. */
export const google: S3Dialect = {
  ...aws,
  cloud: 'Google',
  // https://cloud.google.com/storage/docs/request-endpoints: one for all.
  endpoints: [{ regions: /^/, url: 'https://storage.googleapis.com' }],
  // https://cloud.google.com/storage/docs/aws-simple-migration
  regions: { prefix: '', aliases: {}, scopes: { '*': 'auto' }, inHost: undefined },
  ownHosts: /(?:^|\.)storage\.googleapis\.com$/,
  addressing: { own: 'virtual-host', elsewhere: 'path' },
  answerPrefix: 'x-goog-',
  requestIdHeaders: ['x-guploader-uploadid'],
  // Who does not accept gzip is given what it has unpacked, without the size and the checksums:
  // https://cloud.google.com/storage/docs/transcoding
  acceptEncoding: 'gzip',
  // `x-goog-if-generation-match` is its condition, not If-None-Match:
  // https://cloud.google.com/storage/docs/request-preconditions
  conditionalPut: undefined,
  conditionalRemove: false, // No page of the vendor says that a DELETE heeds `If-Match`.
  crc64nvme: false,
  // https://cloud.google.com/storage/docs/metadata and .../quotas: 8 KiB; no Expires, and
  // nothing beyond ASCII, as headers cannot have it. How values may be encoded it does not say.
  metadata: {
    ...aws.metadata,
    sizes: { allMax: 8 * KiB, counted: 'sent' },
    contentHeaderValues: 'ascii',
    contentHeaders: [
      'content-encoding',
      'content-disposition',
      'content-language',
      'cache-control',
    ],
  },
  // Every class is read at once: https://cloud.google.com/storage/docs/storage-classes
  restore: undefined,
  classes: new Map([
    ['STANDARD', online('STANDARD')],
    ['MULTI_REGIONAL', online('STANDARD')],
    ['REGIONAL', online('STANDARD')],
    ['DURABLE_REDUCED_AVAILABILITY', online('STANDARD')],
    ['NEARLINE', online('IA')],
    ['COLDLINE', online('IA')],
    ['ARCHIVE', online('ARCHIVE')],
  ]),
  tierClasses: { STANDARD: 'STANDARD', IA: 'NEARLINE', ARCHIVE: 'ARCHIVE' },
  // A put names the key, and the bucket has the default:
  // https://cloud.google.com/storage/docs/encryption/customer-managed-keys
  kms: undefined,
  // A copy of any size is one rewrite: https://cloud.google.com/storage/docs/xml-api/put-object-copy
  copySizeMax: Number.POSITIVE_INFINITY,
  // Up to 1000 at once would do, by https://cloud.google.com/storage/docs/xml-api/post-bucket
  deleteBatchMax: 1,
  // https://cloud.google.com/storage/docs/xml-api/reference-status
  faults: new Map([
    ...s3Faults,
    ['UserProjectAccountProblem', 'denied'],
    ['ServerBusy', 'throttled'],
  ]),
};
