import OSS from 'ali-oss';
import { domain } from './kit/route-to-localhost.ts';
import {
  drive,
  type Driver,
  type Extras,
  partSizes,
  type ResponseHeaders,
} from './kit/sdk-scenarios.ts';
import type { S3Server } from '../kit/s3-server/server.ts';
import { series } from '../kit/matrix/proves.ts';

const bucket = 'example-bucket';

function headersOf({ contentType, metadata = {}, storageClass, encryption }: Extras): {
  readonly mime?: string;
  readonly headers: Record<string, string>;
} {
  const meta = Object.entries(metadata).map(([name, value]) => [`x-oss-meta-${name}`, value]);
  return {
    ...(contentType !== undefined && { mime: contentType }),
    headers: {
      ...(Object.fromEntries(meta) as Record<string, string>),
      ...(storageClass !== undefined && { 'x-oss-storage-class': storageClass }),
      ...(encryption !== undefined && { 'x-oss-server-side-encryption': encryption }),
    },
  };
}

function open(server: S3Server, secret: string, authorizationV4: boolean): Driver {
  const client = new OSS({
    accessKeyId: server.accessKey.accessKeyId,
    accessKeySecret: secret,
    bucket,
    region: 'oss-cn-hangzhou',
    endpoint: `http://${domain}:${server.port}`,
    authorizationV4,
    retryMax: 0,
  });
  return {
    async put(key, bytes, extras) {
      await client.put(key, bytes, headersOf(extras));
    },
    async get(key) {
      const { content } = await client.get(key);
      return content;
    },
    async head(key) {
      // The SDK gives the headers as they came.
      return (await client.head(key)).res.headers as ResponseHeaders;
    },
    async list(prefix, pageSize) {
      const keys: string[] = [];
      let token: string | null | undefined;
      do {
        const page = await client.listV2({
          prefix,
          'max-keys': String(pageSize),
          'encoding-type': 'url',
          ...(typeof token === 'string' && { 'continuation-token': token }),
        });
        // The SDK hands names on as they came.
        for (const { name } of page.objects ?? []) keys.push(decodeURIComponent(name));
        token = page.nextContinuationToken;
      } while (typeof token === 'string');
      return keys;
    },
    async remove(key) {
      await client.delete(key);
    },
    async removeMany(keys) {
      await client.deleteMulti([...keys]);
    },
    async copy(from, to) {
      await client.copy(to, from);
    },
    async putParts(key, parts) {
      await client.multipartUpload(key, Buffer.concat(parts), { partSize: parts[0]?.length ?? 0 });
    },
    async restore(key) {
      await client.restore(key, { type: 'Archive', Days: 2 });
    },
    signedUrl(key) {
      return authorizationV4
        ? client.signatureUrlV4('GET', 600, undefined, key)
        : client.signatureUrl(key, { expires: 600 });
    },
  };
}

for (const version of [1, 4] as const) {
  drive(`ali-oss, signature V${version}`, {
    ...(version === 4 && { series: series('sdk-oss', { way: 'SDK', clouds: ['Aliyun'] }) }),
    bucket,
    server: { dialect: 'oss', region: 'cn-hangzhou' },
    open: (server, secret) => open(server, secret, version === 4),
    cannotName: Object.fromEntries(
      ['..', './dot/../segments/..'].map((name) => [name, 'the SDK resolves dots in its URLs']),
    ),
    facts: {
      metaPrefix: 'x-oss-meta-',
      crc64Header: 'x-oss-hash-crc64ecma',
      etag: /^"[0-9A-F]{32}"$/,
      partsEtag: /^"[0-9A-F]{32}-3"$/,
      partSize: partSizes.small,
      coolClass: ['IA', 'x-oss-storage-class'],
      archiveClass: 'Archive',
      restoreHeader: 'x-oss-restore',
      encryption: ['KMS', 'x-oss-server-side-encryption'],
    },
  });
}
