import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Secret } from '../../base/seal.ts';
import { openStore } from '../open-store.ts';
import type { StoreDialect } from '../providers.ts';

const { signal } = new AbortController();
const key = Buffer.from('secret').toString('base64');
const credentials = { accessKeyId: 'account', secretAccessKey: new Secret(key) };

interface Refusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
}

/** A bucket that has one object, and a CDN before it that passes on how a read of it is refused. */
async function readOf(dialect: StoreDialect, { status, headers, text = '' }: Refusal) {
  const server = createServer(({ method }, response) => {
    if (method === 'HEAD') {
      const head = { 'etag': '"e"', 'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT' };
      response.writeHead(200, { ...head, 'content-length': 1 }).end();
    } else response.writeHead(status, headers).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  const endpoint = `http://127.0.0.1:${port}`;
  const shared = { origin: endpoint, key: undefined, guard: undefined };
  await using store = openStore({
    ...{ dialect, region: 'r', bucket: 'bucket', endpoint, credentials },
    retries: { attempts: 1 },
    cdn: { ...shared, authenticationType: 'NONE', appId: undefined },
  });
  try {
    const { body } = await store.read('key', {}, signal);
    body.discard();
  } finally {
    server.close();
  }
}

for (const [dialect, refusal, fault] of [
  ['AWS', { status: 403, text: '<Error><Code>InvalidObjectState</Code></Error>' }, 'archived'],
  ['AWS', { status: 503, text: '<Error><Code>SlowDown</Code></Error>' }, 'throttled'],
  ['AWS', { status: 403, text: '<Error><Code>SignatureDoesNotMatch</Code></Error>' }, 'denied'],
  ['AWS', { status: 404, text: '<Error><Code>NoSuchKey</Code></Error>' }, 'stale-cdn'],
  ['Azure', { status: 409, headers: { 'x-ms-error-code': 'BlobArchived' } }, 'archived'],
  ['Azure', { status: 409, text: '<Error><Code>BlobBeingRehydrated</Code></Error>' }, 'archived'],
  ['Azure', { status: 409 }, 'refused'],
  ['Baidu', { status: 403, text: '{"code":"ArchiveObjectNotRestore"}' }, 'archived'],
  ['Baidu', { status: 403, text: '<html>no</html>' }, 'denied'],
] as const) {
  test(`through a CDN of ${dialect}, ${JSON.stringify(refusal)} is ${fault}`, async () => {
    await assert.rejects(readOf(dialect, refusal), { fault });
  });
}
