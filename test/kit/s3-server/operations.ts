import {
  createBucket,
  deleteBucket,
  deleteObjectTagging,
  getBucketLocation,
  getBucketVersioning,
  getObjectAttributes,
  getObjectTagging,
  headApiVersion,
  headBucket,
  listBuckets,
  putBucketVersioning,
  putObjectTagging,
} from './bucket-operations.ts';
import { type Call, type Handler, header } from './call.ts';
import { copyObject, uploadPartCopy } from './copies.ts';
import { listMultipartUploads } from './list-uploads.ts';
import { listObjects, listObjectsV2, listObjectVersions } from './listing.ts';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listParts,
  uploadPart,
} from './multipart.ts';
import { deleteObject, deleteObjects, getObject, headObject, putObject } from './objects.ts';
import { restoreObject } from './restores.ts';
import { S3Error } from './s3-error.ts';

interface Route {
  readonly handle: Handler;
  readonly level: 'service' | 'bucket' | 'object';
  readonly method: string;
  /** Names that the query must hold. */
  readonly query?: readonly string[];
  readonly copies?: true;
}

/** What this server can do, by S3's names. The first that matches is used. */
const routes = {
  ListBuckets: { level: 'service', method: 'GET', handle: listBuckets },

  GetBucketLocation: {
    level: 'bucket',
    method: 'GET',
    query: ['location'],
    handle: getBucketLocation,
  },
  GetBucketVersioning: {
    level: 'bucket',
    method: 'GET',
    query: ['versioning'],
    handle: getBucketVersioning,
  },
  PutBucketVersioning: {
    level: 'bucket',
    method: 'PUT',
    query: ['versioning'],
    handle: putBucketVersioning,
  },
  ListObjectVersions: {
    level: 'bucket',
    method: 'GET',
    query: ['versions'],
    handle: listObjectVersions,
  },
  ListMultipartUploads: {
    level: 'bucket',
    method: 'GET',
    query: ['uploads'],
    handle: listMultipartUploads,
  },
  ListObjectsV2: { level: 'bucket', method: 'GET', query: ['list-type'], handle: listObjectsV2 },
  ListObjects: { level: 'bucket', method: 'GET', handle: listObjects },
  HeadApiVersion: {
    level: 'bucket',
    method: 'HEAD',
    query: ['apiversion'],
    handle: headApiVersion,
  },
  HeadBucket: { level: 'bucket', method: 'HEAD', handle: headBucket },
  CreateBucket: { level: 'bucket', method: 'PUT', handle: createBucket },
  DeleteBucket: { level: 'bucket', method: 'DELETE', handle: deleteBucket },
  DeleteObjects: { level: 'bucket', method: 'POST', query: ['delete'], handle: deleteObjects },

  GetObjectTagging: {
    level: 'object',
    method: 'GET',
    query: ['tagging'],
    handle: getObjectTagging,
  },
  PutObjectTagging: {
    level: 'object',
    method: 'PUT',
    query: ['tagging'],
    handle: putObjectTagging,
  },
  DeleteObjectTagging: {
    level: 'object',
    method: 'DELETE',
    query: ['tagging'],
    handle: deleteObjectTagging,
  },
  GetObjectAttributes: {
    level: 'object',
    method: 'GET',
    query: ['attributes'],
    handle: getObjectAttributes,
  },
  ListParts: { level: 'object', method: 'GET', query: ['uploadId'], handle: listParts },
  UploadPartCopy: {
    level: 'object',
    method: 'PUT',
    query: ['uploadId', 'partNumber'],
    copies: true,
    handle: uploadPartCopy,
  },
  UploadPart: {
    level: 'object',
    method: 'PUT',
    query: ['uploadId', 'partNumber'],
    handle: uploadPart,
  },
  AbortMultipartUpload: {
    level: 'object',
    method: 'DELETE',
    query: ['uploadId'],
    handle: abortMultipartUpload,
  },
  CreateMultipartUpload: {
    level: 'object',
    method: 'POST',
    query: ['uploads'],
    handle: createMultipartUpload,
  },
  CompleteMultipartUpload: {
    level: 'object',
    method: 'POST',
    query: ['uploadId'],
    handle: completeMultipartUpload,
  },
  RestoreObject: { level: 'object', method: 'POST', query: ['restore'], handle: restoreObject },
  GetObject: { level: 'object', method: 'GET', handle: getObject },
  HeadObject: { level: 'object', method: 'HEAD', handle: headObject },
  CopyObject: { level: 'object', method: 'PUT', copies: true, handle: copyObject },
  PutObject: { level: 'object', method: 'PUT', handle: putObject },
  DeleteObject: { level: 'object', method: 'DELETE', handle: deleteObject },
} as const satisfies Record<string, Route>;

/** An operation that this server performs, by its name in S3's reference. */
export type Operation = keyof typeof routes;

interface Choice extends Route {
  readonly operation: Operation;
}

const choices = new Map<string, Choice[]>();
for (const [operation, route] of Object.entries(routes) as [Operation, Route][]) {
  const place = `${route.level} ${route.method}`;
  choices.set(place, [...(choices.get(place) ?? []), { ...route, operation }]);
}

/** Sub-resources of S3 that this server does not have: they must not pass for plain requests. */
const missing: ReadonlySet<string> = new Set([
  'accelerate',
  'acl',
  'analytics',
  'cors',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'lifecycle',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'replication',
  'requestPayment',
  'retention',
  'select',
  'torrent',
  'website',
]);

/** @throws {S3Error} `NotImplemented` and `MethodNotAllowed` */
export function chooseOperation(call: Call): {
  readonly operation: Operation;
  readonly handle: Handler;
} {
  const level = call.bucketName === '' ? 'service' : call.key === '' ? 'bucket' : 'object';
  for (const name of call.query.keys()) {
    if (missing.has(name)) throw new S3Error('NotImplemented', `This server has no ?${name}`);
  }
  const choice = choices
    .get(`${level} ${call.method}`)
    ?.find(({ query, copies }) => fits(call, query, copies));
  if (choice === undefined) throw new S3Error('MethodNotAllowed');
  return choice;
}

function fits(call: Call, query: readonly string[] = [], copies: true | undefined): boolean {
  return (
    query.every((name) => call.query.has(name)) &&
    (copies === undefined || header(call, 'x-amz-copy-source') !== undefined)
  );
}
