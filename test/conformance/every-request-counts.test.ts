import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StoreDialect } from '../../src/platform/stores/providers.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { CountedRequests } from '../kit/counted-requests.ts';
import { type Reply, sentBy } from '../kit/recorded-requests.ts';
import { startS3Server } from '../kit/s3-server/server.ts';
import { Secret } from '../../src/platform/base/seal.ts';
import { openAdapter } from '../../src/platform/stores/open-store.ts';
import { bodyOf } from './store.ts';

/*
 * What a server receives, what takes a turn of the pace, and what the metrics count is one number, also where an
 * adapter sends more than one request for a call.
 */

const { signal } = new AbortController();

interface Case {
  readonly what: string;
  readonly dialect: StoreDialect;
  readonly replies: readonly Reply[];
  readonly call: (store: Store) => Promise<unknown>;
  /** What each request was, and how it ended. */
  readonly expected: readonly string[];
}

const elsewhere = '<Error><Code>PermanentRedirect</Code><Region>eu-west-3</Region></Error>';
const denied = { status: 403 };
const page = (more: boolean, inner: string) => `<IsTruncated>${String(more)}</IsTruncated>${inner}`;
const part = (number: number) =>
  `<Part><PartNumber>${number}</PartNumber><Size>1</Size><ETag>"e"</ETag></Part>`;
const parts = (more: boolean, number: number) =>
  `<ListPartsResult>${page(more, part(number))}</ListPartsResult>`;
const upload = (id: string) =>
  `<Upload><Key>key</Key><UploadId>${id}</UploadId><Initiated>2024-01-01T00:00:00Z</Initiated></Upload>`;
const uploads = (more: boolean, id: string) =>
  `<ListMultipartUploadsResult>${page(more, upload(id))}</ListMultipartUploadsResult>`;
const head = (store: Store) => store.head('key', signal);
const completed = '<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>';

const cases: readonly Case[] = [
  {
    ...{ what: 'a redirect that is followed', dialect: 'AWS' },
    replies: [{ status: 301, text: elsewhere }, { text: 'x' }],
    call: async (store) => (await store.read('key', {}, signal)).body.bytes(),
    expected: ['read refused', 'read ok'],
  },
  {
    ...{ what: 'a redirect of a HEAD, whose reason a GET explains', dialect: 'AWS' },
    replies: [{ status: 301 }, { status: 301, text: elsewhere }, {}],
    call: head,
    expected: ['head refused', 'head refused', 'head ok'],
  },
  {
    ...{ what: 'a HEAD without the checksum that is denied', dialect: 'AWS' },
    replies: [denied, {}],
    call: head,
    expected: ['head denied', 'head ok'],
  },
  {
    ...{ what: 'pages of parts', dialect: 'AWS' },
    replies: [{ text: parts(true, 1) }, { text: parts(false, 2) }],
    call: (store) => store.resumeParts('key', 'id').listParts(signal),
    expected: ['listParts ok', 'listParts ok'],
  },
  {
    ...{ what: 'pages of uploads', dialect: 'AWS' },
    replies: [{ text: uploads(true, '1') }, { text: uploads(false, '2') }],
    call: (store) => store.listUploads('key', signal),
    expected: ['listUploads ok', 'listUploads ok'],
  },
  {
    ...{ what: 'the ETag of a completed upload', dialect: 'AWS' },
    replies: [{ text: completed }, {}],
    call: (store) => store.resumeParts('key', 'id').complete([{ number: 1, etag: '"e"' }], signal),
    expected: ['complete ok', 'complete ok'],
  },
  {
    ...{ what: 'removals with a condition', dialect: 'AWS' },
    replies: [{ status: 204 }, { status: 204 }],
    call: (store) =>
      store.remove(
        ['1', '2'].map((key) => ({ key, ifMatch: '"e"' })),
        signal,
      ),
    expected: ['remove ok', 'remove ok'],
  },
  {
    ...{ what: 'a refusal after the status of a success', dialect: 'AWS' },
    replies: [{ text: '<Error><Code>SlowDown</Code></Error>' }],
    call: (store) => store.copy({ bucket: 'bucket', key: 'from' }, 'key', signal),
    expected: ['copy throttled'],
  },
  {
    ...{ what: 'a document that is none', dialect: 'AWS' },
    replies: [{ text: '<html>' }],
    call: (store) => store.list({}, signal),
    expected: ['list bad-reply'],
  },
  {
    ...{ what: 'a copy at Azure, which begins with a HEAD', dialect: 'Azure' },
    replies: [{}, { status: 202, headers: { 'x-ms-copy-status': 'success' } }],
    call: (store) => store.copy({ bucket: 'bucket', key: 'from' }, 'key', signal),
    expected: ['copy ok', 'copy ok'],
  },
  {
    ...{ what: 'a removal at Azure of what may be gone', dialect: 'Azure' },
    replies: [{ status: 412 }, { status: 404 }],
    call: (store) => store.remove([{ key: 'key' }], signal),
    expected: ['remove changed', 'head not-found'],
  },
  {
    ...{ what: 'a restore at Azure', dialect: 'Azure' },
    replies: [{ headers: { 'x-ms-access-tier': 'Archive' } }, { status: 202 }],
    call: (store) => store.restore('key', { days: 1 }, signal),
    expected: ['restore ok', 'restore ok'],
  },
  {
    ...{ what: 'a throttled request at Azure', dialect: 'Azure' },
    replies: [{ status: 503, headers: { 'x-ms-error-code': 'ServerBusy' } }],
    call: head,
    expected: ['head throttled'],
  },
];

describe('every request takes a turn and counts', () => {
  for (const { what, dialect, replies, call, expected } of cases) {
    test(`${what}: ${expected.length}`, async () => {
      const counted = new CountedRequests();
      const settled = (store: Store) => call(store).catch(() => undefined);
      const { sent } = await sentBy(dialect, replies, settled, counted.connect);
      const ends = counted.reported.map(([operation, outcome]) => `${operation} ${outcome}`);
      assert.deepEqual(ends, expected);
      assert.equal(sent.length, expected.length);
      assert.equal(counted.turns, expected.length);
      const throttled = expected.map((end) => end.endsWith(' throttled'));
      assert.deepEqual(counted.refusals, throttled);
    });
  }

  for (const [dialect, text] of [
    ['AWS', '<ListBucketResult></ListBucketResult>'],
    ['Azure', '<EnumerationResults></EnumerationResults>'],
  ] as const) {
    test(`a list at ${dialect} says whether it is of a scan`, async () => {
      const counted = new CountedRequests();
      const lists = async (store: Store) => {
        await store.list({ forScan: true }, signal);
        await store.list({}, signal);
      };
      await sentBy(dialect, [{ text }, { text }], lists, counted.connect);
      assert.deepEqual(counted.works, ['scan', 'object']);
    });
  }

  test('each operation of a store', async () => {
    await using server = await startS3Server({ buckets: ['bucket'] });
    const { accessKeyId, secretAccessKey } = server.accessKey;
    const counted = new CountedRequests();
    await using store = openAdapter({
      ...{ dialect: 'AWS', region: 'us-east-1', bucket: 'bucket', endpoint: server.url },
      credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
      connect: counted.connect,
    });
    await store.put('key', bodyOf('x'), {}, signal);
    await store.head('key', signal);
    await (await store.read('key', {}, signal)).body.bytes();
    (await store.read('key', {}, signal)).body.discard();
    await store.list({}, signal);
    await store.copy({ bucket: 'bucket', key: 'key' }, 'copy', signal);
    const one = await store.startParts('parts', {}, signal);
    const receipt = await one.putPart(1, bodyOf('x'), signal);
    await one.listParts(signal);
    await store.listUploads('parts', signal);
    await one.complete([receipt], signal);
    const given = await store.startParts('parts', {}, signal);
    await given[Symbol.asyncDispose]();
    await store.remove([{ key: 'key' }, { key: 'copy' }], signal);
    await store.head('key', signal).catch(() => undefined);
    assert.equal(counted.turns, server.requests.total);
    assert.equal(counted.reported.length, server.requests.total);
    const operations = new Set(counted.reported.map(([operation]) => operation));
    assert.equal(operations.size, 12);
  });
});
