import COS from 'cos-nodejs-sdk-v5';
import type { S3Server } from '../kit/s3-server/server.ts';
import { drive, type Driver, type Extras } from './kit/sdk-scenarios.ts';
import { domain } from './kit/route-to-localhost.ts';
import { series } from '../kit/matrix/proves.ts';

const bucket = 'example-1250000000';
const region = 'ap-beijing';

function asked({ contentType, metadata = {}, storageClass, encryption }: Extras): object {
  return {
    ...(contentType !== undefined && { ContentType: contentType }),
    ...Object.fromEntries(Object.entries(metadata).map(([name, v]) => [`x-cos-meta-${name}`, v])),
    ...(storageClass !== undefined && { StorageClass: storageClass }),
    ...(encryption !== undefined && { ServerSideEncryption: encryption }),
  };
}

function open(server: S3Server, secret: string): Driver {
  const client = new COS({
    SecretId: server.accessKey.accessKeyId,
    SecretKey: secret,
    Domain: `{Bucket}.${domain}:${server.port}`,
    Protocol: 'http:',
    AutoSwitchHost: false,
    // The SDK supports only buckets of its own domain.
    CopySourceParser: (source) => ({ Bucket: bucket, Region: region, Key: source }),
  });
  const at = (key: string): object => ({ Bucket: bucket, Region: region, Key: key });
  return {
    async put(key, bytes, extras) {
      await client.putObject({ ...at(key), Body: bytes, ...asked(extras) });
    },
    async get(key) {
      const { Body } = await client.getObject({ ...at(key) });
      return Body;
    },
    async head(key) {
      return (await client.headObject({ ...at(key) })).headers;
    },
    async list(prefix, pageSize) {
      const keys: string[] = [];
      let marker: string | undefined = '';
      while (marker !== undefined) {
        const { Contents, IsTruncated, NextMarker } = await client.getBucket({
          ...{ Bucket: bucket, Region: region, Prefix: prefix, Marker: marker },
          ...{ MaxKeys: pageSize, EncodingType: 'url' },
        });
        // The SDK hands names on as they came.
        keys.push(...Contents.map(({ Key }) => decoded(Key)));
        marker = IsTruncated === 'true' ? decoded(NextMarker ?? '') : undefined;
      }
      return keys;
    },
    async remove(key) {
      await client.deleteObject({ ...at(key) });
    },
    async removeMany(keys) {
      const Objects = keys.map((key) => ({ Key: key }));
      await client.deleteMultipleObject({ Bucket: bucket, Region: region, Objects });
    },
    async copy(from, to) {
      const path = encodeURIComponent(from).replaceAll('%2F', '/');
      await client.putObjectCopy({ ...at(to), CopySource: `${bucket}.${domain}/${path}` });
    },
    async putParts(key, parts) {
      const { UploadId } = await client.multipartInit({ ...at(key) });
      const Parts: object[] = [];
      for (const [index, part] of parts.entries()) {
        const PartNumber = index + 1;
        const { ETag } = await client.multipartUpload({
          ...{ ...at(key), UploadId, PartNumber, Body: part },
        });
        Parts.push({ PartNumber, ETag });
      }
      await client.multipartComplete({ ...at(key), UploadId, Parts });
    },
    async restore(key) {
      const RestoreRequest = { Days: 2, CASJobParameters: { Tier: 'Expedited' } };
      await client.restoreObject({ ...at(key), RestoreRequest });
    },
    signedUrl: (key) => client.getObjectUrl({ ...at(key), Sign: true, Expires: 600 }),
  };
}

/** The first version of the listing may write a space as a plus sign. */
function decoded(name: string): string {
  return decodeURIComponent(name.replaceAll('+', ' '));
}

drive('cos-nodejs-sdk-v5', {
  series: series('sdk-cos', { way: 'SDK', clouds: ['Tencent'] }),
  bucket,
  server: { dialect: 'cos', region },
  open,
  cannotName: { '..': 'the SDK refuses names that a file system would resolve' },
  facts: {
    metaPrefix: 'x-cos-meta-',
    crc64Header: 'x-cos-hash-crc64ecma',
    etag: /^"[0-9a-f]{32}"$/,
    partsEtag: /^"[0-9a-f]{32}-3"$/,
    partSize: 1024 ** 2,
    coolClass: ['STANDARD_IA', 'x-cos-storage-class'],
    archiveClass: 'ARCHIVE',
    restoreHeader: 'x-cos-restore',
    encryption: ['cos/kms', 'x-cos-server-side-encryption'],
  },
});
