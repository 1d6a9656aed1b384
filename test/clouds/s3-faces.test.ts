import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  type ListObjectsCommandOutput,
  PutObjectCommand,
  RestoreObjectCommand,
  S3Client,
  type ServerSideEncryption,
  type StorageClass,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { createHash } from 'node:crypto';
import { oddNames } from '../conformance/names.ts';
import { type S3DialectName, s3Dialects } from '../../src/platform/stores/s3/dialects.ts';
import { playedClouds, s3DialectNames } from '../kit/played-clouds.ts';
import { type DialectName, dialects } from '../kit/s3-server/dialects.ts';
import { canHave } from '../kit/s3-server/names.ts';
import type { S3Server } from '../kit/s3-server/server.ts';
import { drive, type Driver, partSizes, type Ride } from './kit/sdk-scenarios.ts';
import { domain } from './kit/route-to-localhost.ts';
import { series } from '../kit/matrix/proves.ts';

/** AWS's SDK at the S3 face of each cloud, as its vendor recommends to use it. */

function clientOf(server: S3Server, secret: string, { bucket, region, inHost }: Face): S3Client {
  const client = new S3Client({
    region,
    endpoint: inHost ? `http://${bucket}.${domain}:${server.port}` : server.url,
    ...(inHost ? { bucketEndpoint: true } : { forcePathStyle: true }),
    credentials: { accessKeyId: server.accessKey.accessKeyId, secretAccessKey: secret },
    // Framed bodies and its newer checksums are refused by most.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 1,
  });
  client.middlewareStack.add(
    (next) => (args) => {
      // Deletes must bring a sum, and it would bring one that only S3 knows.
      const { request } = args as unknown as { readonly request: Outgoing };
      if (typeof request.body === 'string' && request.query['delete'] !== undefined) {
        request.headers['content-md5'] = createHash('md5').update(request.body).digest('base64');
      }
      return next(args);
    },
    { step: 'build', priority: 'low' },
  );
  return client;
}

interface Outgoing {
  readonly body?: unknown;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: Record<string, string>;
}

interface Face {
  readonly bucket: string;
  readonly region: string;
  readonly inHost: boolean;
}

function open(server: S3Server, secret: string, face: Face): Driver {
  const client = clientOf(server, secret, face);
  const Bucket = face.inHost ? `http://${face.bucket}.${domain}:${server.port}` : face.bucket;
  return {
    async put(Key, Body, { contentType, metadata, storageClass, encryption }) {
      await client.send(
        new PutObjectCommand({
          ...{ Bucket, Key, Body, ContentType: contentType, Metadata: metadata },
          // Clouds have classes and words that S3 has not.
          StorageClass: storageClass as StorageClass | undefined,
          ServerSideEncryption: encryption as ServerSideEncryption | undefined,
        }),
      );
    },
    async get(Key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
    async head(Key) {
      const head = await client.send(new HeadObjectCommand({ Bucket, Key }));
      return {
        'content-length': String(head.ContentLength),
        'content-type': head.ContentType,
        'etag': head.ETag,
        'class': head.StorageClass,
        'restore': head.Restore,
        'kms': head.ServerSideEncryption,
        'meta-colour': head.Metadata?.['colour'],
      };
    },
    async list(Prefix, MaxKeys) {
      const keys: string[] = [];
      let Marker: string | undefined = '';
      while (Marker !== undefined) {
        const page: ListObjectsCommandOutput = await client.send(
          new ListObjectsCommand({ Bucket, Prefix, MaxKeys, Marker, EncodingType: 'url' }),
        );
        const encoded = page.EncodingType === 'url';
        const names = (page.Contents ?? []).map(({ Key = '' }) => (encoded ? decoded(Key) : Key));
        keys.push(...names);
        Marker = page.IsTruncated === true ? names.at(-1) : undefined;
      }
      return keys;
    },
    async remove(Key) {
      await client.send(new DeleteObjectCommand({ Bucket, Key }));
    },
    async removeMany(keys) {
      const Delete = { Objects: keys.map((Key) => ({ Key })) };
      await client.send(new DeleteObjectsCommand({ Bucket, Delete }));
    },
    async copy(from, Key) {
      const path = encodeURIComponent(from).replaceAll('%2F', '/');
      await client.send(
        new CopyObjectCommand({ Bucket, Key, CopySource: `${face.bucket}/${path}` }),
      );
    },
    async putParts(Key, parts) {
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
      for (const [index, Body] of parts.entries()) {
        const at = { Bucket, Key, UploadId, PartNumber: index + 1 };
        const { ETag } = await client.send(new UploadPartCommand({ ...at, Body }));
        Parts.push({ PartNumber: index + 1, ETag });
      }
      const MultipartUpload = { Parts };
      await client.send(
        new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }),
      );
    },
    async restore(Key) {
      const RestoreRequest = { Days: 2 };
      await client.send(new RestoreObjectCommand({ Bucket, Key, RestoreRequest }));
    },
    signedUrl: (Key) =>
      getSignedUrl(client, new GetObjectCommand({ Bucket, Key }), { expiresIn: 600 }),
  };
}

/** Version 1 of the listing writes a space as a plus sign. */
function decoded(name: string): string {
  return decodeURIComponent(name.replaceAll('+', ' '));
}

interface Case extends Partial<Pick<Ride, 'cannot' | 'cannotName'>> {
  readonly region: string;
  readonly inHost?: boolean;
  readonly bucket?: string;
  readonly facts?: Partial<Ride['facts']>;
}

const md5 = /^"[0-9a-f]{32}"$/;
const noArchive = { 'an archived object, restored': 'it has no archive' };
const noKms = { 'encryption by the key service': 'it has none by this protocol' };

const cases: Readonly<Partial<Record<DialectName, Case>>> = {
  s3: { region: 'eu-west-1' },
  obs: { region: 'cn-north-4', inHost: true },
  oss: {
    ...{ region: 'cn-hangzhou', inHost: true },
    cannot: { 'an archived object, restored': 'OSS restores by its own protocol only' },
    facts: { etag: /^"[0-9A-F]{32}"$/, partsEtag: /^"[0-9A-F]{32}-3"$/ },
  },
  cos: {
    ...{ region: 'ap-beijing', inHost: true, bucket: 'example-1250000000' },
    facts: { archiveClass: 'ARCHIVE' },
  },
  bos: { region: 'bj', cannot: noKms, facts: { partsEtag: /^"-/, archiveClass: 'ARCHIVE' } },
  ks3: { region: 'BEIJING', inHost: true, facts: { archiveClass: 'ARCHIVE' } },
  qingstor: { region: 'pek3a', cannot: { ...noArchive, ...noKms } },
  qiniu: {
    ...{ region: 'cn-east-1', cannot: noKms },
    facts: { etag: /^"F[\w-]{27}"$/, partsEtag: /^"l[\w-]{27}"$/, coolClass: ['LINE', 'class'] },
  },
  us3: {
    ...{ region: 'cn-bj', cannot: noKms },
    facts: {
      ...{ etag: /^"AQAAA[\w=-]+"$/, partsEtag: /^"[\w=-]{32}"$/ },
      ...{ partSize: partSizes.us3, coolClass: ['ONEZONE_IA', 'class'] },
    },
  },
  gcs: {
    region: 'auto',
    cannot: { ...noArchive, ...noKms, 'several keys removed at once': 'it has no such call' },
    facts: { coolClass: ['NEARLINE', 'class'] },
  },
  minio: {
    region: 'us-east-1',
    cannot: noArchive,
    cannotName: Object.fromEntries(
      [...oddNames, 'x'.repeat(1020)]
        .filter((name) => !canHave(`names/${name}`, dialects.minio.keys))
        .map((name) => [name, 'MinIO refuses names that are no paths of its file system']),
    ),
    facts: { coolClass: ['REDUCED_REDUNDANCY', 'class'] },
  },
  ceph: { region: 'default', cannot: noArchive },
  r2: { region: 'auto', cannot: { ...noArchive, ...noKms } },
  wasabi: { region: 'us-east-1', cannot: noArchive },
};

/** The rows that a server plays to clients of plain S3. */
function rowsPlayedBy(server: DialectName): readonly S3DialectName[] {
  return s3DialectNames.filter(
    (name) => playedClouds[name].server === server && s3Dialects[name].signature === 'aws-v4',
  );
}

for (const [dialect, each] of Object.entries(cases) as [DialectName, Case][]) {
  const { region, bucket = 'example-bucket', inHost = false, facts = {}, ...rest } = each;
  drive(`@aws-sdk/client-s3 at ${dialect}`, {
    ...rest,
    series: series('sdk-aws', { way: 'SDK', clouds: rowsPlayedBy(dialect) }),
    bucket,
    server: { dialect, region, keyServer: true, behindTls: true },
    open: (server, secret) => open(server, secret, { bucket, region, inHost }),
    facts: {
      metaPrefix: 'meta-',
      etag: md5,
      partsEtag: /^"[0-9a-f]{32}-3"$/,
      partSize: partSizes.usual,
      coolClass: ['STANDARD_IA', 'class'],
      archiveClass: 'GLACIER',
      restoreHeader: 'restore',
      encryption: ['aws:kms', 'kms'],
      ...facts,
    },
  });
}
