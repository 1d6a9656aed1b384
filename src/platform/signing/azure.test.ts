import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Secret } from '../base/seal.ts';
import { type AzureSasGrant, azureServiceSas } from './azure-sas.ts';
import { AzureSharedKeySigner } from './azure-shared-key.ts';
import { proves, series } from '../../../test/kit/matrix/proves.ts';

const accountKey = {
  account: 'myaccount',
  key: new Secret(Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')),
};
const START = Date.parse('2023-11-14T22:13:20Z');

/** Made by Microsoft's own client, @azure/storage-blob 12.32.0. */
describe('a service SAS', series('azure-signatures', { way: 'vector', clouds: ['Azure'] }), () => {
  const times = { startsAt: START, expiresAt: START + 3_600_000 };
  for (const [what, grant, token] of [
    [
      'for a blob, https only',
      {
        ...{ container: 'cont', key: 'dir/test.txt', permissions: 'r', httpsOnly: true },
        ...times,
      },
      'sv=2020-12-06&spr=https&st=2023-11-14T22%3A13%3A20Z&se=2023-11-14T23%3A13%3A20Z&sr=b&sp=r&sig=X9VgBjAnNqU1UeSKC4IVyNtB0ImzA55wm2rT1YqNx2k%3D',
    ],
    [
      'for a container',
      { container: 'cont', permissions: 'rl', ...times },
      'sv=2020-12-06&st=2023-11-14T22%3A13%3A20Z&se=2023-11-14T23%3A13%3A20Z&sr=c&sp=rl&sig=6gyggghCj8Xu3vcmfz3HxKkUsgfo5yLdSm7plWEB4dQ%3D',
    ],
  ] as const satisfies readonly (readonly [string, AzureSasGrant, string])[]) {
    test(what, proves('signature'), () => {
      assert.equal(azureServiceSas(accountKey, grant), token);
    });
  }
});

describe('a signature by the account key', () => {
  const signer = new AzureSharedKeySigner(accountKey);
  const request = {
    method: 'PUT',
    path: '/cont/dir/a%20b',
    query: { comp: 'block', blockid: 'YQ==' },
    headers: ['x-ms-version', '2021-12-02', 'x-ms-date', 'Tue, 14 Nov 2023 22:13:20 GMT'],
    size: 5,
  };

  test('does not depend on the order of headers, nor on parameters that are not sent', () => {
    const authorization = signer.authorization(request);
    assert.match(authorization, /^SharedKey myaccount:[\w+/]{43}=$/);
    const [version = '', value = '', ...date] = request.headers;
    const headers = [...date, version, value];
    const query = { blockid: 'YQ==', comp: 'block', versionid: undefined };
    assert.equal(signer.authorization({ ...request, headers, query }), authorization);
  });

  for (const [what, changed] of [
    ['the method', { method: 'GET' }],
    ['the path', { path: '/cont/dir/a%2520b' }],
    ['a parameter', { query: { comp: 'block', blockid: 'Yg==' } }],
    ['the length', { size: 6 }],
    ['a standard header', { headers: [...request.headers, 'if-none-match', '*'] }],
    ['a header of Azure', { headers: [...request.headers, 'x-ms-meta-a', ''] }],
  ] as const) {
    test(`covers ${what}`, () => {
      const authorization = signer.authorization({ ...request, ...changed });
      assert.notEqual(authorization, signer.authorization(request));
    });
  }
});
