import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Secret } from '../base/seal.ts';
import { azureCredentials, AzureCredentialsError } from './azure-credentials.ts';

const KEY = Buffer.from('a key of sixteen').toString('base64');
const SAS = 'sv=2020-12-06&sr=c&sp=rl&se=2040-01-01T00%3A00%3A00Z&sig=c2VjcmV0%2Bc2lnbmF0dXJl%3D';

/** Made by Microsoft's own client, @azure/storage-blob 12.32.0. */
const ACCOUNT_SAS =
  'sv=2020-12-06&ss=b&srt=sco&st=2023-11-14T22%3A13%3A20Z&se=2023-11-14T23%3A13%3A20Z&sp=rl&sig=pn0aLx3eTsB84jscN2vK2tSpOLZgF90Y5XkX8vB6WQU%3D';

function read(accessKeyId: string, secret: string) {
  const read = azureCredentials({ accessKeyId, secretAccessKey: new Secret(secret) });
  const { kind, account, endpoint } = read;
  return [kind, account, (read.kind === 'key' ? read.key : read.token).reveal(), endpoint];
}

describe('credentials of Azure', () => {
  for (const [what, accessKeyId, secret, expected] of [
    ['an account and its key', 'account', KEY, ['key', 'account', KEY, undefined]],
    ['with spaces around them', ' account\n', `${KEY}\n`, ['key', 'account', KEY, undefined]],
    ['a SAS token', 'account', SAS, ['sas', 'account', SAS, undefined]],
    ['a SAS token as it ends a URL', 'account', `?${SAS}`, ['sas', 'account', SAS, undefined]],
    [
      'a SAS token of the account',
      'account',
      ACCOUNT_SAS,
      ['sas', 'account', ACCOUNT_SAS, undefined],
    ],
    [
      'a connection string as the portal shows it',
      'account',
      `DefaultEndpointsProtocol=https;AccountName=account;AccountKey=${KEY};EndpointSuffix=core.windows.net`,
      ['key', 'account', KEY, 'https://account.blob.core.windows.net'],
    ],
    [
      'a connection string of another cloud, and no name beside it',
      '',
      `AccountName=account;AccountKey=${KEY};EndpointSuffix=core.chinacloudapi.cn;`,
      ['key', 'account', KEY, 'https://account.blob.core.chinacloudapi.cn'],
    ],
    [
      'a connection string with a SAS token and no name',
      'account',
      `BlobEndpoint=https://account.blob.core.windows.net/;SharedAccessSignature=${SAS}`,
      ['sas', 'account', SAS, 'https://account.blob.core.windows.net/'],
    ],
    [
      'a connection string in other cases',
      'account',
      `accountname=account;ACCOUNTKEY=${KEY}`,
      ['key', 'account', KEY, undefined],
    ],
  ] as const) {
    test(`are ${what}`, () => {
      assert.deepEqual(read(accessKeyId, secret), expected);
    });
  }

  for (const [what, accessKeyId, secret, message] of [
    ['no name', '', KEY, /name of the storage account/],
    ['a name that is none', 'My-Account', KEY, /name of the storage account/],
    ['a secret that is nothing', 'account', 'sesame open', /no account key/],
    ['a key that is cut', 'account', KEY.slice(1), /no account key/],
    ['a key of URLs', 'account', 'ab_-ab_-', /no account key/],
    ['a token with a line break', 'account', `${SAS}&x=a\nb`, /SAS token/],
    ['a token with a fragment', 'account', `${SAS}#x`, /SAS token/],
    ['a string without a secret', 'account', 'AccountName=account', /neither an AccountKey/],
    ['a string of another account', 'account', `AccountName=other;AccountKey=${KEY}`, /another/],
    ['a string with a bad key', 'account', 'AccountName=account;AccountKey=x', /no base64/],
    ['a string that is none', 'account', `AccountKey=${KEY};rest`, /Name=Value/],
    ['a string for a machine', 'account', 'UseDevelopmentStorage=true', /names no account/],
    [
      'a string with a bad token',
      'account',
      'AccountName=account;SharedAccessSignature=sv=2020',
      /no sig=/,
    ],
    ['a string with a bad address', 'account', `AccountKey=${KEY};BlobEndpoint=azure`, /no URL/],
    ['a string with a bad suffix', 'account', `AccountKey=${KEY};EndpointSuffix=a/b`, /no address/],
  ] as const) {
    test(`cannot be ${what}, and the error reveals no value`, () => {
      assert.throws(
        () => read(accessKeyId, secret),
        (error) => {
          assert.ok(error instanceof AzureCredentialsError);
          assert.match(error.message, message);
          for (const told of [KEY, SAS, 'sesame', 'c2VjcmV0']) {
            assert.ok(!error.message.includes(told));
          }
          return true;
        },
      );
    });
  }
});
