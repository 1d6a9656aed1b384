import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { makeCertificate } from '../../../test/kit/certificate.ts';
import { whyUnreachable } from './unreachable.ts';

async function listening(server: Server): Promise<AsyncDisposable & { readonly port: number }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on TCP has an address of this kind.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function whyNot(url: string): Promise<string> {
  try {
    await fetch(url);
  } catch (error) {
    return whyUnreachable(url, error);
  }
  return 'it answered';
}

describe('why a service cannot be reached', () => {
  test('an untrusted certificate, one for another name, and http for https', async () => {
    const ours = createTlsServer(await makeCertificate(['127.0.0.1']));
    await using server = await listening(ours);
    assert.match(
      await whyNot(`https://127.0.0.1:${server.port}`),
      /certificate is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\).* NODE_EXTRA_CA_CERTS$/,
    );
    assert.match(
      await whyNot(`http://127.0.0.1:${server.port}`),
      /does not speak plain HTTP \(\w+\); try https:/,
    );
  });

  test('https for http, and no server at the address', async () => {
    let port: number;
    {
      await using server = await listening(createServer());
      port = server.port;
      assert.match(
        await whyNot(`https://127.0.0.1:${port}`),
        /does not speak TLS \(\w+\); try http:/,
      );
    }
    assert.match(await whyNot(`http://127.0.0.1:${port}`), /nothing listens there/);
  });

  test('a name that no host has', () => {
    const cause = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
    const error = new TypeError('fetch failed', { cause });
    assert.equal(
      whyUnreachable('https://brigade.example', error),
      'no host is named brigade.example (ENOTFOUND)',
    );
  });
});
