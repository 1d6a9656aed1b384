import { bucketOf, type Call, newBucket, type Reply } from './call.ts';
import { readNode } from './documents.ts';
import { readDocument } from './payload.ts';
import { S3Error } from './s3-error.ts';
import { versionOf } from './objects.ts';
import { child, children, element, escapeXml, text, xmlDocument } from './xml.ts';

const TAGS_MAX = 10;

export function listBuckets(call: Call): Reply {
  const buckets = [...call.service.buckets.values()].map(
    ({ name, createdAt }) =>
      `<Bucket>${element('Name', name)}${element('CreationDate', new Date(createdAt).toISOString())}</Bucket>`,
  );
  const inner = `<Owner><ID>owner</ID></Owner><Buckets>${buckets.join('')}</Buckets>`;
  return { status: 200, body: xmlDocument('ListAllMyBucketsResult', inner) };
}

/** Creating one that is there already is no error, as in AWS's oldest region. */
export async function createBucket(call: Call): Promise<Reply> {
  const { service, bucketName } = call;
  await readDocument(call);
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucketName)) {
    throw new S3Error('InvalidBucketName', 'The specified bucket is not valid.');
  }
  if (!service.buckets.has(bucketName)) {
    service.buckets.set(bucketName, newBucket(service, bucketName));
  }
  return { status: 200, headers: { location: `/${bucketName}` } };
}

export function headBucket(call: Call): Reply {
  const { region, dialect } = call.service;
  bucketOf(call);
  return { status: 200, headers: { 'x-amz-bucket-region': region ?? dialect.defaultRegion } };
}

/** Shows OBS's clients that the server supports OBS's own protocol. */
export function headApiVersion(call: Call): Reply {
  const { apiVersion } = call.service.dialect;
  if (apiVersion === undefined) return headBucket(call);
  return { status: 200, headers: { 'x-obs-api': apiVersion } };
}

export function deleteBucket(call: Call): Reply {
  const bucket = bucketOf(call);
  if (!bucket.isEmpty()) throw new S3Error('BucketNotEmpty');
  call.service.buckets.delete(bucket.name);
  return { status: 204 };
}

/** Empty for AWS's oldest region. */
export function getBucketLocation(call: Call): Reply {
  const { region, dialect } = call.service;
  const { root, prefix } = dialect.location;
  bucketOf(call);
  const name = region ?? dialect.defaultRegion;
  const told = name === 'us-east-1' ? '' : prefix + name;
  return { status: 200, body: xmlDocument(root, escapeXml(told)) };
}

export function getBucketVersioning(call: Call): Reply {
  const { versioning } = bucketOf(call);
  return {
    status: 200,
    body: xmlDocument('VersioningConfiguration', element('Status', versioning)),
  };
}

export async function putBucketVersioning(call: Call): Promise<Reply> {
  const document = await readNode(call, 'VersioningConfiguration');
  const status = text(document, 'Status');
  if (status !== 'Enabled' && status !== 'Suspended') throw new S3Error('MalformedXML');
  bucketOf(call).versioning = status;
  return { status: 200 };
}

export function getObjectTagging(call: Call): Reply {
  const tags = versionOf(call).tags.map(
    ([key, value]) => `<Tag>${element('Key', key)}${element('Value', value)}</Tag>`,
  );
  return { status: 200, body: xmlDocument('Tagging', `<TagSet>${tags.join('')}</TagSet>`) };
}

export async function putObjectTagging(call: Call): Promise<Reply> {
  const document = await readNode(call, 'Tagging');
  const tags = children(child(document, 'TagSet'), 'Tag').map((tag): [string, string] => [
    text(tag, 'Key') ?? '',
    text(tag, 'Value') ?? '',
  ]);
  if (tags.length > TAGS_MAX) throw new S3Error('InvalidTag');
  bucketOf(call).amend(versionOf(call), { tags });
  return { status: 200 };
}

export function deleteObjectTagging(call: Call): Reply {
  bucketOf(call).amend(versionOf(call), { tags: [] });
  return { status: 204 };
}

/** The attributes that the request names, of those that this server keeps. */
export function getObjectAttributes(call: Call): Reply {
  const version = versionOf(call);
  const { etag, storageClass, content, partSizes } = version;
  const parts =
    partSizes === undefined
      ? ''
      : `<ObjectParts>${element('PartsCount', partSizes.length)}</ObjectParts>`;
  const inner =
    element('ETag', etag) +
    parts +
    element('StorageClass', storageClass) +
    element('ObjectSize', content.size);
  return {
    status: 200,
    headers: { 'last-modified': new Date(version.lastModified).toUTCString() },
    body: xmlDocument('GetObjectAttributesResponse', inner),
  };
}
