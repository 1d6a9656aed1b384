import { createHash, randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  type CopyObjectCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type ListPartsCommandOutput,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { type Bench, type Checks, md5, otherEtag, refused, same, sample, unless } from './bench.ts';

const MiB = 1024 ** 2;
const parts = [randomBytes(5 * MiB), randomBytes(5 * MiB), randomBytes(MiB)];
const wholeMd5 = md5(Buffer.concat(parts));

async function begin(
  { client, bucket }: Bench,
  key: string,
  extra: Partial<CreateMultipartUploadCommandInput> = {},
): Promise<string> {
  const { UploadId = '' } = await client.send(
    new CreateMultipartUploadCommand({ Bucket: bucket, Key: key, ...extra }),
  );
  return UploadId;
}

async function putPart(
  { client, bucket }: Bench,
  upload: { readonly key: string; readonly id: string },
  number: number,
  bytes: Uint8Array | string,
): Promise<string> {
  const { ETag = '' } = await client.send(
    new UploadPartCommand({
      Bucket: bucket,
      Key: upload.key,
      UploadId: upload.id,
      PartNumber: number,
      Body: bytes,
    }),
  );
  return ETag;
}

async function complete(
  { client, bucket }: Bench,
  upload: { readonly key: string; readonly id: string },
  etags: readonly string[],
): Promise<void> {
  const Parts = etags.map((ETag, i) => ({ ETag, PartNumber: i + 1 }));
  await client.send(
    new CompleteMultipartUploadCommand({
      Bucket: bucket,
      Key: upload.key,
      UploadId: upload.id,
      MultipartUpload: { Parts },
    }),
  );
}

function listParts(
  { client, bucket }: Bench,
  key: string,
  id: string,
): Promise<ListPartsCommandOutput> {
  return client.send(new ListPartsCommand({ Bucket: bucket, Key: key, UploadId: id }));
}

/** Objects put in parts. */
export const multipartChecks: Checks = {
  async 'multipart.three-parts'(bench) {
    const extra = { ContentType: 'a/b', Metadata: { k: 'v' }, CacheControl: 'max-age=9' };
    const upload = { key: 'mp', id: await begin(bench, 'mp', extra) };
    const etags: string[] = [];
    for (const [i, bytes] of parts.entries()) {
      etags.push(await putPart(bench, upload, i + 1, bytes));
      same(etags[i], `"${md5(bytes)}"`, 'ETag of a part');
    }
    await complete(bench, upload, etags);
    const got = await bench.get('mp');
    const md5s = Buffer.concat(parts.map((bytes) => createHash('md5').update(bytes).digest()));
    same(md5(got.bytes), wholeMd5, 'bytes');
    same(got.ETag, `"${md5(md5s)}-3"`, 'ETag');
    return unless([
      got.Metadata?.['k'] !== 'v' && 'metadata lost',
      got.ContentType !== 'a/b' && 'content type lost',
      got.CacheControl !== 'max-age=9' && 'cache control lost',
    ]);
  },
  async 'multipart.get-part'(bench) {
    const got = await bench.get('mp', { PartNumber: 2 });
    same(md5(got.bytes), md5(parts[1] ?? Buffer.alloc(0)), 'bytes of part 2');
    return unless([got.PartsCount !== 3 && `parts count is ${String(got.PartsCount)}`]);
  },
  async 'multipart.list-parts'(bench) {
    const id = await begin(bench, 'mp2');
    bench.notes.set('upload', id);
    await putPart(bench, { key: 'mp2', id }, 2, 'last');
    await putPart(bench, { key: 'mp2', id }, 1, 'first');
    const { Parts = [] } = await listParts(bench, 'mp2', id);
    same(Parts.map((part) => `${part.PartNumber}:${part.Size}`).join(), '1:5,2:4', 'parts');
    return undefined;
  },
  async 'multipart.list-uploads'(bench) {
    const { Uploads = [] } = await bench.client.send(
      new ListMultipartUploadsCommand({ Bucket: bench.bucket, Prefix: 'mp2' }),
    );
    same(Uploads.map((upload) => upload.UploadId).join(), bench.notes.get('upload'), 'uploads');
    return undefined;
  },
  'multipart.invisible': (bench) => refused(bench.head('mp2'), 404),
  async 'multipart.abort'(bench) {
    const id = bench.notes.get('upload') ?? '';
    await bench.client.send(
      new AbortMultipartUploadCommand({ Bucket: bench.bucket, Key: 'mp2', UploadId: id }),
    );
    return refused(listParts(bench, 'mp2', id), 'NoSuchUpload', 'NoSuchKey');
  },
  async 'multipart.too-small'(bench) {
    const upload = { key: 'mp3', id: await begin(bench, 'mp3') };
    const etags = [
      await putPart(bench, upload, 1, 'small'),
      await putPart(bench, upload, 2, 'small'),
    ];
    return refused(complete(bench, upload, etags), 'EntityTooSmall');
  },
  async 'multipart.wrong-etag'(bench) {
    const upload = { key: 'mp4', id: await begin(bench, 'mp4') };
    await putPart(bench, upload, 1, 'small');
    return refused(complete(bench, upload, [otherEtag]), 'InvalidPart');
  },
  async 'multipart.copied-parts'(bench) {
    const id = await begin(bench, 'mpc');
    const etags: string[] = [];
    for (const [i, range] of [`0-${5 * MiB - 1}`, `${5 * MiB}-${11 * MiB - 1}`].entries()) {
      const { CopyPartResult } = await bench.client.send(
        new UploadPartCopyCommand({
          Bucket: bench.bucket,
          Key: 'mpc',
          UploadId: id,
          PartNumber: i + 1,
          CopySource: `${bench.bucket}/mp`,
          CopySourceRange: `bytes=${range}`,
        }),
      );
      etags.push(CopyPartResult?.ETag ?? '');
    }
    await complete(bench, { key: 'mpc', id }, etags);
    same(md5((await bench.get('mpc')).bytes), wholeMd5, 'bytes');
    return undefined;
  },
};

async function copy(
  { client, bucket }: Bench,
  from: string,
  to: string,
  extra: Partial<CopyObjectCommandInput> = {},
): Promise<void> {
  const CopySource = `${bucket}/${from.split('/').map(encodeURIComponent).join('/')}`;
  await client.send(new CopyObjectCommand({ Bucket: bucket, Key: to, CopySource, ...extra }));
}

/** Copies within the server. */
export const copyChecks: Checks = {
  async 'copy.keeps'(bench) {
    await bench.put('cs', sample, { ContentType: 'text/z', Metadata: { a: '1' } });
    await copy(bench, 'cs', 'cd');
    const got = await bench.get('cd');
    same(md5(got.bytes), md5(sample), 'bytes');
    same(got.Metadata?.['a'], '1', 'metadata');
    same(got.ContentType, 'text/z', 'content type');
    return undefined;
  },
  async 'copy.replaces'(bench) {
    await copy(bench, 'cs', 'cd2', {
      MetadataDirective: 'REPLACE',
      Metadata: { b: '2' },
      ContentType: 'text/y',
    });
    const head = await bench.head('cd2');
    same(JSON.stringify(head.Metadata), '{"b":"2"}', 'metadata');
    same(head.ContentType, 'text/y', 'content type');
    return undefined;
  },
  async 'copy.onto-itself'(bench) {
    await copy(bench, 'cs', 'cs', { MetadataDirective: 'REPLACE', Metadata: { c: '3' } });
    const got = await bench.get('cs');
    same(got.Metadata?.['c'], '3', 'metadata');
    same(md5(got.bytes), md5(sample), 'bytes');
    return undefined;
  },
  'copy.onto-itself-unchanged': (bench) => refused(copy(bench, 'cs', 'cs'), 'InvalidRequest'),
  async 'copy.odd-source'(bench) {
    const key = 'w/日本 +%25é';
    await bench.put(key, sample);
    await copy(bench, key, 'cd3');
    same(md5((await bench.get('cd3')).bytes), md5(sample), 'bytes');
    return undefined;
  },
  'copy.if-match': (bench) =>
    refused(copy(bench, 'cs', 'cd4', { CopySourceIfMatch: otherEtag }), 412),
  'copy.missing': (bench) => refused(copy(bench, 'nowhere', 'cd5'), 'NoSuchKey'),
  async 'copy.keeps-tags'(bench) {
    await bench.put('tagged', sample, { Tagging: 'a=1' });
    await copy(bench, 'tagged', 'tagged-copy');
    same((await bench.get('tagged-copy')).TagCount, 1, 'tags');
    return undefined;
  },
};
