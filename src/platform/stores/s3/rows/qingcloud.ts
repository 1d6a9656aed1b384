import { KiB, MiB } from '../../../base/bytes.ts';
import { online, type S3Dialect } from '../dialect.ts';
import { aws, s3Faults } from './aws.ts';

/** QingStor by its S3 face. */
export const qingcloud: S3Dialect = {
  ...aws,
  cloud: 'QingCloud',
  // https://docsv4.qingcloud.com/user_guide/storage/object_storage/s3/intro/: regions are zones. Its
  // newest examples are at qsstor.com, and customers may have hosts there.
  endpoints: [{ regions: /^/, url: 'https://s3.{region}.qingstor.com' }],
  regions: { ...aws.regions, aliases: {}, inHost: /(?:^|\.)([a-z0-9]+)\.q(?:ing|s)stor\.com$/ },
  ownHosts: /(?:^|\.)q(?:ing|s)stor\.com$/,
  namesAreGlobal: false, // Not documented.
  // The vendor's SDKs put the bucket in the path by default.
  addressing: { own: 'path', elsewhere: 'path' },
  answerPrefix: 'x-qs-',
  requestIdHeaders: ['x-amz-request-id', 'x-qs-request-id'],
  listVersion: 1,
  crc64nvme: false,
  // For an object in parts it is something else, which cannot be distinguished from an MD5.
  etagMd5: { heads: 'never', receipts: 'unless-own-key' },
  conditionalPut: undefined,
  conditionalRemove: false, // No page of the vendor says that a DELETE heeds `If-Match`.
  metadata: {
    ...aws.metadata,
    // https://docs.qingcloud.com/qingstor/api/common/metadata.html: letters, digits, `-` and `.`, and
    // values of printable ASCII, where it names this codec first. One copy of that page has `_`, too;
    // the vendor's SDK for Java (`metadataIsValid`) has not.
    names: 'dotted',
    codec: 'rfc2047',
    // `metadata_too_large` in the list of codes below: without the prefix.
    sizes: { nameMax: 512, allMax: 2 * KiB, counted: 'sent' },
    // https://docsv4.qingcloud.com/user_guide/storage/object_storage/api/metadata/: these, no others.
    contentHeaders: ['content-encoding', 'content-disposition', 'cache-control', 'expires'],
    contentHeaderValues: 'ascii', // More is not documented.
  },
  // https://docsv4.qingcloud.com/user_guide/storage/object_storage/api/object/append
  restore: undefined,
  classes: new Map([
    ['STANDARD', online('STANDARD')],
    ['STANDARD_IA', online('IA')],
  ]),
  tierClasses: { STANDARD: 'STANDARD', IA: 'STANDARD_IA' },
  // It takes a key with each request, and has no key service.
  kms: undefined,
  // "entity_too_small": parts below 4 MB, in the list of codes.
  partSizeMin: 4 * MiB,
  // Its own codes, which its S3 face may answer too:
  // https://docsv3em.qingcloud.com/storage/object-storage/api/error_code
  faults: new Map([
    ...s3Faults,
    ['object_not_exists', 'not-found'],
    ['bucket_not_exists', 'no-bucket'],
    ['permission_denied', 'denied'],
    ['invalid_access_key_id', 'bad-credentials'],
    ['signature_not_matched', 'bad-credentials'],
    ['request_expired', 'clock-skew'],
    ['max_requests_exceeded', 'throttled'],
    ['precondition_failed', 'changed'],
    ['bad_digest', 'corrupt'],
  ]),
  // A zone knows its own buckets only, and says that there is none:
  // https://docsv4.qingcloud.com/user_guide/storage/object_storage/api/error_code
  wrongRegionCodes: new Set(),
};
