import { KiB, MiB } from '../../../base/bytes.ts';
import { online, type S3Dialect } from '../dialect.ts';
import { aws, s3Classes, s3Faults } from './aws.ts';

/** A server of which nothing else is known: requests use only what all S3-compatible servers have. */
export const plain: S3Dialect = {
  ...aws,
  endpoints: [],
  regions: { prefix: '', aliases: {}, scopes: {}, inHost: undefined },
  ownHosts: /(?!)/,
  namesAreGlobal: false,
  // A server that does not know the condition writes nevertheless: then a look just before the put is used.
  conditionalPut: undefined,
  // Likewise, and the answer does not name the object that was copied. Measured: Ceph 16.2 copies
  // with 200 where `x-amz-copy-source-if-match` names another ETag.
  conditionalCopy: false,
  // Likewise. Measured: neither MinIO of 12 February 2026 nor Ceph 16.2 heeds it.
  // https://github.com/minio/minio/issues/21677
  conditionalRemove: false,
  crc64nvme: false,
  // How much user metadata it takes, the server says itself.
  metadata: { ...aws.metadata, sizes: { ...aws.metadata.sizes, allMax: Number.POSITIVE_INFINITY } },
  // MinIO's words, which is often not said to be one:
  // https://github.com/minio/minio/blob/master/cmd/api-errors.go
  faults: new Map([
    ...s3Faults,
    ['SlowDownRead', 'throttled'],
    ['SlowDownWrite', 'throttled'],
    ['InvalidTokenId', 'bad-credentials'],
    ['XAdminUserNotFound', 'bad-credentials'], // The Versity gateway, with the status 404.
  ]),
  // The Versity gateway 1.8 treats every name as a path, MinIO those that begin with a slash.
  misreadKeys: 'perhaps-paths',
  // MinIO's: a HEAD says there what a GET says in its document.
  refusalCodeHeader: 'x-minio-error-code',
};

/** Seen with MinIO of 12 February 2026, where no page is named. */
export const minio: S3Dialect = {
  ...plain,
  conditionalCopy: true,
  // Of puts and of the end of uploads, in buckets with versions too.
  // https://blog.min.io/leading-the-way-minios-conditional-write-feature-for-modern-data-workloads
  conditionalPut: 'if-none-match',
  // A slash in front it drops, wherever a key is said, and removes, reads or replaces another object. The
  // others it refuses, a HEAD without a word; and segments of more than 255 bytes, which it says itself.
  misreadKeys: [
    {
      like: /^\//,
      because: 'a key that begins with a slash, which MinIO drops: it would be another object',
    },
    {
      like: /\/\/|(?:^|\/)\.{1,2}(?:\/|$)/,
      because: 'a key with an empty segment, or with one of dots, which MinIO does not take',
    },
  ],
  // https://github.com/minio/minio/blob/master/cmd/generic-handlers.go, `isHTTPHeaderSizeTooLarge`:
  // headers count as they arrive, with their prefix.
  metadata: { ...aws.metadata, sizes: { allMax: 2 * KiB, counted: 'headers' } },
  // Others are names of remote tiers, which no put may say:
  // https://github.com/minio/minio/tree/master/docs/erasure/storage-class
  classes: new Map([
    ['STANDARD', online('STANDARD')],
    ['REDUCED_REDUNDANCY', online('STANDARD')],
  ]),
  tierClasses: { STANDARD: 'STANDARD' },
  // What it has moved to a remote tier is read as if it were there:
  // https://min.io/docs/minio/linux/administration/object-management/transition-objects-to-s3.html
  restore: undefined,
};

export const ceph: S3Dialect = {
  ...plain,
  // Measured: 16.2 makes `-` of `_`. Later ones keep both, by `init_meta_info` in
  // https://github.com/ceph/ceph/blob/main/src/rgw/rgw_common.cc
  metadata: { ...plain.metadata, underscoresMayChange: true },
  // Measured: 16.2 keeps it at a put, and not at the end of an upload. Where a bucket keeps versions, a
  // put is of a new one, which is never there yet.
  conditionalPut: 'if-none-match',
  conditionalPutVersioned: false,
  // Any class is a name of the zone's placement, STANDARD alone is always there. S3's names are those
  // that SDKs let through, and mean nothing but a pool: each is read at once.
  // https://docs.ceph.com/en/latest/radosgw/placement/#storage-classes
  classes: new Map(Array.from(s3Classes, ([name, { tier }]) => [name, online(tier)])),
  tierClasses: { STANDARD: 'STANDARD' },
  restore: undefined,
  misreadKeys: undefined,
  // A request must name the key: https://docs.ceph.com/en/latest/radosgw/encryption/
  kms: undefined,
};

export const r2: S3Dialect = {
  ...plain,
  misreadKeys: undefined,
  // https://developers.cloudflare.com/r2/api/s3/conditional-operations/
  conditionalPut: 'if-none-match',
  conditionalCopy: true, // The same page.
  // https://developers.cloudflare.com/r2/api/s3/api/: by account, so an endpoint must be given.
  ownHosts: /(?:^|\.)r2\.cloudflarestorage\.com$/,
  addressing: { own: 'path', elsewhere: 'path' },
  regions: { ...plain.regions, scopes: { '*': 'auto' } },
  requestIdHeaders: ['cf-ray'],
  // https://developers.cloudflare.com/r2/buckets/storage-classes/
  classes: new Map([
    ['STANDARD', online('STANDARD')],
    ['STANDARD_IA', online('IA')],
  ]),
  tierClasses: { STANDARD: 'STANDARD', IA: 'STANDARD_IA' },
  restore: undefined,
  kms: undefined,
  // https://developers.cloudflare.com/r2/platform/limits/; that words of RFC 2047 are decoded first, and
  // count as text: https://developers.cloudflare.com/r2/api/s3/extensions/
  metadata: { ...aws.metadata, sizes: { allMax: 8192, counted: 'text' } },
  // "5 MiB less than" 5 GiB. All parts but the last have one size, as ours always have.
  putSizeMax: aws.putSizeMax - 5 * MiB,
};

export const wasabi: S3Dialect = {
  ...plain,
  misreadKeys: undefined,
  // https://docs.wasabi.com/docs/service-urls-for-wasabis-storage-regions
  endpoints: [{ regions: /^/, url: 'https://s3.{region}.wasabisys.com' }],
  regions: {
    ...plain.regions,
    inHost: /(?:^|\.)s3\.([a-z]{2}(?:-[a-z]+)+-\d)\.wasabisys\.com$/,
  },
  ownHosts: /(?:^|\.)wasabisys\.com$/,
  addressing: { own: 'path', elsewhere: 'path' },
  // Nothing is documented: S3's rules, and the stricter way of counting.
  metadata: { ...aws.metadata, sizes: { ...aws.metadata.sizes, counted: 'headers' } },
  // One class: https://docs.wasabi.com/docs/how-does-wasabi-handle-storage-classes
  classes: new Map([['STANDARD', online('STANDARD')]]),
  tierClasses: { STANDARD: 'STANDARD' },
  restore: undefined,
  kms: undefined,
};
