import assert from 'node:assert/strict';
import { test } from 'node:test';
import { observeMd5, observeSource } from '../../src/domain/copy/observe.ts';
import { systemClock } from '../../src/platform/base/clock.ts';
import { Secret } from '../../src/platform/base/seal.ts';
import { openAdapter, openStore, type StoreOptions } from '../../src/platform/stores/open-store.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { exceptionsOf } from '../conformance/exceptions.ts';
import { bodyOf, type Harness, testStore } from '../conformance/store.ts';
import { type Azurite, azuriteUnavailable, containerSas, startAzurite } from './azurite.ts';
import { series } from '../kit/matrix/proves.ts';

const CONTAINER = 'container';

const otherCode = 'Azurite says InvalidOperation where Azure says Md5Mismatch';
const noSum = 'Azurite tells no CRC-64';
const exceptions = {
  ...exceptionsOf.Azure,
  'an object named "control\\u0001\\u001f\u007f" comes back under that name':
    'Azurite answers 500 to a listing with control characters',
  'entries come in the order of their UTF-8 bytes': 'Azurite lists in the order of UTF-16',
  'a range brings its bytes, and the size of the whole':
    'Azurite answers a range behind the end with nothing, where Azure says InvalidRange',
  'the CRC of a receipt and a head is that of the bytes: crc64nvme': noSum,
  'parts have their CRC, and so has the object: crc64nvme': noSum,
  'bytes that do not match their MD5 are not taken': otherCode,
  'a part is checked like a put': otherCode,
};

function azurite(
  credentialsOf: (server: Azurite) => StoreOptions['credentials'],
  open: (options: StoreOptions) => Store = openAdapter,
): Harness {
  return {
    series: series('store-azurite', {
      way: 'server',
      clouds: ['Azure'],
      except: ['restore', 'CRC-64'],
    }),
    unavailable: azuriteUnavailable(),
    exceptions,
    open: async () => {
      const server = await startAzurite();
      await server.createContainer(CONTAINER);
      const store = open({
        dialect: 'Azure',
        region: '',
        bucket: CONTAINER,
        endpoint: server.url,
        credentials: credentialsOf(server),
      });
      return {
        store,
        bucket: CONTAINER,
        archive: { tier: 'ARCHIVE', thaw: () => {} },
        async [Symbol.asyncDispose]() {
          await store[Symbol.asyncDispose]();
          await server[Symbol.asyncDispose]();
        },
      };
    },
  };
}

testStore(
  'Azurite, account key',
  azurite(({ accountKey }) => {
    return { accessKeyId: accountKey.account, secretAccessKey: accountKey.key };
  }),
);
testStore(
  'Azurite, SAS token',
  azurite(({ accountKey }) => {
    const token = new Secret(`?${containerSas(accountKey, CONTAINER)}`);
    return { accessKeyId: accountKey.account, secretAccessKey: token };
  }),
);
testStore(
  'openStore, Azurite, connection string',
  azurite(
    ({ url, accountKey }) => {
      const { account, key } = accountKey;
      const text = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key.reveal()};BlobEndpoint=${url}/${account};`;
      return { accessKeyId: account, secretAccessKey: new Secret(text) };
    },
    (options) => openStore({ ...options, connections: 8 }),
  ),
);

test('Azurite keeps what its row promises of reads, listings and MD5s', {
  skip: azuriteUnavailable() ?? false,
}, async () => {
  const { signal } = new AbortController();
  const check = { clock: systemClock, signal };
  const keyOf = ({ accountKey: { account, key } }: Azurite) => {
    return { accessKeyId: account, secretAccessKey: key };
  };
  await using opened = await azurite(keyOf, openStore).open();
  const { store } = opened;
  for (const key of ['first', 'second']) await store.put(key, bodyOf('bytes'), {}, signal);
  await using upload = await store.startParts('upload', {}, signal);
  assert.deepEqual(
    {
      ...(await observeSource(store, { behindCdn: false }, check)),
      ...(await observeMd5(upload, check)),
    },
    { conditionalRead: true, ranges: true, ordered: true, checksMd5: true },
  );
});
