import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { s3Dialects } from '../../src/platform/stores/s3/dialects.ts';
import { s3DialectNames } from '../kit/played-clouds.ts';
import { type OpenCloud, openCloud } from './open-cloud.ts';
import { bodyOf, rejectsWith } from './store.ts';
import { proves, series } from '../kit/matrix/proves.ts';

/* What each cloud has its own words for, said by its row and understood by the server that plays it. */

const { signal } = new AbortController();

for (const name of s3DialectNames) {
  describe(
    `${name} is spoken to in its own words`,
    series('own-words', { way: 'own', clouds: [name] }),
    () => {
      const { kms, tierClasses } = s3Dialects[name];
      let cloud: OpenCloud;
      before(async () => {
        cloud = await openCloud(name);
      });
      after(() => cloud[Symbol.asyncDispose]());

      test('an answer for too many requests is throttled', proves('errors'), async () => {
        const { server, store } = cloud;
        server.faults.add({ kind: 'status', ...server.dialect.throttled });
        await rejectsWith('throttled', store.read('key', {}, signal));
      });

      test('a wrong secret is refused as one', proves(['signature', 'errors']), async () => {
        await using stranger = cloud.openWith('another-secret');
        await rejectsWith('bad-credentials', stranger.read('key', {}, signal));
        await rejectsWith('bad-credentials', stranger.head('key', signal));
        await rejectsWith('bad-credentials', stranger.list({}, signal));
        await rejectsWith('bad-credentials', stranger.put('key', bodyOf('text'), {}, signal));
        await rejectsWith('bad-credentials', stranger.startParts('key', {}, signal));
      });

      test('a session token goes along, and another one is refused', async () => {
        await using held = await openCloud(name, { sessionToken: 'STS+token/of=somebody' });
        await held.store.put('key', bodyOf('text'), {}, signal);
        const { secretAccessKey } = held.server.accessKey;
        await using stranger = held.openWith(secretAccessKey, 'STS+token/of=another');
        await rejectsWith('bad-credentials', stranger.read('key', {}, signal));
        await using nobody = held.openWith(secretAccessKey);
        await rejectsWith('bad-credentials', nobody.read('key', {}, signal));
        await rejectsWith('bad-credentials', nobody.head('key', signal));
      });

      test('a clock that differs is reported, and the next request is signed with the time of the cloud', async () => {
        await using ahead = await openCloud(name, { now: () => Date.now() + 86_400_000 });
        await rejectsWith('clock-skew', ahead.store.put('key', bodyOf('text'), {}, signal));
        await ahead.store.put('key', bodyOf('text'), {}, signal);
        await using behind = await openCloud(name, { now: () => Date.now() - 86_400_000 });
        await rejectsWith('clock-skew', behind.store.head('key', signal));
        await rejectsWith('not-found', behind.store.head('key', signal));
      });

      test('every tier that it has is a separate class', proves('classes'), async () => {
        const { server, store, bucket } = cloud;
        const seen = new Set<string>();
        for (const tier of store.traits.tiers) {
          await store.put(tier, bodyOf(tier), { tier }, signal);
          seen.add(server.bucket(bucket).object(tier)?.storageClass ?? '');
          // S3 reports every class except the standard one.
          const told = (await store.head(tier, signal)).tier ?? 'STANDARD';
          const written = s3Dialects[name].classes.get(tierClasses[tier] ?? '');
          assert.equal(told, written?.tier);
        }
        assert.equal(seen.size, new Set(Object.values(tierClasses)).size);
      });

      test(
        'a restore requests no more days than the class can be thawed for',
        proves('restore'),
        async () => {
          const { server, store, bucket } = cloud;
          for (const storageClass of server.dialect.archived) {
            const key = `archived ${storageClass}`;
            server.bucket(bucket).put(key, 'ice', { storageClass });
            await store.restore(key, { days: 1000 }, signal);
            assert.equal(server.bucket(bucket).object(key)?.restore?.ongoing, true, storageClass);
          }
        },
      );

      test('the key service is requested to encrypt, if there is one', proves('KMS'), async () => {
        const { server, store, bucket } = cloud;
        const put = store.put('sealed', bodyOf('sealed'), { kms: true }, signal);
        if (kms === undefined) {
          await rejectsWith('unsupported', put);
        } else {
          await put;
          const { encryption } = server.bucket(bucket).object('sealed') ?? {};
          assert.equal(encryption?.algorithm, 'aws:kms');
        }
      });
    },
  );
}
