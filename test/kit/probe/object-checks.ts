import { createHash } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketLocationCommand,
  GetObjectAttributesCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import {
  type Bench,
  type Checks,
  md5,
  ok,
  otherEtag,
  refused,
  same,
  sample,
  unless,
} from './bench.ts';

/** Checks of the bucket itself and of authentication. They must run first. */
export const bucketChecks: Checks = {
  async 'bucket.create'({ client, bucket }) {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    return undefined;
  },
  async 'bucket.head'({ client, bucket }) {
    await client.send(new HeadBucketCommand({ Bucket: bucket }));
    return undefined;
  },
  async 'bucket.list'({ client, bucket }) {
    const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
    same(
      Buckets.some(({ Name }) => Name === bucket),
      true,
      'listed',
    );
    return undefined;
  },
  async 'bucket.location'({ client, bucket }) {
    const { LocationConstraint } = await client.send(
      new GetBucketLocationCommand({ Bucket: bucket }),
    );
    return ok(String(LocationConstraint));
  },
  'bucket.missing': ({ client, bucket }) =>
    refused(client.send(new ListObjectsV2Command({ Bucket: `nope-${bucket}` })), 'NoSuchBucket'),
  async 'bucket.not-empty'(bench) {
    await bench.put('o1', sample);
    return refused(
      bench.client.send(new DeleteBucketCommand({ Bucket: bench.bucket })),
      'BucketNotEmpty',
    );
  },
  'auth.wrong-secret': (bench) =>
    refused(
      listWith(bench, { credentials: { ...bench.keys, secretAccessKey: 'wrong' } }),
      'SignatureDoesNotMatch',
    ),
  'auth.unknown-key': (bench) =>
    refused(
      listWith(bench, { credentials: { ...bench.keys, accessKeyId: 'UNKNOWN' } }),
      'InvalidAccessKeyId',
    ),
  async 'auth.anonymous'({ endpoint, bucket }) {
    const response = await fetch(`${endpoint}/${bucket}?list-type=2`);
    await response.text();
    same(response.status, 403, 'status');
    return undefined;
  },
  'auth.clock-skew': (bench) =>
    refused(listWith(bench, { systemClockOffset: 3600_000 }), 'RequestTimeTooSkewed'),
};

async function listWith(bench: Bench, config: Parameters<Bench['makeClient']>[0]): Promise<void> {
  const client = bench.makeClient(config);
  try {
    await client.send(new ListObjectsV2Command({ Bucket: bench.bucket }));
  } finally {
    client.destroy();
  }
}

const contentHeaders = {
  ContentType: 'text/x-foo; charset=utf-8',
  CacheControl: 'max-age=7',
  ContentDisposition: 'attachment; filename="a.txt"',
  ContentEncoding: 'gzip',
  ContentLanguage: 'fr',
} as const;

/** Putting, reading and deleting single objects, and what is written beside the bytes. */
export const objectChecks: Checks = {
  'object.missing-get': (bench) => refused(bench.get('nope'), 'NoSuchKey'),
  'object.missing-head': (bench) => refused(bench.head('nope'), 404),
  async 'object.put-get'(bench) {
    const put = await bench.put('o1', sample);
    const got = await bench.get('o1');
    same(md5(got.bytes), md5(sample), 'bytes');
    same(put.ETag, `"${md5(sample)}"`, 'ETag of put');
    same(got.ETag, put.ETag, 'ETag of get');
    return undefined;
  },
  async 'object.empty'(bench) {
    await bench.put('empty', Buffer.alloc(0));
    same((await bench.get('empty')).ContentLength, 0, 'length');
    return undefined;
  },
  async 'object.content-headers'(bench) {
    await bench.put('headers', sample, {
      ...contentHeaders,
      Expires: new Date('2030-01-02T03:04:05Z'),
    });
    const head = await bench.head('headers');
    // The SDK's output has these names; the type of the pairs is lost on the way.
    const names = Object.keys(contentHeaders) as (keyof typeof contentHeaders)[];
    return unless([
      ...names.map(
        (name) => head[name] !== contentHeaders[name] && `${name} is ${String(head[name])}`,
      ),
      head.ExpiresString === undefined && 'Expires lost',
    ]);
  },
  async 'object.website-redirect'(bench) {
    await bench.put('redirect', sample, { WebsiteRedirectLocation: '/other' });
    same((await bench.head('redirect')).WebsiteRedirectLocation, '/other', 'location');
    return undefined;
  },
  async 'object.default-content-type'(bench) {
    const { ContentType = '' } = await bench.head('o1');
    same(/^(application|binary)\/octet-stream$/.test(ContentType), true, ContentType);
    return ok(ContentType);
  },
  async 'object.last-modified'(bench) {
    const { LastModified: headed } = await bench.head('o1');
    const { Contents: [entry] = [] } = await bench.client.send(
      new ListObjectsV2Command({ Bucket: bench.bucket, Prefix: 'o1' }),
    );
    const far = Math.abs(Number(headed) - Date.now()) > 120_000;
    const apart = Math.abs(Number(headed) - Number(entry?.LastModified)) >= 1000;
    same(far || apart, false, `head ${String(headed)}, list ${String(entry?.LastModified)}`);
    return undefined;
  },
  'object.bad-md5': (bench) =>
    refused(
      bench.put('bad', sample, { ContentMD5: createHash('md5').update('x').digest('base64') }),
      'BadDigest',
    ),
  async 'object.bad-md5-leaves-nothing'(bench) {
    return refused(bench.head('bad'), 404);
  },
  async 'object.delete'(bench) {
    await bench.put('gone', 'x');
    await bench.client.send(new DeleteObjectCommand({ Bucket: bench.bucket, Key: 'gone' }));
    await bench.client.send(new DeleteObjectCommand({ Bucket: bench.bucket, Key: 'never' }));
    return refused(bench.head('gone'), 404);
  },
  async 'metadata.ascii'(bench) {
    const Metadata = { foo: 'bar', 'x-mixed-case': 'V', mtime: '1600000000.123456789' };
    await bench.put('m1', sample, { Metadata });
    same(
      JSON.stringify(sorted((await bench.head('m1')).Metadata)),
      JSON.stringify(sorted(Metadata)),
      'metadata',
    );
    return undefined;
  },
  async 'metadata.rfc2047'(bench) {
    const value = `=?UTF-8?B?${Buffer.from('日本語').toString('base64')}?=`;
    await bench.put('m2', sample, { Metadata: { u: value } });
    same((await bench.head('m2')).Metadata?.['u'], value, 'value');
    return undefined;
  },
  async 'metadata.2-kb'(bench) {
    await bench.put('m4', sample, { Metadata: { big: 'x'.repeat(2000) } });
    same((await bench.head('m4')).Metadata?.['big']?.length, 2000, 'length');
    return undefined;
  },
  'metadata.too-large': (bench) =>
    refused(bench.put('m5', sample, { Metadata: { big: 'x'.repeat(4000) } }), 'MetadataTooLarge'),
  async 'get.range'(bench) {
    await bench.put('range', '0123456789');
    const wanted = [
      ['bytes=2-4', '234', 'bytes 2-4/10'],
      ['bytes=-3', '789', 'bytes 7-9/10'],
      ['bytes=5-', '56789', 'bytes 5-9/10'],
      ['bytes=8-99', '89', 'bytes 8-9/10'],
    ] as const;
    for (const [Range, bytes, contentRange] of wanted) {
      const got = await bench.get('range', { Range });
      same(got.bytes.toString(), bytes, Range);
      same(got.ContentRange, contentRange, Range);
    }
    return refused(bench.get('range', { Range: 'bytes=20-30' }), 'InvalidRange');
  },
  async 'get.conditional'(bench) {
    const { ETag } = await bench.put('cond', 'x');
    await refused(bench.get('cond', { IfNoneMatch: ETag }), 304);
    await refused(bench.get('cond', { IfMatch: otherEtag }), 412);
    await refused(bench.get('cond', { IfModifiedSince: new Date(Date.now() + 1000) }), 304);
    await refused(bench.get('cond', { IfUnmodifiedSince: new Date('2000-01-01') }), 412);
    same((await bench.get('cond', { IfMatch: ETag })).bytes.toString(), 'x', 'If-Match');
    return undefined;
  },
  async 'get.response-overrides'(bench) {
    const got = await bench.get('o1', {
      ResponseContentDisposition: 'attachment; filename=x',
      ResponseContentType: 'text/x',
    });
    same(got.ContentDisposition, 'attachment; filename=x', 'disposition');
    same(got.ContentType, 'text/x', 'type');
    return undefined;
  },
  async 'get.attributes'({ client, bucket }) {
    const { ObjectSize } = await client.send(
      new GetObjectAttributesCommand({
        Bucket: bucket,
        Key: 'o1',
        ObjectAttributes: ['ETag', 'ObjectSize'],
      }),
    );
    same(ObjectSize, sample.length, 'size');
    return undefined;
  },
  async 'put.if-none-match'(bench) {
    await bench.put('cond', 'x');
    await refused(bench.put('cond', 'y', { IfNoneMatch: '*' }), 412);
    await bench.put('cond-new', 'y', { IfNoneMatch: '*' });
    return undefined;
  },
  async 'put.if-match-other'(bench) {
    await bench.put('cond', 'x');
    return refused(bench.put('cond', 'y', { IfMatch: otherEtag }), 412);
  },
  async 'put.if-match'(bench) {
    const { ETag } = await bench.put('cond', 'x');
    await bench.put('cond', 'z', { IfMatch: ETag });
    return undefined;
  },
};

function sorted(record: Record<string, string> | undefined): [string, string][] {
  return Object.entries(record ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}
