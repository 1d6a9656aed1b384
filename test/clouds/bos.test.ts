import { BosClient } from '@baiducloud/sdk';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Server } from '../kit/s3-server/server.ts';
import { drive, type Driver, type Extras, partSizes } from './kit/sdk-scenarios.ts';
import { domain } from './kit/route-to-localhost.ts';
import { series } from '../kit/matrix/proves.ts';

const bucket = 'example-bucket';

function asked({ contentType, metadata = {}, storageClass, encryption }: Extras): object {
  return {
    ...(contentType !== undefined && { 'Content-Type': contentType }),
    ...Object.fromEntries(Object.entries(metadata).map(([name, v]) => [`x-bce-meta-${name}`, v])),
    ...(storageClass !== undefined && { 'x-bce-storage-class': storageClass }),
    ...(encryption !== undefined && { 'x-bce-server-side-encryption': encryption }),
  };
}

function open(server: S3Server, secret: string, pathStyle: boolean): Driver {
  const client = new BosClient({
    endpoint: `http://${pathStyle ? '' : `${bucket}.`}${domain}:${server.port}`,
    credentials: { ak: server.accessKey.accessKeyId, sk: secret },
    pathStyleEnable: pathStyle,
    ...(!pathStyle && { cname_enabled: true }),
  });
  return {
    async put(key, bytes, extras) {
      const options = { 'Content-Length': bytes.length, ...asked(extras) };
      await client.putObject(bucket, key, bytes, options);
    },
    async get(key) {
      return (await client.getObject(bucket, key)).body;
    },
    async head(key) {
      return (await client.getObjectMetadata(bucket, key)).http_headers;
    },
    async list(prefix, pageSize) {
      const keys: string[] = [];
      let marker: string | undefined = '';
      while (marker !== undefined) {
        const { body } = await client.listObjects(bucket, { prefix, marker, maxKeys: pageSize });
        keys.push(...body.contents.map(({ key }) => key));
        marker = body.isTruncated ? body.nextMarker : undefined;
      }
      return keys;
    },
    async remove(key) {
      await client.deleteObject(bucket, key);
    },
    async removeMany(keys) {
      await client.deleteMultipleObjects(bucket, [...keys]);
    },
    async copy(from, to) {
      await client.copyObject(bucket, from, bucket, to);
    },
    async putParts(key, parts) {
      await putParts(client, key, parts);
    },
    async restore(key) {
      await client.restoreObject(bucket, key, {
        'x-bce-restore-days': 2,
        'x-bce-restore-tier': 'Expedited',
      });
    },
    signedUrl: (key) =>
      client.generatePresignedUrl(bucket, key, Math.floor(Date.now() / 1000), 600),
  };
}

/** It puts parts from files only. */
async function putParts(client: BosClient, key: string, parts: readonly Buffer[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'brigade-bos-'));
  const file = join(folder, 'whole');
  try {
    await writeFile(file, Buffer.concat(parts));
    const { uploadId } = (await client.initiateMultipartUpload(bucket, key)).body;
    const done: { partNumber: number; eTag: string }[] = [];
    let offset = 0;
    for (const [index, { length }] of parts.entries()) {
      const partNumber = index + 1;
      const { http_headers: headers } = await client.uploadPartFromFile(
        ...([bucket, key, uploadId, partNumber, length, file, offset] as const),
      );
      done.push({ partNumber, eTag: headers['etag'] ?? '' });
      offset += length;
    }
    await client.completeMultipartUpload(bucket, key, uploadId, done);
  } finally {
    await rm(folder, { recursive: true });
  }
}

for (const pathStyle of [true, false]) {
  drive(`@baiducloud/sdk, ${pathStyle ? 'path style' : 'virtual host'}`, {
    series: series('sdk-baidu', { way: 'SDK', clouds: ['Baidu'] }),
    bucket,
    server: { dialect: 'bos' },
    open: (server, secret) => open(server, secret, pathStyle),
    cannotName: Object.fromEntries(
      ['a/b//c', '..', './dot/../segments/..', '//double'].map((name) => [
        name,
        'the SDK joins paths: it drops double slashes and resolves dots',
      ]),
    ),
    facts: {
      metaPrefix: 'x-bce-meta-',
      crc64Header: 'x-bce-content-crc64ecma',
      etag: /^[0-9a-f]{32}$/,
      partsEtag: /^-[0-9a-f]{32}$/,
      partSize: partSizes.small,
      coolClass: ['STANDARD_IA', 'x-bce-storage-class'],
      archiveClass: 'ARCHIVE',
      restoreHeader: 'x-bce-restore',
      encryption: ['KMS', 'x-bce-server-side-encryption'],
    },
  });
}
