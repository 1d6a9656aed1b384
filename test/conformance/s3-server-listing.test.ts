import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';
import { KeyIndex } from '../kit/s3-server/key-index.ts';
import { type Item, walk } from '../kit/s3-server/walk.ts';

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Few characters, so that prefixes meet; some whose order UTF-16 has wrong. */
const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', '\uFF5E', '😀'), maxLength: 5 });

/** What a listing shows, without any cleverness. */
function slowWalk(
  keys: readonly string[],
  prefix: string,
  delimiter: string,
  after: string,
): string[] {
  const shown = keys
    .filter((each) => each.startsWith(prefix))
    .map((each) => {
      const cut = delimiter === '' ? -1 : each.indexOf(delimiter, prefix.length);
      return cut < 0 ? each : each.slice(0, cut + delimiter.length);
    });
  return [...new Set(shown)]
    .sort(byBytes)
    .filter((each) => after === '' || byBytes(each, after) > 0);
}

function name(item: Item): string {
  return 'key' in item ? item.key : item.prefix;
}

describe('listing', () => {
  test('a walk shows what a slow one shows', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          key.filter((each) => each !== ''),
          { maxLength: 30 },
        ),
        key,
        fc.constantFrom('', '/', 'ab'),
        key,
        (keys, prefix, delimiter, after) => {
          const sorted = keys.toSorted(byBytes);
          const items = walk(sorted, { prefix, delimiter, after }, () => true);
          assert.deepEqual([...items].map(name), slowWalk(keys, prefix, delimiter, after));
        },
      ),
      { interruptAfterTimeLimit: 2000, numRuns: 5000 },
    );
  });

  test('an index keeps its order however keys come and go', () => {
    const step = fc.record({ key, adds: fc.boolean(), looks: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const present = new Set<string>();
        const index = new KeyIndex();
        const look = (): string[] =>
          index.sorted((each) => present.has(each)).filter((each) => present.has(each));
        for (const { key: each, adds, looks } of steps) {
          if (adds && !present.has(each)) index.add(each);
          else if (!adds && present.has(each)) index.remove();
          if (adds) present.add(each);
          else present.delete(each);
          if (looks) assert.deepEqual(look(), [...present].sort(byBytes));
        }
        assert.deepEqual(look(), [...present].sort(byBytes));
      }),
      { interruptAfterTimeLimit: 1000, numRuns: 2000 },
    );
  });

  async function openServer(): Promise<S3Server> {
    const server = await startS3Server({ buckets: ['bucket'], verify: false });
    for (const each of ['a b', 'a+b', 'c/1', 'c/2', 'd']) server.bucket('bucket').put(each, '');
    return server;
  }

  async function list(server: S3Server, query: string): Promise<string> {
    return await (await fetch(`${server.url}/bucket?${query}`)).text();
  }

  test('the first version gives a marker with a delimiter only, and spells a space as a plus', async () => {
    await using server = await openServer();
    const plain = await list(server, 'max-keys=2&encoding-type=url');
    assert.match(plain, /<Key>a\+b<\/Key>.*<Key>a%2Bb<\/Key>/);
    assert.doesNotMatch(plain, /NextMarker/);
    const rolled = await list(server, 'max-keys=3&delimiter=/');
    assert.match(rolled, /<NextMarker>c\/<\/NextMarker>/);
    const rest = await list(server, 'delimiter=/&marker=c/');
    assert.deepEqual(rest.match(/<Key>[^<]*|<Prefix>c/g), ['<Key>d']);
  });

  test('the second version spells a space as %20 and takes only its own tokens', async () => {
    await using server = await openServer();
    assert.match(await list(server, 'list-type=2&encoding-type=url'), /<Key>a%20b<\/Key>/);
    assert.match(await list(server, 'list-type=2&continuation-token=!'), /InvalidArgument/);
    assert.match(await list(server, 'list-type=2&max-keys=0'), /<IsTruncated>false</);
  });

  test('versions are listed with their markers, and suspended versioning keeps one null version', async () => {
    await using server = await openServer();
    const bucket = server.bucket('bucket');
    bucket.versioning = 'Enabled';
    bucket.put('d', 'two');
    bucket.delete('d');
    bucket.versioning = 'Suspended';
    bucket.put('d', 'three');
    bucket.put('d', 'four');
    const ids = bucket
      .versions('d')
      .map((version) => `${version.versionId} ${version.deleteMarker}`);
    assert.deepEqual(ids, ['null false', 'v0000000002 true', 'v0000000001 false']);
    const listed = await list(server, 'versions&prefix=d');
    assert.deepEqual(listed.match(/<(Version|DeleteMarker)>/g), [
      '<Version>',
      '<DeleteMarker>',
      '<Version>',
    ]);
    assert.equal(bucket.bytes('d')?.toString(), 'four');
  });
});
