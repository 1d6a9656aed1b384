import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test, type TestOptions } from 'node:test';
import { oddNames } from '../../conformance/names.ts';
import { patterned } from '../../conformance/store.ts';
import { crc64Text, meter } from '../../kit/s3-server/checksums.ts';
import type { S3Server, S3ServerOptions } from '../../kit/s3-server/server.ts';
import { startCloud } from './route-to-localhost.ts';
import type { Ability } from '../../kit/matrix/abilities.ts';
import { proves } from '../../kit/matrix/proves.ts';

const MiB = 1024 ** 2;

/** The metadata and options of a put. */
export interface Extras {
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** In the cloud's words. */
  readonly storageClass?: string;
  /** In the cloud's words. */
  readonly encryption?: string;
}

export type ResponseHeaders = Readonly<Record<string, string | undefined>>;

/** A vendor's SDK, in the words of these tests. */
export interface Driver {
  put(key: string, bytes: Buffer, extras: Extras): Promise<void>;
  get(key: string): Promise<Buffer>;
  head(key: string): Promise<ResponseHeaders>;
  /** All keys, in pages of that many. */
  list(prefix: string, pageSize: number): Promise<string[]>;
  remove(key: string): Promise<void>;
  removeMany(keys: readonly string[]): Promise<void>;
  copy(from: string, to: string): Promise<void>;
  /** Parts in their order. */
  putParts(key: string, parts: readonly Buffer[]): Promise<void>;
  restore(key: string): Promise<void>;
  /** A URL that needs no more authorization. */
  signedUrl(key: string): Promise<string> | string;
}

interface Beside extends AsyncDisposable {
  readonly port: number;
}

export interface Ride {
  /** The series that its proofs belong to, for the matrix of clouds. */
  readonly series?: TestOptions;
  readonly bucket: string;
  readonly server: S3ServerOptions;
  /** Another server in front of the same buckets, if the SDK uses that one. */
  readonly beside?: (server: S3Server) => Promise<Beside>;
  /** An SDK with this secret, at this server, or at the port of the one beside it. */
  readonly open: (server: S3Server, secret: string, port: number) => Driver;
  /** What the SDK cannot do, by the test's name, and why. */
  readonly cannot?: Readonly<Record<string, string>>;
  /** Odd names that the SDK, or the cloud, cannot take, and why. */
  readonly cannotName?: Readonly<Record<string, string>>;
  readonly facts: {
    readonly metaPrefix: string;
    /** What it makes of every type. */
    readonly contentType?: string;
    readonly crc64Header?: string;
    readonly etag: RegExp;
    readonly partsEtag: RegExp;
    readonly partSize: number;
    /** A class that is not an archive, and the header that reports it. */
    readonly coolClass: readonly [word: string, header: string];
    readonly archiveClass?: string;
    readonly restoreHeader?: string;
    readonly encryption?: readonly [word: string, header: string];
    /** The status of a refusal; 403 unless given. */
    readonly refusal?: number;
  };
}

/** Drives our server by a vendor's SDK: what that cannot do with it, the server does wrong. */
export function drive(name: string, ride: Ride): void {
  const { cannot = {}, cannotName = {}, facts } = ride;
  describe(`${name} is served by the server that plays its cloud`, ride.series ?? {}, () => {
    let server: S3Server;
    let beside: Beside | undefined;
    let sdk: Driver;
    before(async () => {
      server = await startCloud(ride.bucket, ride.server);
      beside = await ride.beside?.(server);
      sdk = open(server.accessKey.secretAccessKey);
    });
    after(async () => {
      await beside?.[Symbol.asyncDispose]();
      await server.close();
    });
    const open = (secret: string): Driver => ride.open(server, secret, beside?.port ?? server.port);

    const given = new Set<string>();
    function does(
      proven: Ability | readonly Ability[],
      text: string,
      run: () => Promise<void>,
    ): void {
      given.add(text);
      test(text, { ...proves(proven), skip: cannot[text] ?? false, timeout: 60_000 }, run);
    }
    const bucket = (): ReturnType<S3Server['bucket']> => server.bucket(ride.bucket);

    for (const odd of [...oddNames, 'x'.repeat(1020)]) {
      const shown = JSON.stringify(odd.length > 80 ? `${odd.slice(0, 20)}… ${odd.length}` : odd);
      const skip = cannotName[odd] ?? false;
      test(`a name: ${shown}`, { ...proves('odd names'), skip, timeout: 20_000 }, async () => {
        for (const left of bucket().keys()) bucket().delete(left);
        const key = odd.length > 1000 ? odd : `names/${odd}`;
        await sdk.put(key, Buffer.from(odd), {});
        assert.deepEqual(bucket().keys(), [key]);
        assert.equal((await sdk.get(key)).toString(), odd);
        assert.ok(await sdk.head(key));
        assert.deepEqual(await sdk.list(key, 10), [key]);
        await sdk.remove(key);
        assert.deepEqual(bucket().keys(), []);
      });
    }

    does(['reads', 'put'], 'bytes, type and ETag', async () => {
      const bytes = patterned(100_001);
      await sdk.put('plain', bytes, { contentType: 'image/png' });
      assert.ok(bytes.equals(await sdk.get('plain')));
      const head = await sdk.head('plain');
      assert.equal(head['content-length'], '100001');
      assert.equal(head['content-type'], facts.contentType ?? 'image/png');
      assert.match(head['etag'] ?? '', facts.etag);
      if (facts.crc64Header !== undefined) {
        assert.equal(head[facts.crc64Header], await crc64Of(bytes));
      }
      await sdk.remove('plain');
    });

    does('metadata', 'metadata', async () => {
      await sdk.put('described', Buffer.from('x'), { metadata: { colour: 'blue' } });
      assert.equal((await sdk.head('described'))[`${facts.metaPrefix}colour`], 'blue');
    });

    does('listing', 'pages of a list', async () => {
      const keys = ['a', 'b c', 'b+c', 'd/e', 'd/f', 'é', '\uffee', '🙈'].map(
        (key) => `list/${key}`,
      );
      for (const key of keys) bucket().put(key, key);
      assert.deepEqual(await sdk.list('list/', 3), keys);
      for (const key of keys) bucket().delete(key);
    });

    does('removal', 'several keys removed at once', async () => {
      const keys = ['many/a', 'many/b c+d', 'many/中&<'];
      for (const key of keys) bucket().put(key, key);
      await sdk.removeMany(keys);
      assert.deepEqual(bucket().keys('many/'), []);
    });

    does('copy', 'a copy', async () => {
      bucket().put('copy/from here +%中', 'copied');
      await sdk.copy('copy/from here +%中', 'copy/to');
      assert.equal(bucket().bytes('copy/to')?.toString(), 'copied');
    });

    does('parts', 'an object in parts', async () => {
      const parts = [patterned(facts.partSize), patterned(facts.partSize), Buffer.from('the rest')];
      await sdk.putParts('parts/whole +', parts);
      const whole = Buffer.concat(parts);
      assert.equal(md5(bucket().bytes('parts/whole +')), md5(whole));
      const head = await sdk.head('parts/whole +');
      assert.match(head['etag'] ?? '', facts.partsEtag);
      if (facts.crc64Header !== undefined) {
        assert.equal(head[facts.crc64Header], await crc64Of(whole));
      }
    });

    does('classes', 'a storage class', async () => {
      const [word, header] = facts.coolClass;
      await sdk.put('cool', Buffer.from('cool'), { storageClass: word });
      assert.equal((await sdk.head('cool'))[header], word);
    });

    does('restore', 'an archived object, restored', async () => {
      const { archiveClass = '', restoreHeader = '' } = facts;
      await sdk.put('frozen', Buffer.from('ice'), { storageClass: archiveClass });
      await assert.rejects(sdk.get('frozen'));
      await sdk.restore('frozen');
      if (server.dialect.hidesArchived === true) await assert.rejects(sdk.head('frozen'));
      else assert.match((await sdk.head('frozen'))[restoreHeader] ?? '', /ongoing-request="true"/);
      await assert.rejects(sdk.restore('frozen'));
      bucket().finishRestore('frozen');
      assert.match(
        (await sdk.head('frozen'))[restoreHeader] ?? '',
        /ongoing-request="false", expiry-date="/,
      );
      assert.equal((await sdk.get('frozen')).toString(), 'ice');
    });

    does('KMS', 'encryption by the key service', async () => {
      const [word = '', header = ''] = facts.encryption ?? [];
      await sdk.put('sealed', Buffer.from('sealed'), { encryption: word });
      const head = await sdk.head('sealed');
      assert.equal(head[header], word);
      assert.notEqual(head['etag']?.replaceAll('"', '').toLowerCase(), md5(Buffer.from('sealed')));
    });

    does('signature', 'a signed URL', async () => {
      bucket().put('signed/ü +%2F', 'by URL');
      const url = await sdk.signedUrl('signed/ü +%2F');
      const response = await fetch(url);
      assert.equal(await response.text(), 'by URL');
      assert.equal(response.status, 200);
      const tampered = await fetch(url.replace(/signed(?:\/|%2F)/, '$&x'));
      await tampered.arrayBuffer();
      assert.equal(tampered.status, facts.refusal ?? 403);
    });

    does('signature', 'a wrong secret is refused', async () => {
      bucket().put('there', 'there');
      await assert.rejects(open('another-secret').get('there'));
      await assert.rejects(open('another-secret').put('new', Buffer.from('x'), {}));
      assert.equal(bucket().object('new'), undefined);
    });

    test('what it cannot do is named as a test is', () => {
      for (const text of Object.keys(cannot)) assert.ok(given.has(text), text);
    });
  });
}

/** Sizes that most clouds take for parts. */
export const partSizes = { small: 100 * 1024, usual: 5 * MiB, us3: 8 * MiB } as const;

function md5(bytes: Buffer | undefined): string {
  return createHash('md5')
    .update(bytes ?? '')
    .digest('hex');
}

async function crc64Of(bytes: Buffer): Promise<string> {
  const crc64 = await meter('crc64');
  crc64.update(bytes);
  return crc64Text(crc64.digest());
}
