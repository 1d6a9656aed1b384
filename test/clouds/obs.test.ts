import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import ObsClient, { type Answer, type Page } from 'esdk-obs-nodejs';
import type { S3Server } from '../kit/s3-server/server.ts';
import { drive, type Driver, type Extras, partSizes, type Ride } from './kit/sdk-scenarios.ts';
import { domain } from './kit/route-to-localhost.ts';
import { series } from '../kit/matrix/proves.ts';

const bucket = 'example-bucket';
const region = 'cn-north-4';

type Signature = 'obs' | 'v2' | 'v4';

function asked({ contentType, metadata, storageClass, encryption }: Extras): object {
  return {
    ...(contentType !== undefined && { ContentType: contentType }),
    ...(metadata !== undefined && { Metadata: metadata }),
    ...(storageClass !== undefined && { StorageClass: storageClass }),
    ...(encryption !== undefined && { SseKms: encryption }),
  };
}

/** It takes bytes for text. */
function streamed(bytes: Buffer): object {
  return { Body: Readable.from([bytes]), ContentLength: bytes.length, PartSize: bytes.length };
}

/** This SDK resolves whatever the answer says. */
function good<Result>({ CommonMsg, InterfaceResult }: Answer<Result>): Result {
  if (CommonMsg.Status < 300) return InterfaceResult;
  throw new Error(`${CommonMsg.Status} ${CommonMsg.Code}: ${CommonMsg.Message}`);
}

/** @param signature If it is undefined, the SDK queries the server for the signature that it supports. */
function open(server: S3Server, secret: string, signature: Signature | undefined): Driver {
  const client = new ObsClient({
    access_key_id: server.accessKey.accessKeyId,
    secret_access_key: secret,
    server: `http://${domain}:${server.port}`,
    region,
    max_retry_count: 0,
    ...(signature !== undefined && { signature, is_signature_negotiation: false }),
  });
  const at = (key: string): object => ({ Bucket: bucket, Key: key });
  return {
    async put(key, bytes, extras) {
      good(await client.putObject({ ...at(key), ...streamed(bytes), ...asked(extras) }));
    },
    async get(key) {
      // Else it gives text.
      const ask = { ...at(key), SaveAsStream: true };
      return buffer(good(await client.getObject(ask)).Content);
    },
    async head(key) {
      const head = good(await client.getObjectMetadata({ ...at(key) }));
      const meta = Object.entries(head.Metadata ?? {});
      return {
        'content-length': head.ContentLength,
        'content-type': head.ContentType,
        'etag': head.ETag,
        'storage-class': head.StorageClass,
        'restore': head.Restore,
        'kms': head.SseKms,
        ...Object.fromEntries(meta.map(([name, value]) => [`meta-${name}`, value])),
      };
    },
    async list(prefix, pageSize) {
      const keys: string[] = [];
      let marker: string | undefined = '';
      while (marker !== undefined) {
        const ask: object = { Bucket: bucket, Prefix: prefix, Marker: marker, MaxKeys: pageSize };
        const page: Page = good(await client.listObjects({ ...ask, EncodingType: 'url' }));
        keys.push(...page.Contents.map(({ Key }) => Key));
        marker = page.IsTruncated === 'true' ? keys.at(-1) : undefined;
      }
      return keys;
    },
    async remove(key) {
      good(await client.deleteObject({ ...at(key) }));
    },
    async removeMany(keys) {
      // Unencoded, it leaves `<` as it is in its document; and it encodes only what it negotiated.
      const spelt = signature === undefined ? keys : keys.map(encodeURIComponent);
      const Objects = spelt.map((key) => ({ Key: key }));
      good(await client.deleteObjects({ Bucket: bucket, EncodingType: 'url', Objects }));
    },
    async copy(from, to) {
      good(await client.copyObject({ ...at(to), CopySource: `${bucket}/${from}` }));
    },
    async putParts(key, parts) {
      const { UploadId } = good(await client.initiateMultipartUpload({ ...at(key) }));
      const Parts: object[] = [];
      for (const [index, part] of parts.entries()) {
        const PartNumber = index + 1;
        const ask = { ...at(key), UploadId, PartNumber, ...streamed(part) };
        const { ETag } = good(await client.uploadPart(ask));
        Parts.push({ PartNumber, ETag });
      }
      good(await client.completeMultipartUpload({ ...at(key), UploadId, Parts }));
    },
    async restore(key) {
      good(await client.restoreObject({ ...at(key), Days: 2, Tier: 'Expedited' }));
    },
    signedUrl(key) {
      const ask = { Method: 'GET', ...at(key), Expires: 600 };
      return signature === 'v4'
        ? client.createV4SignedUrlSync(ask).SignedUrl
        : client.createSignedUrlSync(ask).SignedUrl;
    },
  };
}

const facts = {
  metaPrefix: 'meta-',
  etag: /^"[0-9a-f]{32}"$/,
  partsEtag: /^"[0-9a-f]{32}-3"$/,
  partSize: partSizes.small,
  // It overwrites the type of every body.
  contentType: 'application/json',
  restoreHeader: 'restore',
} as const;

const obsFacts: Ride['facts'] = {
  ...facts,
  coolClass: ['WARM', 'storage-class'],
  archiveClass: 'COLD',
  encryption: ['kms', 'kms'],
};

const s3Facts: Ride['facts'] = {
  ...facts,
  coolClass: ['STANDARD_IA', 'storage-class'],
  archiveClass: 'GLACIER',
  encryption: ['aws:kms', 'kms'],
};

for (const [signature, its] of [
  [undefined, obsFacts],
  ['obs', obsFacts],
  ['v2', s3Facts],
  ['v4', s3Facts],
] as const) {
  drive(`esdk-obs-nodejs, signature ${signature ?? 'negotiated'}`, {
    ...(signature === 'v4' && {
      series: series('sdk-obs', { way: 'SDK', clouds: ['HuaweiCloud'] }),
    }),
    bucket,
    // Its key service is for HTTPS only; certificates are not what this is about.
    server: { dialect: 'obs', region, behindTls: true },
    open: (server, secret) => open(server, secret, signature),
    facts: its,
  });
}
