import type { Upload } from './bucket.ts';
import { bucketOf, type Call, type Reply } from './call.ts';
import type { Dialect } from './dialect.ts';
import { classByFace } from './face.ts';
import { compareKeys } from './key-index.ts';
import { element, xmlDocument } from './xml.ts';

const PAGE_MAX = 1000;

/** The uploads in progress, by key and then by age. */
export function listMultipartUploads(call: Call): Reply {
  const bucket = bucketOf(call);
  const prefix = call.query.get('prefix') ?? '';
  const keyMarker = call.query.get('key-marker') ?? '';
  const idMarker = call.query.get('upload-id-marker') ?? '';
  const limit = Math.min(Number(call.query.get('max-uploads') ?? PAGE_MAX), PAGE_MAX);
  const behind = bucket
    .openUploads()
    .filter((upload) => upload.key.startsWith(prefix) && isBehind(upload, keyMarker, idMarker))
    .sort(order);
  const shown = behind.slice(0, limit);
  const truncated = behind.length > shown.length;
  const last = shown.at(-1);
  const inner =
    element('Bucket', bucket.name) +
    element('KeyMarker', keyMarker) +
    element('UploadIdMarker', idMarker) +
    element('Prefix', prefix) +
    element('MaxUploads', limit) +
    element('IsTruncated', truncated) +
    (truncated
      ? element('NextKeyMarker', last?.key) + element('NextUploadIdMarker', last?.uploadId)
      : '') +
    shown.map((upload) => uploadElement(call, upload)).join('');
  return { status: 200, body: xmlDocument('ListMultipartUploadsResult', inner) };
}

function order(a: Upload, b: Upload): number {
  return compareKeys(a.key, b.key) || compareKeys(a.uploadId, b.uploadId);
}

function isBehind(upload: Upload, keyMarker: string, idMarker: string): boolean {
  if (keyMarker === '') return true;
  const byKey = compareKeys(upload.key, keyMarker);
  return (
    byKey > 0 || (byKey === 0 && idMarker !== '' && compareKeys(upload.uploadId, idMarker) > 0)
  );
}

function uploadElement(call: Call, { key, uploadId, startedAt, traits }: Upload): string {
  const inner =
    element('Key', key) +
    element('UploadId', uploadId) +
    element('StorageClass', classByFace(call.face, traits.storageClass)) +
    element('Initiated', timeIn(call.service.dialect.listing.uploadsZone, startedAt));
  return `<Upload>${inner}</Upload>`;
}

function timeIn(zone: Dialect['listing']['uploadsZone'], ms: number): string {
  const hours = zone === 'Z' ? 0 : 8;
  return new Date(ms + hours * 3_600_000).toISOString().replace('Z', zone);
}
