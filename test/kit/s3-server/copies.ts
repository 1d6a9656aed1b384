import { createHash } from 'node:crypto';
import type { NewVersion, Version } from './bucket.ts';
import { bucketOf, type Call, findBucket, header, type Reply } from './call.ts';
import { crc64Text, meter } from './checksums.ts';
import { checkCopySource, checkWritable, parseRange, type Range } from './conditions.ts';
import { type Content, heldContent, sevens } from './content.ts';
import { partNumberOf, uploadOf } from './multipart.ts';
import { objectTraits, receiptHeaders } from './object-headers.ts';
import { isArchived } from './objects.ts';
import { etagIsMd5, etagOf, opaqueEtag } from './etags.ts';
import { decode } from './query.ts';
import { S3Error } from './s3-error.ts';
import { element, xmlDocument } from './xml.ts';

/** `/bucket/key?versionId=id`, percent-encoded; the slash in front may be missing. */
function copySource(call: Call): { readonly bucketName: string; readonly version: Version } {
  const [path = '', query = ''] = (header(call, 'x-amz-copy-source') ?? '').split('?');
  const decoded = decode(path).replace(/^\//, '');
  const slash = decoded.indexOf('/');
  if (slash < 1)
    throw new S3Error('InvalidArgument', 'Copy Source must mention the source bucket and key');
  const place = decoded.slice(0, slash);
  const bucketName = call.face.copySourceByHost === true ? place.replace(/\..*$/, '') : place;
  const key = decoded.slice(slash + 1);
  const bucket = findBucket(call.service, bucketName);
  const versionId = new URLSearchParams(query).get('versionId');
  const version =
    versionId === null
      ? bucket.object(key)
      : bucket.versions(key).find((each) => each.versionId === versionId);
  if (version === undefined || version.deleteMarker) throw new S3Error('NoSuchKey');
  if (isArchived(call, version)) throw new S3Error('InvalidObjectState');
  if (version.content.size > call.service.dialect.copySizeMax) throw new S3Error('EntityTooLarge');
  checkCopySource(call, version);
  return { bucketName, version };
}

export async function copyObject(call: Call): Promise<Reply> {
  const bucket = bucketOf(call);
  const source = copySource(call);
  const replace = header(call, 'x-amz-metadata-directive')?.toUpperCase() === 'REPLACE';
  const fields = copied(call, source.version, replace);
  const inPlace = source.bucketName === bucket.name && source.version.key === call.key;
  if (inPlace && !replace && !changesAnything(call)) {
    throw new S3Error(
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata",
    );
  }
  const etag = await copiedEtag(call, source.version, fields);
  checkWritable(call, bucket);
  const version = bucket.add({ ...fields, etag });
  const inner =
    element('LastModified', new Date(version.lastModified).toISOString()) +
    element('ETag', `"${version.etag}"`);
  return {
    status: 200,
    headers: receiptHeaders(call, version),
    body: xmlDocument('CopyObjectResult', inner),
  };
}

function changesAnything(call: Call): boolean {
  return ['x-amz-storage-class', 'x-amz-server-side-encryption'].some(
    (name) => header(call, name) !== undefined,
  );
}

function copied(call: Call, source: Version, replace: boolean): NewVersion {
  const own = objectTraits(call);
  const described = replace ? own : source;
  const tags = header(call, 'x-amz-tagging-directive') === 'REPLACE' ? own.tags : source.tags;
  return {
    key: call.key,
    content: source.content,
    etag: source.etag,
    crc64: source.crc64,
    checksums: source.checksumType === 'FULL_OBJECT' ? source.checksums : {},
    contentHeaders: described.contentHeaders,
    userMetadata: described.userMetadata,
    tags,
    // Neither class nor encryption goes with a copy: they are the request's.
    storageClass: own.storageClass,
    encryption: own.encryption,
    objectType: undefined,
  };
}

/** A copy is one piece: its ETag is the MD5 again, whatever the source's was. */
async function copiedEtag(call: Call, source: Version, fields: NewVersion): Promise<string> {
  const { dialect } = call.service;
  const { encryption, objectType } = fields;
  if (!etagIsMd5(dialect, { encryption, objectType })) return opaqueEtag(call.service);
  if (source.partSizes === undefined && etagIsMd5(dialect, source)) return source.etag;
  const { content } = source;
  return etagOf(dialect, md5Of(content, { first: 0, end: content.size }), content);
}

function md5Of(content: Content, { first, end }: Range): string {
  const md5 = createHash('md5');
  for (const piece of content.pieces(first, end)) md5.update(piece);
  return md5.digest('hex');
}

export async function uploadPartCopy(call: Call): Promise<Reply> {
  if (!call.service.dialect.parts.copies) throw new S3Error('NotImplemented');
  const number = partNumberOf(call);
  const { version } = copySource(call);
  const size = version.content.size;
  const range = parseRange(header(call, 'x-amz-copy-source-range'), size) ?? {
    first: 0,
    end: size,
  };
  const content = slice(call, version.content, range);
  const md5 = md5Of(version.content, range);
  const upload = uploadOf(call);
  const crc64 =
    call.service.dialect.crc64 === 'none' ? undefined : crc64Text(await sumOf('crc64', content));
  const { checksumAlgorithm: own } = upload;
  const checksums =
    own === undefined ? {} : { [own]: (await sumOf(own, content)).toString('base64') };
  const { dialect } = call.service;
  const etag = etagIsMd5(dialect, upload.traits)
    ? etagOf(dialect, md5, content)
    : opaqueEtag(call.service);
  const lastModified = call.service.now();
  upload.parts.set(number, { number, content, etag, md5, crc64, checksums, lastModified });
  const inner =
    element('LastModified', new Date(lastModified).toISOString()) + element('ETag', `"${etag}"`);
  return { status: 200, body: xmlDocument('CopyPartResult', inner) };
}

function slice(call: Call, content: Content, { first, end }: Range): Content {
  return call.service.sink ? sevens(end - first) : heldContent([...content.pieces(first, end)]);
}

async function sumOf(hash: Parameters<typeof meter>[0], content: Content): Promise<Buffer> {
  const sum = await meter(hash);
  for (const piece of content.pieces(0, content.size)) sum.update(piece);
  return sum.digest();
}
