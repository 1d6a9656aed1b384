import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { Secret } from '../../src/platform/base/seal.ts';
import { excessOf, fitMetadata } from '../../src/platform/model/metadata.ts';
import { type ContentHeaderName, contentHeaderNames } from '../../src/platform/model/object.ts';
import { openAdapter } from '../../src/platform/stores/open-store.ts';
import type { Store } from '../../src/platform/stores/store.ts';
import { playedClouds, s3DialectNames } from '../kit/played-clouds.ts';
import { dialects as serverDialects } from '../kit/s3-server/dialects.ts';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';

/*
 * For any metadata of an object: the server that plays the cloud accepts what the service makes of it, and returns it
 * unchanged; everything that is missing was reported. Or the metadata are too large, and are refused with a message
 * that says what to do.
 */

const { signal } = new AbortController();
const domain = 'cloud.test';

// Together they stay below what Node takes of one request's headers.
const names = fc.oneof(
  { weight: 5, arbitrary: fc.stringMatching(/^[a-z\d]([a-z\d_.-]{0,12})$/) },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-z!#$%&'*+.^`|~-]{1,12}$/) },
  { weight: 1, arbitrary: fc.constantFrom('n'.repeat(50), 'n'.repeat(51), 'n'.repeat(600)) },
);
const values = fc.oneof(
  { weight: 5, arbitrary: fc.string({ maxLength: 30 }) },
  { weight: 1, arbitrary: fc.constant('Tue Dec  1 10:00:00 2026') },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('x', '%', '中', '🙈'), fc.integer({ min: 1, max: 400 }))
      .map(([unit, times]) => unit.repeat(times)),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 950, max: 2_100 }).map((length) => 'x'.repeat(length)),
  },
);
const userMetadata = fc.dictionary(names, values, { maxKeys: 6 });
const contentHeaders = fc.dictionary(
  fc.constantFrom<ContentHeaderName>(...contentHeaderNames),
  fc.constantFrom('inline', 'attachment; filename="a b.txt"', 'attachment; filename="grün 中.txt"'),
  { maxKeys: 5 },
);

describe('metadata as they are made for a cloud', () => {
  for (const name of s3DialectNames) {
    describe(name, () => {
      const { server: dialect, region, bucket } = playedClouds[name];
      let server: S3Server;
      let store: Store;
      before(async () => {
        server = await startS3Server({ dialect, buckets: [bucket], virtualHost: domain });
        const { accessKeyId, secretAccessKey } = server.accessKey;
        store = openAdapter({
          ...{ dialect: name, region, bucket },
          endpoint: `http://${domain}:${server.port}`,
          credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
          lookup: (_hostname, options, callback) => {
            if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
            else callback(null, '127.0.0.1', 4);
          },
        });
      });
      after(async () => {
        await store[Symbol.asyncDispose]();
        await server.close();
      });

      test('are taken, and come back', async () => {
        await fc.assert(
          fc.asyncProperty(userMetadata, contentHeaders, async (given, headers) => {
            // The metadata that a store would have reported.
            const source = { contentHeaders: headers, userMetadata: wellFormed(given) };
            const fitted = fitMetadata(source, store.traits.metadata);
            const options = {
              contentHeaders: fitted.contentHeaders,
              userMetadata: fitted.userMetadata,
            };
            const put = store.put('key', { content: Buffer.from('x'), size: 1 }, options, signal);
            if (isTooMuch(store, fitted.userMetadata)) {
              const message = /without \{metadata\} they stay behind/;
              await assert.rejects(put, { fault: 'refused', message });
              return;
            }
            await put;
            const head = await store.head('key', signal);
            assert.deepEqual(head.userMetadata, asKept(store, fitted.userMetadata));
            assert.deepEqual(head.contentHeaders, fitted.contentHeaders);
            for (const [own, value] of Object.entries({ ...headers, ...source.userMetadata })) {
              const kept = { ...head.contentHeaders, ...head.userMetadata }[own] === value;
              const told = fitted.notes.some((note) => note.includes(own.slice(0, 100)));
              assert.ok(kept || told, `${own} was lost without a word`);
            }
          }),
          { numRuns: 60 },
        );
      });
    });
  }
});

/** By the row; or, where it knows no limit, more than the server takes, which is as S3. */
function isTooMuch({ traits }: Store, given: Readonly<Record<string, string>>): boolean {
  const { limits } = traits.metadata;
  if (limits === undefined) return false;
  const { bytesMax } = serverDialects.s3.metadata;
  const known = traits.row === 'S3' ? { ...limits, allMax: bytesMax } : limits;
  return excessOf(given, known) !== undefined;
}

/** The metadata as the server that plays the store reports them. */
function asKept(
  { traits }: Store,
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  if (traits.metadata.underscoresMayChange !== true) return given;
  const entries = Object.entries(given);
  return Object.fromEntries(entries.map(([own, value]) => [own.replaceAll('_', '-'), value]));
}

/** Halves of surrogates are in no header, and so in no head. */
function wellFormed(given: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).map(([own, text]) => [own, text.toWellFormed()]));
}
