import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../src/platform/base/seal.ts';
import { openStore } from '../../src/platform/stores/open-store.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { createBucket } from '../kit/create-bucket.ts';
import { startVersitygw, versitygwMissing } from '../kit/go-servers/versitygw.ts';
import { bodyOf, rejectsWith, testStore } from './store.ts';
import { series } from '../kit/matrix/proves.ts';

const path = 'it takes names for paths of its file system';

/** A bucket at a gateway, by the row for servers of which nothing is known. */
async function openBucket(): Promise<{ readonly store: Store } & AsyncDisposable> {
  await using started = new AsyncDisposableStack();
  const server = started.use(await startVersitygw());
  const { accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey: new Secret(secretAccessKey) };
  await createBucket(server.url, 'bucket', credentials);
  const place = { endpoint: server.url, region: 'us-east-1', bucket: 'bucket' };
  const store = started.use(openStore({ dialect: 'S3', ...place, credentials }));
  const all = started.move();
  return { store, [Symbol.asyncDispose]: () => all[Symbol.asyncDispose]() };
}

testStore('S3, a Versity gateway', {
  series: series('store-versitygw', {
    way: 'server',
    clouds: ['S3'],
    except: ['restore', 'CRC-64'],
  }),
  unavailable: versitygwMissing(),
  // Seen with versitygw 1.8.0 over a POSIX file system.
  exceptions: {
    'an object named "a/b//c" comes back under that name': path,
    'an object named "./dot/../segments/.." comes back under that name': path,
    'an object named ".." comes back under that name': path,
    'an object named "folder/" comes back under that name': 'it is a folder, which has no bytes',
    'an object named "//double" comes back under that name': path,
    'an object named "control\\u0001\\u001f\u007f" comes back under that name':
      'it lists control characters as U+FFFD, whatever encoding is requested',
    'an object named "xxxxxxxxxxxxxxxxxxxx…" comes back under that name': path,
    'a name may begin with a slash': path,
    'a name may have 1,024 bytes, and no more': path,
    'odd names are removed together': 'some are refused',
    'entries come in the order of their UTF-8 bytes': 'where there is a/b there is no a',
    'an upload is not completed with parts it has not': 'it says first that parts are too small',
  },
  open: async () => ({ ...(await openBucket()), bucket: 'bucket' }),
});

test('a Versity gateway that would take a name for another replaces nothing', {
  skip: versitygwMissing() ?? false,
}, async () => {
  const { signal } = new AbortController();
  for (const key of ['/a', './a', 'b/../a', '//a']) {
    await using bucket = await openBucket();
    const { store } = bucket;
    await store.put('a', bodyOf('first'), {}, signal);
    await rejectsWith('refused', store.put(key, bodyOf('second'), {}, signal));
    await rejectsWith('refused', store.startParts(key, {}, signal));
    await rejectsWith('refused', store.head(key, signal));
    assert.equal((await store.head('a', signal)).size, 5);
  }
});
