import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allowList, coversUrl, readAllowed } from './allow-list.ts';

function covers(entry: string, url: string): boolean {
  const [allowed] = allowList(entry);
  return allowed !== undefined && coversUrl(allowed, new URL(url));
}

describe('an entry of the allow list covers', () => {
  for (const [entry, ...urls] of [
    ['minio.lan', 'http://minio.lan', 'https://MINIO.lan:9000'],
    ['Minio.LAN:9000', 'http://minio.lan:9000'],
    ['minio.lan:443', 'https://minio.lan'],
    ['*.lan', 'http://a.lan', 'http://a.b.lan:1'],
    ['*.lan:9000', 'http://a.lan:9000'],
    ['10.0.0.5', 'http://10.0.0.5', 'http://10.0.0.5:9000'],
    ['10.0.0.5:9000', 'http://10.0.0.5:9000'],
    ['127.1', 'http://127.0.0.1'],
    ['::1', 'http://[::1]', 'http://[0:0::1]:9000'],
    ['[::1]', 'http://[::1]:9000'],
    ['[::1]:9000', 'http://[::1]:9000'],
    ['[FD00:0::7]:9000', 'http://[fd00::7]:9000'],
    ['0:0:0:0:0:0:0:1', 'http://[::1]'],
    ['http://[::1]:9000', 'http://[::1]:9000', 'https://[::1]:9000'],
    ['https://[::1]/', 'https://[::1]'],
    ['https://minio.lan', 'https://minio.lan', 'http://minio.lan:443'],
    ['HTTP://minio.lan:80/', 'http://minio.lan'],
    ['10.1.2.3/16', 'http://10.1.200.1:9000'],
    ['fd00::/8', 'http://[fd12::1]'],
  ] as const) {
    test(`${entry}: ${urls.join(', ')}`, () => {
      for (const url of urls) assert.equal(covers(entry, url), true, url);
    });
  }
});

describe('an entry of the allow list does not cover', () => {
  for (const [entry, ...urls] of [
    ['minio.lan', 'http://a.minio.lan', 'http://xminio.lan', 'http://minio.lan.', 'http://lan'],
    ['minio.lan:9000', 'http://minio.lan', 'http://minio.lan:9001'],
    ['*.lan', 'http://lan', 'http://xlan', 'http://a.lan.x'],
    ['*.lan:9000', 'http://a.lan'],
    ['https://minio.lan', 'http://minio.lan', 'https://minio.lan:8443'],
    ['10.0.0.5:9000', 'http://10.0.0.5', 'http://10.0.0.6:9000'],
    ['[::1]:9000', 'http://[::1]', 'http://[::2]:9000'],
    ['10.1.0.0/16', 'http://10.2.0.1', 'http://[::ffff:10.1.0.1]', 'http://a.lan'],
    ['::/0', 'http://10.0.0.1', 'http://a.lan'],
  ] as const) {
    test(`${entry}: ${urls.join(', ')}`, () => {
      for (const url of urls) assert.equal(covers(entry, url), false, url);
    });
  }
});

for (const text of [
  '',
  '*',
  '*.',
  '*.10.0.0.1',
  'a b',
  'a/b',
  'host:0',
  'host:65536',
  'host:x',
  ':9000',
  'a..b',
  '-a.b',
  '10.0.0.0/33',
  '10/8',
  'fd00::/129',
  '[::1',
  '::1]',
  '[10.0.0.1]:9000',
  'fe80::1%eth0',
  '[fe80::1%25eth0]',
  'https://',
  'https://*.lan',
  'https://host/path',
  'https://user@host',
  'https://user:password@host',
  'https://host?x',
  'ftp://host',
  'a.lan/16',
  'a@b',
  'a%2eb',
]) {
  test(`no entry of an allow list: ${text}`, () => {
    assert.equal(readAllowed(text), undefined);
    assert.throws(() => allowList(text), RangeError);
  });
}
