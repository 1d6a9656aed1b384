import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6, type LookupFunction } from 'node:net';
import { describe, test } from 'node:test';
import { Secret } from '../../src/platform/base/seal.ts';
import { allowList } from '../../src/platform/http/allow-list.ts';
import { addressGuard } from '../../src/platform/http/guard.ts';
import { openStore } from '../../src/platform/stores/open-store.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { startTestService } from '../kit/service.ts';

/** Where users may not lead the service: by what they name, by what a name means, by a redirect. */

const credentials = {
  accessKeyId: 'an-access-key-id',
  secretAccessKey: new Secret('a-secret-key'),
};
const { signal } = new AbortController();

/** A server at an address of this machine; all of 127.0.0.0/8 is. */
class Listener implements AsyncDisposable {
  connections = 0;
  readonly requests: IncomingMessage[] = [];
  readonly #server: Server;

  constructor(answer: (response: ServerResponse) => void) {
    this.#server = createServer((request, response) => {
      this.requests.push(request);
      request.resume();
      answer(response);
    }).on('connection', () => (this.connections += 1));
  }

  async listen(host: string, port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(port, host, resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

interface Opened {
  readonly endpoint: string;
  readonly allowed?: readonly string[];
  readonly lookup?: LookupFunction;
}

function open({ endpoint, allowed = [], lookup }: Opened): Store {
  return openStore({
    dialect: 'AWS',
    endpoint,
    region: 'here',
    bucket: 'bucket',
    addressing: 'path',
    credentials,
    guard: addressGuard(allowList(...allowed)),
    lookup,
    retries: { attempts: 1 },
  });
}

/** Answers with the next of the given addresses; the last one stays. */
function resolving(...answers: string[][]): LookupFunction {
  return (_hostname, options, callback) => {
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? [];
    const found: LookupAddress[] = answer.map((address) => ({
      address,
      family: isIPv6(address) ? 6 : 4,
    }));
    if (options.all === true) callback(null, found);
    else callback(null, found[0]?.address ?? '', found[0]?.family ?? 4);
  };
}

async function isRefused(store: Store, why = /settings\.allowEndpoints/): Promise<void> {
  await assert.rejects(store.head('key', signal), {
    name: 'StoreError',
    fault: 'refused',
    message: why,
  });
}

const headers = { 'content-length': '1', 'etag': '"e"', 'last-modified': new Date().toUTCString() };

describe('an address', () => {
  for (const host of [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.0.0.1.',
    '[::ffff:127.0.0.1]',
    '[0:0:0:0:0:ffff:7f00:1]',
    '[::127.0.0.1]',
    '[::1]',
    'localhost',
    'LOCALHOST',
  ]) {
    test(`is known in any notation: ${host}`, async () => {
      await using inside = new Listener((response) => response.writeHead(200, headers).end());
      const port = await inside.listen('::').catch(() => inside.listen('0.0.0.0'));
      await using store = open({ endpoint: `http://${host}:${port}` });
      await isRefused(store);
      assert.equal(inside.connections, 0);
    });
  }
});

describe('a name', () => {
  test('that means another address the next time is looked at each time', async () => {
    await using outside = new Listener((response) =>
      response.writeHead(200, { ...headers, connection: 'close' }).end(),
    );
    await using inside = new Listener((response) => response.writeHead(200, headers).end());
    const port = await outside.listen('127.0.0.2');
    await inside.listen('127.0.0.1', port);
    // 127.0.0.2 plays the part of a public address.
    await using store = open({
      endpoint: `http://rebinding.example:${port}`,
      allowed: ['127.0.0.2'],
      lookup: resolving(['127.0.0.2'], ['127.0.0.1']),
    });
    await store.head('key', signal);
    await isRefused(store, /rebinding\.example does not lead to a public address/);
    assert.equal(outside.requests.length, 1);
    assert.equal(inside.connections, 0);
  });

  test('one of whose addresses is forbidden is refused whole', async () => {
    await using inside = new Listener((response) => response.writeHead(200, headers).end());
    const port = await inside.listen('127.0.0.1');
    for (const answer of [
      ['127.0.0.2', '127.0.0.1'],
      ['127.0.0.1', '127.0.0.2'],
      ['::ffff:127.0.0.1', '127.0.0.2'],
    ]) {
      const endpoint = `http://two.example:${port}`;
      await using store = open({ endpoint, allowed: ['127.0.0.2'], lookup: resolving(answer) });
      await isRefused(store);
    }
    assert.equal(inside.connections, 0);
  });

  test('that is allowed is no way to metadata', async () => {
    const lookup = resolving(['169.254.169.254']);
    await using store = open({ endpoint: 'http://minio.lan', allowed: ['minio.lan'], lookup });
    await isRefused(store, /minio\.lan does not lead .* by its address in \{settings/);
  });
});

describe('a redirect', () => {
  for (const status of [300, 301, 302, 303, 305, 307, 308]) {
    test(`is not followed, and takes no credentials elsewhere: ${status}`, async () => {
      await using other = new Listener((response) => response.writeHead(200, headers).end());
      const otherPort = await other.listen('127.0.0.1');
      let location = '';
      await using first = new Listener((response) =>
        response.writeHead(status, { location, refresh: `0; url=${location}` }).end(),
      );
      const port = await first.listen('127.0.0.1');
      await using store = open({ endpoint: `http://127.0.0.1:${port}`, allowed: ['127.0.0.1'] });
      for (location of [
        `http://127.0.0.1:${otherPort}/bucket/key`,
        `//127.0.0.1:${otherPort}/`,
        `http://an-access-key-id:x@127.0.0.1:${otherPort}/`,
        'http://169.254.169.254/latest/meta-data/',
        '/elsewhere',
        'file:///etc/passwd',
      ]) {
        await assert.rejects(store.head('key', signal), { name: 'StoreError' });
        await assert.rejects(store.read('key', {}, signal), { name: 'StoreError' });
      }
      // Each HEAD is repeated as a GET, whose answer could name the bucket's region.
      assert.equal(first.requests.length, 18);
      assert.ok(first.requests.every(({ url }) => url === '/bucket/key'));
      assert.equal(other.connections, 0);
    });
  }
});

describe('a task', () => {
  test('with a forbidden endpoint is not made, whichever side names it', async () => {
    await using service = await startTestService({
      works: false,
      settings: { allowEndpoints: [] },
    });
    const plain = { src_cloud_type: 'AWS', src_region: 'us-east-1', src_bucket: 'a' };
    const target = { dst_cloud_type: 'AWS', dst_region: 'us-east-1', dst_bucket: 'b' };
    const keys = { src_ak: 'ak-1', src_sk: 'sk-1', dst_ak: 'ak-2', dst_sk: 'sk-2' };
    for (const endpoint of [
      'http://169.254.169.254',
      'http://[fd00:ec2::254]',
      'http://metadata.google.internal',
      'http://127.0.0.1:5432',
      'http://0x7f.1',
      'https://example.com',
    ]) {
      for (const side of ['src_endpoint', 'dst_endpoint']) {
        const body = { ...plain, ...target, ...keys, [side]: endpoint };
        await assert.rejects(service.client.createTask(body), (error: Error) => {
          assert.match(error.message, /^400 /);
          assert.match(error.message, new RegExp(side));
          return true;
        });
      }
    }
  });
});
