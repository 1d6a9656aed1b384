import sdk, { type Bucket } from 'qingstor-sdk';
import type { S3Server } from '../kit/s3-server/server.ts';
import { drive, type Driver, type Extras } from './kit/sdk-scenarios.ts';
import { domain } from './kit/route-to-localhost.ts';

const bucket = 'example-bucket';
const zone = 'pek3a';

function asked({ contentType, storageClass }: Extras): object {
  return {
    ...(contentType !== undefined && { 'Content-Type': contentType }),
    ...(storageClass !== undefined && { 'X-QS-Storage-Class': storageClass }),
  };
}

function open(server: S3Server, secret: string): Driver {
  const config = new sdk.Config({
    access_key_id: server.accessKey.accessKeyId,
    secret_access_key: secret,
    endpoint: `http://${domain}:${server.port}`,
    host: domain,
    port: server.port,
    protocol: 'http',
    enable_virtual_host_style: false,
  });
  const store: Bucket = new sdk.QingStor(config).Bucket(bucket, zone);
  return {
    async put(key, bytes, extras) {
      await store.putObject(key, { body: bytes, ...asked(extras) });
    },
    async get(key) {
      const { data } = await store.getObject(key, { response_type: 'arraybuffer' });
      // The response type that was requested above.
      return Buffer.from(data as ArrayBuffer);
    },
    async head(key) {
      return (await store.headObject(key)).headers;
    },
    async list(prefix, pageSize) {
      const keys: string[] = [];
      let marker: string | undefined = '';
      while (marker !== undefined) {
        const page: Awaited<ReturnType<Bucket['listObjects']>> = await store.listObjects({
          ...{ prefix, limit: pageSize, ...(marker !== '' && { marker }) },
        });
        keys.push(...page.data.keys.map(({ key }) => key));
        marker = page.data.has_more ? page.data.next_marker : undefined;
      }
      return keys;
    },
    async remove(key) {
      await store.deleteObject(key);
    },
    async removeMany(keys) {
      await store.deleteMultipleObjects({ objects: keys.map((key) => ({ key })), quiet: false });
    },
    async copy(from, to) {
      // It encodes headers, as `encodeURI` does.
      await store.putObject(to, { 'x-qs-copy-source': `/${bucket}/${from}` });
    },
    async putParts(key, parts) {
      const { data } = await store.initiateMultipartUpload(key, {});
      for (const [index, body] of parts.entries()) {
        const ask = { upload_id: data.upload_id, part_number: index + 1, body };
        await store.uploadMultipart(key, ask);
      }
      const object_parts = parts.map((_part, index) => ({ part_number: index + 1 }));
      await store.completeMultipartUpload(key, { upload_id: data.upload_id, object_parts });
    },
    restore: () => Promise.reject(new Error('no such call')),
    async signedUrl(key) {
      const { operation } = await store.getObjectRequest(key).signQuery(600);
      return operation.uri;
    },
  };
}

drive('qingstor-sdk', {
  bucket,
  server: { dialect: 'qingstor', virtualHost: `${zone}.${domain}` },
  open,
  cannot: {
    'bytes, type and ETag': 'the SDK gives bytes as text',
    'metadata': 'the SDK makes one header of all, as JavaScript prints a record',
    'an archived object, restored': 'QingStor has no archive',
    'encryption by the key service': 'QingStor encrypts by keys of the client only',
  },
  facts: {
    metaPrefix: 'x-qs-meta-',
    etag: /^"[0-9a-f]{32}"$/,
    partsEtag: /^"[0-9a-f]{32}-3"$/,
    partSize: 4 * 1024 ** 2,
    coolClass: ['STANDARD_IA', 'x-qs-storage-class'],
  },
});
