import KS3 from 'ks3';
import type { S3Server } from '../kit/s3-server/server.ts';
import { drive, type Driver, type Extras, partSizes } from './kit/sdk-scenarios.ts';
import { domain } from './kit/route-to-localhost.ts';

const bucket = 'example-bucket';

function headersOf({ metadata = {}, storageClass, encryption }: Extras): Record<string, string> {
  const meta = Object.entries(metadata).map(([name, value]) => [`x-kss-meta-${name}`, value]);
  return {
    ...(Object.fromEntries(meta) as Record<string, string>),
    ...(storageClass !== undefined && { 'x-kss-storage-class': storageClass }),
    ...(encryption !== undefined && { 'x-kss-server-side-encryption': encryption }),
  };
}

interface Answer {
  readonly text: string;
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** The SDK calls back. */
function answerOf(
  call: KS3['object']['put'],
  ask: Parameters<typeof call>[0],
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    call(
      ask,
      (error, text, response, bytes) => {
        if (error === null || error === undefined) {
          resolve({ text, bytes, headers: response.headers });
        } else {
          reject(new Error(JSON.stringify(error), { cause: error }));
        }
      },
      headers,
    );
  });
}

function all(text: string, tag: string): string[] {
  return Array.from(
    text.matchAll(new RegExp(`<${tag}>([^<]*)</${tag}>`, 'g')),
    ([, it = '']) => it,
  );
}

function open(server: S3Server, secret: string): Driver {
  const client = new KS3(server.accessKey.accessKeyId, secret, bucket);
  client.config({ baseUrl: `${domain}:${server.port}`, protocol: 'http' });
  const { object } = client;
  return {
    async put(key, bytes, extras) {
      await answerOf(object.put, { Key: key, Body: bytes }, headersOf(extras));
    },
    async get(key) {
      return (await answerOf(object.get, { Key: key })).bytes;
    },
    async head(key) {
      return (await answerOf(object.head, { Key: key })).headers;
    },
    async list(prefix, pageSize) {
      const keys: string[] = [];
      let marker: string | undefined = '';
      while (marker !== undefined) {
        const ask = { prefix, marker, 'max-keys': pageSize, 'encoding-type': 'url' };
        const { text } = await answerOf(client.bucket.get, ask);
        const names = all(text, 'Key').map((name) => decodeURIComponent(name.replaceAll('+', ' ')));
        keys.push(...names);
        marker = all(text, 'IsTruncated')[0] === 'true' ? names.at(-1) : undefined;
      }
      return keys;
    },
    async remove(key) {
      await answerOf(object.del, { Key: key });
    },
    removeMany: () => Promise.reject(new Error('no such call')),
    copy: () => Promise.reject(new Error('no such call')),
    async putParts(key, parts) {
      const { text } = await answerOf(object.multitpart_upload_init, { Key: key });
      const [UploadId] = all(text, 'UploadId');
      let body = '';
      for (const [index, part] of parts.entries()) {
        const PartNumber = index + 1;
        const ask = { Key: key, UploadId, PartNumber, body: part };
        const { headers } = await answerOf(object.upload_part, ask);
        body += `<Part><PartNumber>${PartNumber}</PartNumber><ETag>${headers['etag'] ?? ''}</ETag></Part>`;
      }
      body = `<CompleteMultipartUpload>${body}</CompleteMultipartUpload>`;
      await answerOf(object.upload_complete, { Key: key, UploadId, body });
    },
    restore: () => Promise.reject(new Error('no such call')),
    signedUrl(key) {
      const expires = Math.floor(Date.now() / 1000) + 600;
      const path = encodeURIComponent(key).replaceAll('%2F', '/');
      const signature = client.auth.getQueryStringSignature(secret, expires, bucket, path);
      const query = `Expires=${expires}&Signature=${encodeURIComponent(signature)}`;
      const host = `${bucket}.${domain}:${server.port}`;
      return `http://${host}/${path}?KSSAccessKeyId=${server.accessKey.accessKeyId}&${query}`;
    },
  };
}

const quoted = 'the SDK signs quotes as they are, and sends them encoded';

drive('ks3', {
  bucket,
  server: { dialect: 'ks3' },
  open,
  cannot: {
    'several keys removed at once': 'the SDK has no such call',
    'a copy': 'the SDK has no such call',
    'an archived object, restored': 'the SDK has no such call',
  },
  cannotName: {
    '..': 'the SDK resolves dots in its URLs',
    './dot/../segments/..': 'the SDK resolves dots in its URLs',
    ...{ 'quote\'"<&>': quoted, "!'()*~-._;:@=,$[]{}|\\^`": quoted },
  },
  facts: {
    metaPrefix: 'x-kss-meta-',
    crc64Header: 'x-kss-checksum-crc64ecma',
    etag: /^"[0-9a-f]{32}"$/,
    partsEtag: /^"[0-9a-f]{32}-3"$/,
    partSize: partSizes.usual,
    contentType: 'application/octet-stream', // By the name: it takes none.
    coolClass: ['STANDARD_IA', 'x-kss-storage-class'],
    encryption: ['aws:kms', 'x-kss-server-side-encryption'],
  },
});
