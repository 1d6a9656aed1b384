import { gunzipSync } from 'node:zlib';
import type { ObjectTraits, Version } from './bucket.ts';
import { bucketOf, type Call, header, type Reply } from './call.ts';
import { allBytes, heldContent } from './content.ts';
import { readNode } from './documents.ts';
import { etagIsMd5, etagOf, opaqueEtag } from './etags.ts';
import {
  checkRemovable,
  checkWritable,
  isNotModified,
  parseRange,
  type Range,
} from './conditions.ts';
import {
  checkCustomerKey,
  checkSecure,
  checksumHeaders,
  describe,
  objectTraits,
  receiptHeaders,
} from './object-headers.ts';
import { isChecksumName } from './checksums.ts';
import { keyOf } from './names.ts';
import { type Payload, readPayload } from './payload.ts';
import { decode } from './query.ts';
import { S3Error } from './s3-error.ts';
import { children, element, text, xmlDocument } from './xml.ts';

const DELETE_BATCH_MAX = 1000;

export async function putObject(call: Call): Promise<Reply> {
  const bucket = bucketOf(call);
  const traits = objectTraits(call);
  checkSummed(call, 'Put Object');
  const payload = await readPayload(call);
  checkWritable(call, bucket);
  const { content, crc64, checksums } = payload;
  const etag = ownEtag(call, traits, payload);
  const version = bucket.add({ ...traits, key: call.key, content, etag, crc64, checksums });
  return {
    status: 200,
    headers: { etag: `"${etag}"`, ...receiptHeaders(call, version), ...checksumHeaders(version) },
  };
}

/** The ETag of what has come in one piece. */
export function ownEtag(
  call: Call,
  traits: ObjectTraits,
  { md5, content }: Pick<Payload, 'md5' | 'content'>,
): string {
  const { dialect } = call.service;
  return etagIsMd5(dialect, traits) ? etagOf(dialect, md5, content) : opaqueEtag(call.service);
}

export function getObject(call: Call): Reply {
  const { version, range, status, headers } = lookAt(call);
  if (status === 304) return { status, headers };
  checkSecure(call, version.encryption);
  checkThawed(call, version);
  const { first, end } = range;
  for (const [name, value] of call.query) {
    if (name.startsWith('response-')) headers[name.slice('response-'.length)] = value;
  }
  return { status, headers, body: { content: version.content, first, end } };
}

export function headObject(call: Call): Reply {
  const { version, status, headers } = lookAt(call);
  if (call.service.dialect.hidesArchived === true) checkThawed(call, version);
  return { status, headers };
}

/** @throws {S3Error} `InvalidObjectState` */
function checkThawed(call: Call, version: Version): void {
  if (!isArchived(call, version)) return;
  throw new S3Error(
    'InvalidObjectState',
    "The operation is not valid for the object's storage class",
  );
}

/** Archived, and not thawed for the time being. */
export function isArchived({ service }: Call, version: Version): boolean {
  return service.dialect.archived.has(version.storageClass) && version.restore?.ongoing !== false;
}

/**
 * The version that a request names, or the latest.
 *
 * @throws {S3Error} `NoSuchKey`, `NoSuchVersion`, and `MethodNotAllowed` for a delete marker.
 */
export function versionOf(call: Call): Version {
  const bucket = bucketOf(call);
  const versionId = call.query.get('versionId');
  const chain = bucket.versions(call.key);
  const found =
    versionId === undefined ? chain[0] : chain.find((version) => version.versionId === versionId);
  if (found?.deleteMarker === true) {
    throw new S3Error(versionId === undefined ? 'NoSuchKey' : 'MethodNotAllowed', undefined, {
      'x-amz-delete-marker': 'true',
      'x-amz-version-id': found.versionId,
    });
  }
  if (found !== undefined) return found;
  throw versionId === undefined
    ? new S3Error('NoSuchKey', 'The specified key does not exist.')
    : new S3Error('NoSuchVersion');
}

interface Look {
  readonly version: Version;
  readonly range: Range;
  readonly status: number;
  readonly headers: Record<string, string | number>;
}

function lookAt(call: Call): Look {
  const version = versionOf(call);
  checkCustomerKey(call, version);
  const whole = { first: 0, end: version.content.size };
  const headers = describe(call, version);
  const unpacked = unpackedFor(call, version);
  if (unpacked !== undefined) return { ...unpacked, status: 200, headers: plainer(headers) };
  if (isNotModified(call, version)) return { version, range: whole, status: 304, headers };
  const partial = partRange(call, version) ?? parseRange(header(call, 'range'), whole.end);
  const range = partial ?? whole;
  headers['content-length'] = range.end - range.first;
  if (partial !== undefined) {
    headers['content-range'] = `bytes ${range.first}-${range.end - 1}/${whole.end}`;
    if (version.partSizes && call.query.has('partNumber')) {
      headers['x-amz-mp-parts-count'] = version.partSizes.length;
    }
  } else if (header(call, 'x-amz-checksum-mode') === 'ENABLED') {
    Object.assign(headers, checksumHeaders(version));
  }
  return { version, range, status: partial === undefined ? 200 : 206, headers };
}

/** The whole content of a compressed object, decompressed for a client that does not accept the encoding. */
function unpackedFor(call: Call, version: Version): Pick<Look, 'version' | 'range'> | undefined {
  const packed = version.contentHeaders['content-encoding'] === 'gzip';
  const accepts = header(call, 'accept-encoding')?.includes('gzip') === true;
  if (call.service.dialect.unpacks !== true || !packed || accepts) return undefined;
  const bytes = allBytes(version.content);
  // What only says that it is packed is sent as it is.
  const content =
    bytes.subarray(0, 2).toString('hex') === '1f8b'
      ? heldContent([gunzipSync(bytes)])
      : version.content;
  return { version: { ...version, content }, range: { first: 0, end: content.size } };
}

function plainer(headers: Look['headers']): Look['headers'] {
  const kept: Look['headers'] = { ...headers, 'warning': '214 UploadServer gunzipped' };
  delete kept['content-encoding'];
  return kept;
}

function partRange(call: Call, { partSizes, content }: Version): Range | undefined {
  const number = Number(call.query.get('partNumber') ?? Number.NaN);
  if (Number.isNaN(number)) return undefined;
  const sizes = partSizes ?? [content.size];
  const size = sizes[number - 1];
  if (size === undefined) throw new S3Error('InvalidRange', 'There is no such part');
  const first = sizes.slice(0, number - 1).reduce((sum, each) => sum + each, 0);
  return { first, end: first + size };
}

export function deleteObject(call: Call): Reply {
  checkRemovable(call, bucketOf(call));
  const headers = removeOne(call, call.key, call.query.get('versionId'));
  return { status: 204, headers };
}

function removeOne(call: Call, key: string, versionId: string | undefined): Record<string, string> {
  const bucket = bucketOf(call);
  if (versionId !== undefined) {
    const removed = bucket.removeVersion(key, versionId);
    const headers: Record<string, string> = { 'x-amz-version-id': versionId };
    if (removed?.deleteMarker === true) headers['x-amz-delete-marker'] = 'true';
    return headers;
  }
  const marker = bucket.delete(key);
  return marker ? { 'x-amz-delete-marker': 'true', 'x-amz-version-id': marker.versionId } : {};
}

export async function deleteObjects(call: Call): Promise<Reply> {
  bucketOf(call);
  const { deletesMany } = call.service.dialect;
  if (deletesMany === 'never') throw new S3Error('NotImplemented');
  const summed =
    deletesMany === 'freely' ||
    call.face.documents !== undefined ||
    header(call, 'content-md5') !== undefined ||
    (deletesMany === 'with-sum' && hasChecksum(call));
  if (!summed) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5');
  }
  const request = await readNode(call, 'Delete');
  const objects = children(request, 'Object');
  if (objects.length === 0 || objects.length > DELETE_BATCH_MAX) throw new S3Error('MalformedXML');
  const quiet = text(request, 'Quiet') === 'true';
  // OBS API reference, "Batch Deleting Objects": names may be percent-encoded.
  const encoded = text(request, 'EncodingType') === 'url';
  const deleted = objects.map((object) => {
    const name = text(object, 'Key') ?? '';
    const key = keyOf(encoded ? decode(name) : name, call.service.dialect.keys);
    const versionId = text(object, 'VersionId');
    const headers = removeOne(call, key, versionId);
    const marker = headers['x-amz-delete-marker'];
    const inner =
      element('Key', name) +
      element('VersionId', versionId) +
      element('DeleteMarker', marker) +
      (marker === undefined ? '' : element('DeleteMarkerVersionId', headers['x-amz-version-id']));
    return `<Deleted>${inner}</Deleted>`;
  });
  return { status: 200, body: xmlDocument('DeleteResult', quiet ? '' : deleted.join('')) };
}

/**
 * That a write to a bucket with a default retention carries a checksum. Words and code are those of S3:
 * https://github.com/versity/versitygw/issues/1776
 *
 * @throws {S3Error} `InvalidRequest`
 */
export function checkSummed(call: Call, what: 'Put Object' | 'Put Part'): void {
  if (!bucketOf(call).objectLock) return;
  if (header(call, 'content-md5') !== undefined || hasChecksum(call)) return;
  throw new S3Error(
    'InvalidRequest',
    `Content-MD5 OR x-amz-checksum- HTTP header is required for ${what} requests with Object Lock parameters`,
  );
}

function hasChecksum(call: Call): boolean {
  return Object.keys(call.headers).some(
    (name) => isChecksumName(name.replace('x-amz-checksum-', '')) || name === 'x-amz-trailer',
  );
}
