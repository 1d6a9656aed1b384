import qiniu from 'qiniu';
import type { S3Server } from '../kit/s3-server/server.ts';
import { drive, type Driver, partSizes } from './kit/sdk-scenarios.ts';
import { accepted, bucket, download, KodoRefusal, openKodo, startKodo } from './kit/kodo-sdk.ts';

function open(server: S3Server, secret: string, port: number): Driver {
  const kodo = openKodo(server, secret, port);
  const { manager } = kodo;
  return {
    async put(key, bytes, { contentType, metadata = {}, storageClass }) {
      const named = Object.entries(metadata).map(([name, v]) => [`x-qn-meta-${name}`, v]);
      await kodo.put(key, bytes, {
        mimeType: contentType,
        metadata: Object.fromEntries(named) as Record<string, string>,
        ...(storageClass !== undefined && { policy: { fileType: Number(storageClass) } }),
      });
    },
    async get(key) {
      const { status, bytes } = await download(kodo.downloadUrl(key));
      if (status === 200) return bytes;
      throw new KodoRefusal(status, JSON.parse(bytes.toString()));
    },
    async head(key) {
      const stat = await accepted(manager.stat(bucket, key));
      const meta = Object.entries(stat['x-qn-meta'] ?? {});
      return {
        'content-length': String(stat.fsize),
        'content-type': stat.mimeType,
        'etag': stat.hash,
        'type': String(stat.type),
        ...Object.fromEntries(meta.map(([name, value]) => [`x-qn-meta-${name}`, value])),
      };
    },
    async list(prefix, limit) {
      const keys: string[] = [];
      let marker: string | undefined = '';
      while (marker !== undefined) {
        const asked = manager.listPrefix(bucket, { prefix, limit, marker });
        const page: Awaited<typeof asked>['data'] = await accepted(asked);
        keys.push(...page.items.map(({ key }) => key));
        marker = page.marker;
      }
      return keys;
    },
    async remove(key) {
      await accepted(manager.delete(bucket, key));
    },
    async removeMany(keys) {
      await accepted(manager.batch(keys.map((key) => qiniu.rs.deleteOp(bucket, key))));
    },
    async copy(from, to) {
      await accepted(manager.copy(bucket, from, bucket, to, {}));
    },
    async putParts(key, parts) {
      const [{ length: partSize } = Buffer.of()] = parts;
      await kodo.putParts(key, Buffer.concat(parts), { partSize });
    },
    async restore(key) {
      await accepted(manager.restoreAr(`${bucket}:${key}`, 2));
    },
    signedUrl: (key) => kodo.downloadUrl(key),
  };
}

drive('qiniu, Kodo’s own protocol', {
  bucket,
  server: { dialect: 'qiniu' },
  beside: (server) => startKodo(server),
  open,
  cannot: {
    'encryption by the key service': 'Kodo has none',
    'an archived object, restored': 'Kodo reports it in its own form: see qiniu-native.test.ts',
  },
  facts: {
    ...{ metaPrefix: 'x-qn-meta-', etag: /^F[\w-]{27}$/, partsEtag: /^n[\w-]{27}$/, refusal: 401 },
    ...{ partSize: partSizes.usual, coolClass: ['1', 'type'] },
  },
});
