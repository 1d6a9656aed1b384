import { DeleteObjectsCommand, ListObjectsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { eachConcurrently } from '../../../src/platform/base/concurrently.ts';
import { type Bench, type Checks, ok, refused, same, unless } from './bench.ts';

/** Enough for a second page. */
const KEY_COUNT = 1100;

const manyKeys = Array.from(
  { length: KEY_COUNT },
  (_, i) => `l/d${i % 10}/k${String(i).padStart(5, '0')}`,
);

/** Listings of many keys, in every manner that S3 has. */
export const listingChecks: Checks = {
  async 'list.seed'(bench) {
    const limits = { concurrency: 16, signal: AbortSignal.timeout(120_000) };
    await eachConcurrently(manyKeys, limits, async (key) => {
      await bench.put(key, 'x');
    });
    return undefined;
  },
  async 'list.all'(bench) {
    const { keys, pages } = await bench.listAll({ Prefix: 'l/' });
    same(keys.join(), manyKeys.toSorted().join(), 'keys');
    same(pages, 2, 'pages');
    return undefined;
  },
  async 'list.max-keys'(bench) {
    const { keys, pages } = await bench.listAll({ Prefix: 'l/d3/', MaxKeys: 7 });
    same(keys.length, KEY_COUNT / 10, 'keys');
    same(pages, Math.ceil(KEY_COUNT / 70), 'pages');
    return undefined;
  },
  async 'list.delimiter'(bench) {
    const { keys, prefixes } = await bench.listAll({ Prefix: 'l/', Delimiter: '/' });
    same(prefixes.length, 10, 'prefixes');
    same(keys.length, 0, 'keys');
    return undefined;
  },
  async 'list.delimiter-pages'(bench) {
    const { prefixes } = await bench.listAll({ Prefix: 'l/', Delimiter: '/', MaxKeys: 3 });
    same(prefixes.length, 10, 'prefixes');
    same(new Set(prefixes).size, 10, 'different prefixes');
    return undefined;
  },
  async 'list.delimiter-of-two'(bench) {
    const { prefixes } = await bench.listAll({ Prefix: 'l/d1/', Delimiter: 'k0' });
    same(prefixes.join(), 'l/d1/k0', 'prefixes');
    return undefined;
  },
  async 'list.start-after'(bench) {
    const { keys } = await bench.listAll({ Prefix: 'l/', StartAfter: 'l/d8/k00500' });
    same(keys.length, manyKeys.filter((key) => key > 'l/d8/k00500').length, 'keys');
    return undefined;
  },
  async 'list.start-after-missing-key'({ client, bucket }) {
    const StartAfter = 'l/d8/k00500zzz';
    const { Contents: [entry] = [] } = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: 'l/', StartAfter, MaxKeys: 1 }),
    );
    same(
      entry?.Key,
      manyKeys.toSorted().find((key) => key > StartAfter),
      'first key',
    );
    return undefined;
  },
  async 'list.v1-marker'({ client, bucket }) {
    const seen: string[] = [];
    let marker: string | undefined;
    do {
      const {
        Contents = [],
        IsTruncated,
        NextMarker,
      } = await client.send(
        new ListObjectsCommand({ Bucket: bucket, Prefix: 'l/', Marker: marker }),
      );
      seen.push(...Contents.map((entry) => entry.Key ?? ''));
      marker = IsTruncated === true ? (NextMarker ?? seen.at(-1)) : undefined;
    } while (marker !== undefined && seen.length < KEY_COUNT * 2);
    same(seen.length, KEY_COUNT, 'keys');
    return undefined;
  },
  async 'list.v1-delimiter-pages'({ client, bucket }) {
    const seen: string[] = [];
    let marker: string | undefined;
    do {
      const {
        CommonPrefixes = [],
        IsTruncated,
        NextMarker,
      } = await client.send(
        new ListObjectsCommand({
          Bucket: bucket,
          Prefix: 'l/',
          Delimiter: '/',
          MaxKeys: 3,
          Marker: marker,
        }),
      );
      seen.push(...CommonPrefixes.map((each) => each.Prefix ?? ''));
      if (IsTruncated === true) same(typeof NextMarker, 'string', 'type of NextMarker');
      marker = IsTruncated === true ? NextMarker : undefined;
    } while (marker !== undefined && seen.length < 100);
    same(seen.length, 10, 'prefixes');
    return undefined;
  },
  async 'list.fetch-owner'({ client, bucket }) {
    const { Contents: [entry] = [] } = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, FetchOwner: true, MaxKeys: 1 }),
    );
    same(typeof entry?.Owner?.ID, 'string', 'type of the owner');
    return undefined;
  },
  async 'delete.batches'(bench) {
    const { keys } = await bench.listAll({ Prefix: 'l/' });
    for (let i = 0; i < keys.length; i += 1000) {
      const Objects = keys.slice(i, i + 1000).map((Key) => ({ Key }));
      const { Errors = [] } = await bench.client.send(
        new DeleteObjectsCommand({ Bucket: bench.bucket, Delete: { Objects, Quiet: true } }),
      );
      same(Errors.length, 0, 'errors');
    }
    same((await bench.listAll({ Prefix: 'l/' })).keys.length, 0, 'keys left');
    return undefined;
  },
};

const oddKeys: Readonly<Record<string, string>> = {
  'space': 'w/a b',
  'plus': 'w/a+b',
  'percent': 'w/a%b',
  'percent-2F': 'w/a%2Fb',
  'percent-20': 'w/a%20b',
  'unicode': 'w/日本語/ключ/é',
  'decomposed': 'w/e\u0301',
  'emoji': 'w/😀\u{10FFFF}',
  'high-bmp': 'w/\uFF5E',
  'dot-dot': 'w/../up',
  'dot-dot-first': '../up',
  'dot': 'w/./x',
  'double-slash': 'w//a',
  'slash-first': '/first',
  'slash-last': 'w/last/',
  'xml': 'w/a&b<c>"\'',
  'control': 'w/a\u0001b',
  'newline': 'w/a\nb',
  'tab': 'w/a\tb',
  'backslash': 'w/a\\b',
  'question-mark': 'w/a?b=c',
  'hash': 'w/a#b',
  'punctuation': "w/~!*'()$,:;=@[]{}|^`",
  'longest': `w/${'x'.repeat(1022)}`,
  'long-segment': `w/${'y'.repeat(300)}`,
  'deep': `w/${'d/'.repeat(400)}z`,
  'folder-and-object': 'w/df',
  'object-below': 'w/df/child',
  'only-dot': '.',
  'only-dot-dot': '..',
};

/** Keys that other stores stumble over. */
export const keyChecks: Checks = {
  ...Object.fromEntries(
    Object.entries(oddKeys).map(([name, key]) => [
      `key.${name}`,
      async (bench: Bench) => {
        await bench.put(key, `bytes of ${name}`);
        same((await bench.get(key)).bytes.toString(), `bytes of ${name}`, 'bytes');
        return undefined;
      },
    ]),
  ),
  async 'key.list-url-encoded'(bench) {
    const { keys } = await bench.listAll({ EncodingType: 'url' });
    const seen = new Set(keys.map((key) => decodeURIComponent(key.replaceAll('+', ' '))));
    same(
      keys.some((key) => key.includes('%E6')),
      true,
      'encoded',
    );
    return unless(missing(seen));
  },
  async 'key.list-plain'(bench) {
    const { keys } = await bench.listAll();
    return unless(missing(new Set(keys)));
  },
  async 'key.order'(bench) {
    const { keys } = await bench.listAll({ Prefix: 'w/' });
    const inOrder = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    same(keys.join('\0'), inOrder.join('\0'), 'order of UTF-8 bytes');
    return ok(`${keys.length} keys`);
  },
  'key.too-long': (bench) => refused(bench.put('x'.repeat(1025), 'x'), 'KeyTooLongError', 400),
};

function missing(seen: ReadonlySet<string>): string[] {
  return Object.entries(oddKeys)
    .filter(([, key]) => !seen.has(key))
    .map(([name]) => `${name} is not listed`);
}
