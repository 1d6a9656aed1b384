import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import {
  type ChecksumAlgorithm,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  RestoreObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { type Bench, type Checks, md5, ok, refused, same, sample, unless } from './bench.ts';

async function tagsOf({ client, bucket }: Bench, key: string): Promise<string> {
  const { TagSet = [] } = await client.send(
    new GetObjectTaggingCommand({ Bucket: bucket, Key: key }),
  );
  return TagSet.map((tag) => `${tag.Key}=${tag.Value}`)
    .sort()
    .join();
}

/** Tags, storage classes and encryption. */
export const featureChecks: Checks = {
  async 'tags.on-put'(bench) {
    await bench.put('tg', sample, { Tagging: 'a=1&b=x%20y' });
    same(await tagsOf(bench, 'tg'), 'a=1,b=x y', 'tags');
    const { TagCount } = await bench.get('tg');
    return unless([TagCount !== 2 && `tag count is ${String(TagCount)}`]);
  },
  async 'tags.put'(bench) {
    const Tagging = { TagSet: [{ Key: 'q', Value: 'é' }] };
    await bench.client.send(
      new PutObjectTaggingCommand({ Bucket: bench.bucket, Key: 'tg', Tagging }),
    );
    same(await tagsOf(bench, 'tg'), 'q=é', 'tags');
    same(md5((await bench.get('tg')).bytes), md5(sample), 'bytes');
    return undefined;
  },
  async 'class.infrequent'(bench) {
    await bench.put('ia', sample, { StorageClass: 'STANDARD_IA' });
    const { Contents: [entry] = [] } = await bench.client.send(
      new ListObjectsV2Command({ Bucket: bench.bucket, Prefix: 'ia' }),
    );
    same((await bench.head('ia')).StorageClass, 'STANDARD_IA', 'class by head');
    same(entry?.StorageClass, 'STANDARD_IA', 'class by list');
    return undefined;
  },
  async 'class.archived'(bench) {
    await bench.put('gl', sample, { StorageClass: 'GLACIER' });
    same((await bench.head('gl')).StorageClass, 'GLACIER', 'class by head');
    return undefined;
  },
  'class.archived-refuses-get': (bench) => refused(bench.get('gl'), 'InvalidObjectState'),
  async 'class.restore'(bench) {
    const RestoreRequest = { Days: 1, GlacierJobParameters: { Tier: 'Expedited' as const } };
    await bench.client.send(
      new RestoreObjectCommand({ Bucket: bench.bucket, Key: 'gl', RestoreRequest }),
    );
    same((await bench.head('gl')).Restore, 'ongoing-request="true"', 'restore');
    return undefined;
  },
  async 'encryption.s3'(bench) {
    await bench.put('sse', sample, { ServerSideEncryption: 'AES256' });
    same((await bench.head('sse')).ServerSideEncryption, 'AES256', 'encryption');
    return undefined;
  },
  async 'encryption.kms'(bench) {
    await bench.put('ssek', sample, { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'testkey-1' });
    const got = await bench.get('ssek');
    same(got.ServerSideEncryption, 'aws:kms', 'encryption');
    same(got.SSEKMSKeyId, 'testkey-1', 'key');
    same(md5(got.bytes), md5(sample), 'bytes');
    return ok(got.ETag === `"${md5(sample)}"` ? 'ETag is the MD5' : 'ETag is opaque');
  },
  async 'encryption.customer'(bench) {
    const key = randomBytes(32);
    const customer = {
      SSECustomerAlgorithm: 'AES256',
      SSECustomerKey: key.toString('base64'),
      SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
    };
    await bench.put('ssec', sample, customer);
    same(md5((await bench.get('ssec', customer)).bytes), md5(sample), 'bytes');
    return refused(bench.get('ssec'), 400);
  },
  async 'versions.flow'({ client, bucket }) {
    const Bucket = `${bucket}-v`;
    await client.send(new CreateBucketCommand({ Bucket }));
    await client.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    );
    same(
      (await client.send(new GetBucketVersioningCommand({ Bucket }))).Status,
      'Enabled',
      'status',
    );
    const first = await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'one' }));
    const second = await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'two' }));
    same(first.VersionId === second.VersionId, false, 'the versions are one');
    const read = async (VersionId?: string): Promise<string | undefined> => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'k', VersionId }));
      return Body?.transformToString();
    };
    same(await read(first.VersionId), 'one', 'older version');
    const marker = await client.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
    same(marker.DeleteMarker, true, 'delete marker');
    const listed = await client.send(new ListObjectVersionsCommand({ Bucket }));
    same(listed.Versions?.length, 2, 'versions');
    same(listed.DeleteMarkers?.length, 1, 'delete markers');
    same((await client.send(new ListObjectsV2Command({ Bucket }))).KeyCount, 0, 'visible keys');
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId: marker.VersionId }));
    same(await read(), 'two', 'after the marker is gone');
    return undefined;
  },
};

const algorithms = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;

/** Sends a stream whose checksum follows it, and looks what became of both. */
async function trailing(bench: Bench, algorithm: (typeof algorithms)[number]): Promise<undefined> {
  const body = Readable.from([sample.subarray(0, 500), sample.subarray(500)]);
  const key = `ck-${algorithm}`;
  const extra = { ChecksumAlgorithm: algorithm, ContentLength: sample.length };
  await bench.put(key, body, extra, bench.checkingClient);
  const got = await bench.get(key);
  same(md5(got.bytes), md5(sample), `bytes (${got.bytes.length} came back)`);
  same(got.ContentEncoding, undefined, 'content encoding');
  const head = await bench.head(key, { ChecksumMode: 'ENABLED' });
  same(typeof head[`Checksum${algorithm}`], 'string', 'type of the checksum');
  return undefined;
}

async function inParts(
  { client, checkingClient, bucket }: Bench,
  key: string,
  algorithm: 'CRC32C' | 'CRC64NVME',
): Promise<void> {
  const where = { Bucket: bucket, Key: key };
  const ChecksumAlgorithm: ChecksumAlgorithm = algorithm;
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ ...where, ChecksumAlgorithm }),
  );
  const Parts = [];
  for (const PartNumber of [1, 2]) {
    const Body = Buffer.alloc(PartNumber === 1 ? 5 * 1024 ** 2 : 10, PartNumber);
    const part = await checkingClient.send(
      new UploadPartCommand({ ...where, UploadId, PartNumber, Body, ChecksumAlgorithm }),
    );
    const sum = part[`Checksum${algorithm}`];
    Parts.push({ PartNumber, ETag: part.ETag, [`Checksum${algorithm}`]: sum });
  }
  await client.send(
    new CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload: { Parts } }),
  );
}

/** The checksums of S3's newer protocol. */
export const checksumChecks: Checks = {
  async 'checksum.sdk-default'(bench) {
    await bench.put('ck0', sample, {}, bench.checkingClient);
    same(md5((await bench.get('ck0', {}, bench.checkingClient)).bytes), md5(sample), 'bytes');
    return undefined;
  },
  ...Object.fromEntries(
    algorithms.map((algorithm) => [
      `checksum.trailing-${algorithm.toLowerCase()}`,
      (bench: Bench) => trailing(bench, algorithm),
    ]),
  ),
  'checksum.wrong': (bench) =>
    refused(
      bench.put('ckb', sample, { ChecksumCRC32C: 'AAAAAA==' }),
      'BadDigest',
      'InvalidRequest',
    ),
  async 'checksum.parts-whole'(bench) {
    await inParts(bench, 'mpck', 'CRC64NVME');
    const head = await bench.head('mpck', { ChecksumMode: 'ENABLED' });
    same(head.ChecksumType, 'FULL_OBJECT', 'type');
    return ok(String(head.ChecksumCRC64NVME));
  },
  async 'checksum.parts-composite'(bench) {
    await inParts(bench, 'mpck2', 'CRC32C');
    const { ChecksumCRC32C = '' } = await bench.head('mpck2', { ChecksumMode: 'ENABLED' });
    same(ChecksumCRC32C.endsWith('-2'), true, ChecksumCRC32C);
    return undefined;
  },
};

/** Requests that are signed in their URL. */
export const presignChecks: Checks = {
  async 'presign.get'({ client, bucket }) {
    const url = await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: 'o1' }), {
      expiresIn: 60,
    });
    const response = await fetch(url);
    same(response.status, 200, 'status');
    same((await response.arrayBuffer()).byteLength, sample.length, 'length');
    return undefined;
  },
  async 'presign.put'(bench) {
    const command = new PutObjectCommand({ Bucket: bench.bucket, Key: 'ps' });
    const url = await getSignedUrl(bench.client, command, { expiresIn: 60 });
    const response = await fetch(url, { method: 'PUT', body: Buffer.from('abc') });
    same(response.status, 200, 'status');
    same((await bench.get('ps')).bytes.toString(), 'abc', 'bytes');
    return undefined;
  },
  async 'presign.expired'({ client, bucket }) {
    const url = await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: 'o1' }), {
      expiresIn: 1,
      signingDate: new Date(Date.now() - 60_000),
    });
    same((await fetch(url)).status, 403, 'status');
    return undefined;
  },
  async 'presign.tampered'({ client, bucket }) {
    const url = await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: 'o1' }), {
      expiresIn: 60,
    });
    same((await fetch(url.replace('/o1', '/cs'))).status, 403, 'status');
    return undefined;
  },
  async 'metadata.raw-utf8'(bench) {
    const value = 'naïve 日本';
    const command = new PutObjectCommand({
      Bucket: bench.bucket,
      Key: 'm3',
      Metadata: { u: value },
    });
    const url = await getSignedUrl(bench.client, command, {
      expiresIn: 60,
      unhoistableHeaders: new Set(['x-amz-meta-u']),
    });
    same(await putRaw(url, Buffer.from(value).toString('latin1')), 200, 'status');
    const got = (await bench.head('m3')).Metadata?.['u'] ?? '';
    const encoded = /^=\?UTF-8\?B\?(.*)\?=$/.exec(got)?.[1];
    const text = encoded === undefined ? latin1(got) : Buffer.from(encoded, 'base64').toString();
    same(text, value, 'value');
    return ok(encoded === undefined ? 'as bytes' : 'as RFC 2047');
  },
  async 'http.virtual-host'({ endpoint, bucket }) {
    const { hostname, port } = new URL(endpoint);
    const body = await new Promise<string>((resolve, reject) => {
      const headers = { host: `${bucket}.localhost:${port}` };
      request({ hostname, port, path: '/?list-type=2', headers }, (response) => {
        Readable.from(response)
          .toArray()
          .then((chunks) => resolve(chunks.join('')), reject);
      })
        .on('error', reject)
        .end();
    });
    same(/AccessDenied|ListBucketResult/.test(body), true, body.slice(0, 100));
    return undefined;
  },
};

function latin1(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}

/** The fetch of the platform would not send such a header. */
function putRaw(url: string, metadata: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-amz-meta-u': metadata, 'content-length': 2 };
    request(url, { method: 'PUT', headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      // A string would make Node write the headers as UTF-8, together with it.
      .end(Buffer.from('hi'));
  });
}
