import { createHash } from 'node:crypto';
import type { Reply } from '../s3-server/call.ts';
import { type Content, heldContent, joined } from '../s3-server/content.ts';
import { qetag, qetagOfParts } from '../s3-server/etags.ts';
import { bucketOf, decoded, json, type KodoCall, type KodoService, pathOf } from './call.ts';
import { classOfType } from './classes.ts';
import { KodoError } from './kodo-error.ts';
import { describedBy } from './metadata.ts';
import { checkFree, checkKey, type PutPolicy } from './put-policy.ts';
import { policyOfHeader } from './tokens.ts';

/** An upload in parts, version 2, that is in progress. */
export interface KodoUpload {
  readonly bucketName: string;
  /** Undefined where the content is to give the name. */
  readonly key: string | undefined;
  readonly parts: Map<number, Content>;
}

const WEEK_S = 7 * 24 * 3600;
/** Bytes, of every part but the last. */
const PART_MIN = 1024 ** 2;
const PART_NUMBER_MAX = 10_000;

/** What a request about parts names in its path. */
interface Place {
  readonly bucketName: string;
  readonly key: string | undefined;
  readonly uploadId: string | undefined;
  readonly number: number | undefined;
}

/** https://developer.qiniu.com/kodo/6364/multipartupload-interface */
export function multipart(call: KodoCall): Reply {
  const place = placeOf(call);
  const policy = policyOfHeader(call);
  if (policy.bucketName !== place.bucketName) throw new KodoError('bad token');
  if (place.key !== undefined) checkKey(policy, place.key);
  bucketOf(call.service, place.bucketName);
  const { method } = call;
  if (place.uploadId === undefined && method === 'POST') return initiate(call.service, place);
  const { upload, uploadId } = uploadOf(call.service, place);
  if (place.number !== undefined && method === 'PUT') return putPart(call, upload, place.number);
  if (place.number !== undefined) throw new KodoError('no such method');
  if (method === 'POST') return complete(call, upload, { uploadId, policy });
  if (method !== 'DELETE') throw new KodoError('no such method');
  call.service.uploads.delete(uploadId);
  return { status: 200 };
}

/** `/buckets/b/objects/k/uploads/id/number`; a tilde stands for no name. */
function placeOf(call: KodoCall): Place {
  const form = /^\/buckets\/([^/]+)\/objects\/([^/]+)\/uploads(?:\/([^/]+)(?:\/(\d+))?)?$/;
  const [, bucketName, encoded, uploadId, number] = form.exec(pathOf(call).path) ?? [];
  if (bucketName === undefined || encoded === undefined) throw new KodoError('no such method');
  const key = encoded === '~' ? undefined : decoded(encoded);
  if (key === undefined && encoded !== '~') throw new KodoError('invalid argument');
  return { bucketName, key, uploadId, number: number === undefined ? undefined : Number(number) };
}

function initiate({ uploads, now }: KodoService, { bucketName, key }: Place): Reply {
  const uploadId = `upload-${uploads.size}-${now()}`;
  uploads.set(uploadId, { bucketName, key, parts: new Map() });
  return json({ uploadId, expireAt: Math.floor(now() / 1000) + WEEK_S });
}

function uploadOf(
  { uploads }: KodoService,
  { bucketName, key, uploadId = '' }: Place,
): { readonly upload: KodoUpload; readonly uploadId: string } {
  const upload = uploads.get(uploadId);
  if (upload === undefined || upload.bucketName !== bucketName || upload.key !== key) {
    throw new KodoError('no such uploadId');
  }
  return { upload, uploadId };
}

function putPart({ body, headers }: KodoCall, { parts }: KodoUpload, number: number): Reply {
  if (number < 1 || number > PART_NUMBER_MAX) throw new KodoError('invalid argument');
  // Here it is in hex, not in Base64 as in HTTP.
  const md5 = createHash('md5').update(body).digest('hex');
  const told = headers['content-md5'];
  if (told !== undefined && told !== md5) throw new KodoError('invalid md5');
  const content = heldContent([body]);
  parts.set(number, content);
  return json({ etag: qetag(content), md5 });
}

interface Ending {
  readonly uploadId: string;
  readonly policy: PutPolicy;
}

function complete(
  { service, body }: KodoCall,
  upload: KodoUpload,
  { uploadId, policy }: Ending,
): Reply {
  const said = JSON.parse(body.toString()) as Said;
  const parts = chosen(upload, said.parts ?? []);
  const content = joined(parts);
  if (content.size > policy.sizeMax) throw new KodoError('file size exceeds the limit');
  const hash = qetagOfParts(parts);
  const key = upload.key ?? policy.key ?? hash;
  const bucket = bucketOf(service, upload.bucketName);
  checkKey(policy, key);
  checkFree(policy, bucket, key, hash);
  service.uploads.delete(uploadId);
  const { mimeType, metadata } = said;
  const type = mimeType ?? 'application/octet-stream';
  bucket.add({
    ...describedBy(Object.entries(metadata ?? {}), type, service.manners),
    ...{ key, content, etag: hash, storageClass: classOfType(policy.fileType) },
    partSizes: parts.map(({ size }) => size),
  });
  return json({ hash, key });
}

/** The end of an upload, as far as it is read here. */
interface Said {
  readonly parts?: readonly { readonly partNumber: number; readonly etag: string }[];
  readonly mimeType?: string | null;
  readonly metadata?: Readonly<Record<string, string>> | null;
}

function chosen({ parts }: KodoUpload, named: NonNullable<Said['parts']>): Content[] {
  const found = named.map(({ partNumber, etag }, index) => {
    const part = parts.get(partNumber);
    const isLate = index > 0 && partNumber <= (named[index - 1]?.partNumber ?? 0);
    if (part === undefined || isLate || qetag(part) !== etag) throw new KodoError('invalid part');
    return part;
  });
  if (found.slice(0, -1).some(({ size }) => size < PART_MIN)) {
    throw new KodoError('the part is too small');
  }
  return found;
}
