import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { startCrc64 } from '../../src/platform/base/crc64.ts';
import { Secret } from '../../src/platform/base/seal.ts';
import { encodeBlobName } from '../../src/platform/stores/azure/wire.ts';
import { canonicalQuery } from '../../src/platform/signing/url-encoding.ts';
import { azureServiceSas } from '../../src/platform/signing/azure-sas.ts';
import { AzureSharedKeySigner } from '../../src/platform/signing/azure-shared-key.ts';
import { type AzureSdk, azureSdk, azureSdkCrc64, type SdkRequest } from './azure-sdk.ts';
import { proves, series } from '../kit/matrix/proves.ts';

const sdk = azureSdk();
const skip = sdk === undefined ? 'run npm ci in test/clouds' : false;
const runs = { numRuns: 300 };

const accountName = fc.stringMatching(/^[a-z0-9]{3,24}$/);
const accountKey = fc.uint8Array({ minLength: 32, maxLength: 64 });
const container = fc.stringMatching(/^[a-z0-9]{3,20}$/);
const key = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 40 })
  // Their client lets the URL class fold what is between slashes.
  .filter((text) => text.isWellFormed() && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(text));
const ascii = fc
  .string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)) })
  .map((text) => text.trim());

/** A request in the form of their client, before it is signed. */
function requestOf(method: string, url: string, pairs: readonly string[]): SdkRequest {
  const headers = new Map<string, string>();
  for (let at = 0; at < pairs.length; at += 2) headers.set(pairs[at] ?? '', pairs[at + 1] ?? '');
  return {
    method,
    url,
    headers: {
      get: (name) => headers.get(name.toLowerCase()),
      set: (name, value) => headers.set(name.toLowerCase(), value),
      headersArray: () => [...headers].map(([name, value]) => ({ name, value })),
    },
  };
}

async function signedByThem(
  { StorageSharedKeyCredential }: AzureSdk,
  { account, secret }: { readonly account: string; readonly secret: string },
  request: SdkRequest,
): Promise<{ readonly date: string; readonly authorization: string | undefined }> {
  const policy = new StorageSharedKeyCredential(account, secret).create(
    { sendRequest: async (signed) => signed },
    {},
  );
  const { headers } = await policy.sendRequest(request);
  return { date: headers.get('x-ms-date') ?? '', authorization: headers.get('authorization') };
}

describe('Microsoft’s own client and ours', {
  ...series('sdk-azure-signatures', { way: 'SDK', clouds: ['Azure'] }),
  skip,
}, () => {
  test('sum bytes alike', proves('CRC-64'), async () => {
    const theirs = (await azureSdkCrc64()) ?? assert.fail();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
        const calculator = theirs();
        calculator.append(bytes, bytes.length);
        const crc = Buffer.from(calculator.final(new Uint8Array(), 0)).reverse().toString('base64');
        assert.equal((await startCrc64('crc64nvme')).update(bytes).digest(), crc);
      }),
      runs,
    );
  });

  test('sign requests alike, whatever is in them', proves('signature'), async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          account: accountName,
          bytes: accountKey,
          method: fc.constantFrom('GET', 'HEAD', 'PUT', 'DELETE'),
          key,
          query: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ minLength: 1 })),
          metadata: fc.dictionary(fc.stringMatching(/^[a-z_][a-z0-9_]{0,6}$/), ascii),
          standard: fc.record(
            {
              'content-md5': ascii,
              'content-type': ascii,
              'if-match': ascii,
              'if-none-match': ascii,
              'range': ascii,
              'x-ms-blob-type': ascii,
              'x-ms-blob-content-type': ascii,
              'x-ms-access-tier': ascii,
            },
            { requiredKeys: [] },
          ),
          size: fc.nat(),
        }),
        async ({ account, bytes, method, key: name, query, metadata, standard, size }) => {
          assert.ok(sdk !== undefined);
          const secret = Buffer.from(bytes).toString('base64');
          const headers = [
            ...Object.entries(metadata).flatMap(([own, value]) => [`x-ms-meta-${own}`, value]),
            ...Object.entries(standard).flat(),
          ];
          const path = `/container/${encodeBlobName(name)}`;
          const url = `https://${account}.blob.core.windows.net${path}?${canonicalQuery(query)}`;
          const length = ['content-length', size.toString()];
          const request = requestOf(method, url, [...headers, ...length]);
          const theirs = await signedByThem(sdk, { account, secret }, request);
          const signer = new AzureSharedKeySigner({ account, key: new Secret(secret) });
          const signed = {
            method,
            path,
            query,
            size,
            headers: [...headers, 'x-ms-date', theirs.date],
          };
          assert.equal(signer.authorization(signed), theirs.authorization);
        },
      ),
      runs,
    );
  });

  test('make the same tokens, for containers and for blobs', proves('signature'), () => {
    const times = fc.date({
      min: new Date('2001-01-01'),
      max: new Date('2090-01-01'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(
        ...[
          accountName,
          accountKey,
          container,
          fc.option(key),
          fc.subarray(['r', 'a', 'c', 'w', 'd']),
        ],
        ...[fc.option(times), times, fc.boolean()],
        (account, bytes, containerName, blobName, allowed, startsOn, expiresOn, httpsOnly) => {
          assert.ok(sdk !== undefined);
          const secret = Buffer.from(bytes).toString('base64');
          const permissions = allowed.length === 0 ? 'r' : allowed.join('');
          const Permissions =
            blobName === null ? sdk.ContainerSASPermissions : sdk.BlobSASPermissions;
          const theirs = sdk.generateBlobSASQueryParameters(
            {
              containerName,
              ...(blobName !== null && { blobName }),
              permissions: Permissions.parse(permissions),
              ...(startsOn !== null && { startsOn }),
              expiresOn,
              ...(httpsOnly && { protocol: 'https' }),
              version: '2020-12-06',
            },
            new sdk.StorageSharedKeyCredential(account, secret),
          );
          const ours = azureServiceSas(
            { account, key: new Secret(secret) },
            {
              container: containerName,
              key: blobName ?? undefined,
              permissions,
              startsAt: startsOn?.getTime(),
              expiresAt: expiresOn.getTime(),
              httpsOnly,
            },
          );
          const sorted = (token: string) => [...new URLSearchParams(token)].sort();
          assert.deepEqual(sorted(ours), sorted(theirs.toString()));
        },
      ),
      runs,
    );
  });
});
