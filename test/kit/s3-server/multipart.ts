import type { Bucket, Upload, UploadPart, Version } from './bucket.ts';
import { bucketOf, type Call, header, type Reply } from './call.ts';
import {
  type ChecksumName,
  type ChecksumType,
  combineCrc,
  composite,
  type Crc,
  isChecksumName,
} from './checksums.ts';
import { checkWritable } from './conditions.ts';
import { joined } from './content.ts';
import type { Dialect } from './dialect.ts';
import { readNode } from './documents.ts';
import { etagIsMd5, etagOfParts, opaqueEtag } from './etags.ts';
import { classByFace } from './face.ts';
import {
  checkSecure,
  checksumHeaders,
  claimedCrc64,
  crc64Headers,
  encryptionHeaders,
  objectTraits,
  receiptHeaders,
} from './object-headers.ts';
import { checkSummed, ownEtag } from './objects.ts';
import { readPayload } from './payload.ts';
import { S3Error } from './s3-error.ts';
import { children, element, escapeXml, text, xmlDocument } from './xml.ts';

const PART_NUMBER_MAX = 10_000;

export function createMultipartUpload(call: Call): Reply {
  const bucket = bucketOf(call);
  const { everySum, ownSum } = call.service.dialect;
  const algorithm = everySum ?? header(call, 'x-amz-checksum-algorithm')?.toLowerCase() ?? ownSum;
  const checksumAlgorithm =
    algorithm !== undefined && isChecksumName(algorithm) ? algorithm : undefined;
  const upload: Upload = {
    key: call.key,
    uploadId: `u${call.service.nextId()}`,
    startedAt: call.service.now(),
    traits: objectTraits(call),
    checksumAlgorithm,
    checksumType: checksumType(call, checksumAlgorithm),
    parts: new Map(),
  };
  bucket.uploads.set(upload.uploadId, upload);
  return {
    status: 200,
    headers: encryptionHeaders(call.face, upload.traits.encryption),
    body: xmlDocument(
      'InitiateMultipartUploadResult',
      element('Bucket', bucket.name) +
        element('Key', call.key) +
        element('UploadId', upload.uploadId),
    ),
  };
}

function checksumType(call: Call, algorithm: ChecksumName | undefined): ChecksumType {
  const asked = header(call, 'x-amz-checksum-type');
  const whole = algorithm === 'crc64nvme' || call.service.dialect.everySum !== undefined;
  if (asked === undefined) return whole ? 'FULL_OBJECT' : 'COMPOSITE';
  return asked === 'FULL_OBJECT' ? 'FULL_OBJECT' : 'COMPOSITE';
}

/** @throws {S3Error} `NoSuchUpload` */
export function uploadOf(call: Call): Upload {
  const upload = bucketOf(call).uploads.get(call.query.get('uploadId') ?? '');
  if (upload?.key !== call.key) {
    throw new S3Error('NoSuchUpload', 'The specified upload does not exist.');
  }
  return upload;
}

/** @throws {S3Error} `InvalidArgument` */
export function partNumberOf(call: Call): number {
  const number = Number(call.query.get('partNumber'));
  if (Number.isInteger(number) && number >= 1 && number <= PART_NUMBER_MAX) return number;
  throw new S3Error(
    'InvalidArgument',
    'Part number must be an integer between 1 and 10000, inclusive',
  );
}

export async function uploadPart(call: Call): Promise<Reply> {
  const number = partNumberOf(call);
  const { checksumAlgorithm, traits } = uploadOf(call);
  checkSecure(call, traits.encryption);
  checkSummed(call, 'Put Part');
  const payload = await readPayload(call, checksumAlgorithm);
  // The upload may have been completed or aborted while the body came in.
  const upload = uploadOf(call);
  const etag = ownEtag(call, upload.traits, payload);
  const { encryption } = upload.traits;
  const isHidden =
    call.service.dialect.parts.hideEncryption === true && encryption?.algorithm === 'AES256';
  upload.parts.set(number, { ...payload, number, etag, lastModified: call.service.now() });
  return {
    status: 200,
    headers: {
      etag: `"${etag}"`,
      ...(isHidden ? {} : encryptionHeaders(call.face, encryption)),
      ...checksumHeaders({ checksums: payload.checksums, checksumType: 'FULL_OBJECT' }),
      ...crc64Headers(call.face, payload.crc64),
    },
  };
}

export async function completeMultipartUpload(call: Call): Promise<Reply> {
  const bucket = bucketOf(call);
  uploadOf(call);
  const document = await readNode(call, 'CompleteMultipartUpload');
  const upload = uploadOf(call);
  const parts = chosenParts(call, upload, document);
  const crc64 = wholeCrc64(call, parts);
  const checksums = await wholeChecksums(upload, parts);
  checkWritable(call, bucket);
  const version = publish(call, bucket, upload, { parts, crc64, checksums });
  const names = Object.entries(checksums).map(([name, value]) =>
    element(`Checksum${name.toUpperCase()}`, value),
  );
  return {
    status: 200,
    headers: receiptHeaders(call, version),
    body: xmlDocument(
      'CompleteMultipartUploadResult',
      `<Location>/${escapeXml(`${bucket.name}/${call.key}`)}</Location>` +
        element('Bucket', bucket.name) +
        element('Key', call.key) +
        element('ETag', `"${version.etag}"`) +
        names.join('') +
        (names.length > 0 ? element('ChecksumType', upload.checksumType) : ''),
    ),
  };
}

interface Whole {
  readonly parts: readonly UploadPart[];
  readonly crc64: string | undefined;
  readonly checksums: Version['checksums'];
}

function publish(
  call: Call,
  bucket: Bucket,
  upload: Upload,
  { parts, crc64, checksums }: Whole,
): Version {
  const content = joined(parts.map((part) => part.content));
  const { dialect } = call.service;
  const etag = etagIsMd5(dialect, upload.traits)
    ? etagOfParts(dialect, parts, content)
    : `${opaqueEtag(call.service)}-${parts.length}`;
  bucket.uploads.delete(upload.uploadId);
  return bucket.add({
    ...upload.traits,
    key: upload.key,
    content,
    etag,
    crc64,
    checksums,
    checksumType: upload.checksumType,
    partSizes: parts.map((part) => part.content.size),
  });
}

function chosenParts(
  call: Call,
  upload: Upload,
  document: Readonly<Record<string, unknown>>,
): UploadPart[] {
  let previous = 0;
  const chosen = children(document, 'Part').map((node) => {
    const number = Number(text(node, 'PartNumber'));
    if (number <= previous) throw new S3Error('InvalidPartOrder');
    previous = number;
    const part = upload.parts.get(number);
    const named = text(node, 'ETag')?.trim().replaceAll('"', '');
    if (part?.etag !== (named ?? (call.face.documents === 'qingstor' ? part?.etag : undefined))) {
      throw new S3Error('InvalidPart', 'One or more of the specified parts could not be found.');
    }
    return part;
  });
  const known = chosen.filter((part) => part !== undefined);
  if (known.length === 0 || known.length < chosen.length) throw new S3Error('MalformedXML');
  checkSizes(
    call.service.dialect,
    known.map((part) => part.content.size),
  );
  return known;
}

/** @throws {S3Error} when the parts are not as long as the cloud wants them. */
function checkSizes({ parts: { sizeMin, sizeExact, alike } }: Dialect, sizes: number[]): void {
  const [first = 0] = sizes;
  const last = sizes.at(-1) ?? 0;
  const others = sizes.slice(0, -1);
  if (others.some((size) => size < sizeMin)) {
    throw new S3Error(
      'EntityTooSmall',
      'Your proposed upload is smaller than the minimum allowed size',
    );
  }
  const wanted = sizeExact ?? first;
  if (alike && (others.some((size) => size !== wanted) || last > wanted)) {
    throw new S3Error('InvalidPart', 'All non-trailing parts must have the same length.');
  }
}

function wholeCrc64(call: Call, parts: readonly UploadPart[]): string | undefined {
  if (call.service.dialect.crc64 === 'none') return undefined;
  const whole = fold('crc64', parts, (part) => BigInt(part.crc64 ?? 0)).toString();
  const claimed = claimedCrc64(call);
  if (claimed !== undefined && claimed !== whole) throw new S3Error('InvalidCRC64');
  return whole;
}

async function wholeChecksums(
  { checksumAlgorithm: name, checksumType }: Upload,
  parts: readonly UploadPart[],
): Promise<Version['checksums']> {
  if (name === undefined) return {};
  const sums = parts.map((part) => part.checksums[name] ?? '');
  if (checksumType === 'COMPOSITE') return { [name]: await composite(name, sums) };
  if (name === 'sha1' || name === 'sha256') {
    throw new S3Error(
      'InvalidRequest',
      `${name} cannot be computed of a whole object put in parts`,
    );
  }
  const whole = fold(name, parts, (part) =>
    BigInt(`0x${Buffer.from(part.checksums[name] ?? '', 'base64').toString('hex') || '0'}`),
  );
  const bytes = name === 'crc64nvme' ? 8 : 4;
  return {
    [name]: Buffer.from(whole.toString(16).padStart(bytes * 2, '0'), 'hex').toString('base64'),
  };
}

function fold(crc: Crc, parts: readonly UploadPart[], of: (part: UploadPart) => bigint): bigint {
  return parts.reduce((sum, part) => combineCrc(crc, sum, of(part), part.content.size), 0n);
}

export function abortMultipartUpload(call: Call): Reply {
  const upload = uploadOf(call);
  bucketOf(call).uploads.delete(upload.uploadId);
  return { status: 204 };
}

export function listParts(call: Call): Reply {
  const upload = uploadOf(call);
  const limit = Math.min(Number(call.query.get('max-parts') ?? 1000), 1000);
  const marker = Number(call.query.get('part-number-marker') ?? 0);
  const behind = [...upload.parts.values()]
    .filter((part) => part.number > marker)
    .sort((a, b) => a.number - b.number);
  const shown = behind.slice(0, limit);
  const parts = shown.map(
    (part) =>
      `<Part>${element('PartNumber', part.number)}${element('ETag', `"${part.etag}"`)}` +
      element('Size', part.content.size) +
      `${element('LastModified', new Date(part.lastModified).toISOString())}</Part>`,
  );
  const truncated = behind.length > shown.length;
  const inner =
    element('Bucket', call.bucketName) +
    element('Key', upload.key) +
    element('UploadId', upload.uploadId) +
    element('PartNumberMarker', marker) +
    (truncated ? element('NextPartNumberMarker', shown.at(-1)?.number) : '') +
    element('MaxParts', limit) +
    element('IsTruncated', truncated) +
    element('StorageClass', classByFace(call.face, upload.traits.storageClass)) +
    parts.join('');
  return { status: 200, body: xmlDocument('ListPartsResult', inner) };
}
