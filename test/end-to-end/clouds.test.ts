import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { KiB, MiB } from '../../src/platform/base/bytes.ts';
import { startCrc64 } from '../../src/platform/base/crc64.ts';
import { type S3DialectName, s3Dialects } from '../../src/platform/stores/s3/dialects.ts';
import { oddNames } from '../conformance/names.ts';
import { s3DialectNames } from '../kit/played-clouds.ts';
import { type CloudPlace, type CloudsWorld, putAt, startClouds } from '../kit/every-cloud.ts';
import { asHeader, textOf } from '../kit/header-text.ts';
import type { Version } from '../kit/s3-server/bucket.ts';
import { heldContent } from '../kit/s3-server/content.ts';
import { canHave } from '../kit/s3-server/names.ts';
import { forgetLocalhost, resolveLocalhost } from '../kit/resolve-localhost.ts';
import { type ListedObject, roundsOf } from '../kit/oms-client.ts';
import { until } from '../kit/until.ts';
import { proves, series } from '../kit/matrix/proves.ts';

/** One size for each way of copying: held whole, by one PUT where the MD5 is known, in parts. */
const sizes = { held: 5 * KiB, streamed: 60 * KiB, parts: 350 * KiB };

/** Names with all that breaks them, alone and behind slashes; the last two have 1,024 bytes. */
const names = [
  ...oddNames.filter((name) => name !== 'x'.repeat(900)),
  ...['/leading', '//leading', 'slash/', 'film 🎬 + 100%/../🙈//'],
  ...['x'.repeat(1024), '中'.repeat(341) + 'x'],
];

const greeting = 'Grüße, 世界 🪣';

/** Classes of each cloud, in S3's words, and what OBS calls the tier that they are mapped to. */
const cold = { STANDARD_IA: 'STANDARD_IA' };
const archives = { ...cold, GLACIER: 'GLACIER' };
const deepArchives = { ...archives, DEEP_ARCHIVE: 'DEEP_ARCHIVE' };
const coldArchives = { ...archives, COLD_ARCHIVE: 'DEEP_ARCHIVE' };
const tiers: Readonly<Record<S3DialectName, Readonly<Record<string, string>>>> = {
  AWS: { ...deepArchives, INTELLIGENT_TIERING: 'STANDARD', GLACIER_IR: 'STANDARD_IA' },
  Aliyun: coldArchives,
  Tencent: { ...deepArchives, COLD: 'STANDARD_IA' },
  HuaweiCloud: deepArchives,
  QingCloud: cold,
  KingsoftCloud: coldArchives,
  Baidu: { ...archives, COLD: 'STANDARD_IA' },
  Qiniu: deepArchives,
  UCloud: { ONEZONE_IA: 'STANDARD_IA', GLACIER: 'GLACIER' },
  Google: { NEARLINE: 'STANDARD_IA', ARCHIVE: 'GLACIER' },
  S3: deepArchives,
  MinIO: {},
  Ceph: cold,
  R2: cold,
  Wasabi: {},
};

let world: CloudsWorld;
before(async () => {
  resolveLocalhost();
  world = await startClouds({
    tasksMax: 100,
    attemptsMax: 4,
    checkBuckets: true,
    // Every row plans its own parts: none takes such small ones but those from 100 KiB.
    sizes: { bufferBytes: 10 * KiB, putBytes: 100 * KiB, partBytes: 100 * KiB, partConcurrency: 4 },
  });
});
after(async () => {
  await world[Symbol.asyncDispose]();
  forgetLocalhost();
});

function createTask(
  source: CloudPlace,
  target: CloudPlace,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return world.service.client.createTask({
    ...{ ...source.asSource, ...target.asTarget },
    enable_metadata_migration: true,
    dst_storage_policy: 'SRC_STORAGE_MAPPING',
    consistency_check: 'crc64',
    object_overwrite_mode: 'FULL_OVERWRITE',
    ...fields,
  });
}

/** The record of each key. */
async function recordsOf(taskId: string): Promise<ReadonlyMap<string, ListedObject>> {
  const records = await world.service.client.objects(taskId);
  return new Map(records.map((record) => [record.object_key, record]));
}

/** Names that the cloud can have at all. */
function possible({ server }: CloudPlace, keys: readonly string[]): string[] {
  return keys.filter((key) => canHave(key, server.dialect.keys));
}

/** Values as the cloud's own clients write them. */
function metadataAt({ name }: CloudPlace): Record<string, string> {
  const { codec } = s3Dialects[name].metadata;
  const value = codec === 'percent' ? encodeURIComponent(greeting) : asHeader(greeting);
  return { greeting: value, plain: 'ASCII, with = and ;' };
}

/** Fills a bucket with objects of all kinds. @returns Those that must be restored first. */
async function fill(place: CloudPlace): Promise<ReadonlySet<string>> {
  const archived = new Set<string>();
  for (const key of possible(place, names)) await putAt(place, key, Buffer.from(`bytes of ${key}`));
  for (const [way, size] of Object.entries(sizes)) {
    await putAt(place, `size/${way}`, randomBytes(size), {
      contentHeaders: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
      userMetadata: metadataAt(place),
    });
  }
  for (const storageClass of Object.keys(tiers[place.name])) {
    const key = `class/${storageClass}`;
    await putAt(place, key, randomBytes(sizes.held), { storageClass });
    if (place.server.dialect.archived.has(storageClass)) archived.add(key);
  }
  return archived;
}

/** Thaws the objects that the task requested, and makes it look now instead of in hours. */
async function thaw(taskId: string, place: CloudPlace, keys: ReadonlySet<string>): Promise<void> {
  const { client, database } = world.service;
  const asked = new URLSearchParams({ outcome: 'retrying', limit: '1000' });
  await until(`${place.name} is asked to restore`, async () => {
    const { objects } = await client.objectPage(taskId, asked);
    return objects.filter(({ reason }) => reason === 'archived').length === keys.size;
  });
  for (const key of keys) place.bucket.finishRestore(key);
  await database.query(`update changes set due_at = now()`);
  await database.query(`select pg_notify('changes', '')`);
}

describe('a cloud as the source', series('tasks-played', { way: 'own' }), () => {
  for (const name of s3DialectNames) {
    test(`${name}: every object arrives at OBS`, proves('source', name), async () => {
      const { hub, places, service } = world;
      const place = places[name];
      hub.bucket.versioning = undefined;
      for (const key of hub.bucket.keys()) hub.bucket.delete(key);
      const archived = await fill(place);
      const restores = archived.size > 0;
      const taskId = await createTask(place, hub, { enable_restore: restores });
      const keys = place.bucket.keys();
      await service.client.sendEvents(taskId, keys);
      if (restores) await thaw(taskId, place, archived);
      const task = await service.client.settled(taskId, keys.length);
      const records = await recordsOf(taskId);
      for (const key of keys) assertArrived(place, key, records.get(key));
      assertDescribed(place);
      assert.deepEqual(
        [task.monthly_acceptance_request, task.monthly_success_object, roundsOf(task)],
        [keys.length, keys.length, keys.length],
      );
      const bytes = keys.reduce(
        (sum, key) => sum + (place.bucket.object(key)?.content.size ?? 0),
        0,
      );
      assert.equal(task.monthly_size, bytes);
      assert.deepEqual(hub.bucket.openUploads(), []);
      await service.client.stop(taskId);
    });
  }

  function assertArrived(place: CloudPlace, key: string, record: ListedObject | undefined): void {
    const source = place.bucket.object(key) ?? assert.fail(key);
    const copied = world.hub.bucket.object(key);
    assert.equal(record?.outcome, 'copied', `${key}: ${record?.message ?? ''}`);
    assert.ok(copied, key);
    assert.ok(world.hub.bucket.bytes(key)?.equals(place.bucket.bytes(key) ?? assert.fail()), key);
    // OBS computes its own CRC-64: it is compared with the source's, or with that of what was held.
    // What goes through with an MD5 known beforehand is proven by that.
    const { crc64Header, etagMd5 } = s3Dialects[place.name];
    const byMd5 = key === 'size/streamed' && crc64Header === undefined && etagMd5.heads !== 'never';
    const proof = [byMd5 ? 'md5' : 'crc64', true];
    assert.deepEqual([record.check_method, record.check_passed], proof, key);
    const type = source.contentHeaders['content-type'];
    assert.equal(copied.contentHeaders['content-type'], type, key);
    const tier = tiers[place.name][source.storageClass] ?? 'STANDARD';
    assert.equal(copied.storageClass, tier, key);
  }

  function assertDescribed({ name }: CloudPlace): void {
    // Without an MD5 that is known beforehand the way is parts, be it one.
    const streamed = s3Dialects[name].etagMd5.heads === 'never' ? 1 : undefined;
    for (const [way, parts] of [['held'], ['streamed', streamed], ['parts', 4]] as const) {
      const copied = world.hub.bucket.object(`size/${way}`) ?? assert.fail(way);
      assert.equal(copied.partSizes?.length, parts, way);
      assert.equal(copied.contentHeaders['cache-control'], 'no-store');
      assert.equal(textOf(copied.userMetadata['greeting']), greeting);
      assert.equal(copied.userMetadata['plain'], 'ASCII, with = and ;');
    }
  }
});

/** What a row makes of an object of OBS. */
interface Written {
  /** Of the parts that it plans where smaller ones are preferred: the least that its cloud takes. */
  readonly partSize: number;
  readonly proofs: { readonly held: string; readonly streamed: string; readonly parts: string };
  /** What becomes of infrequent access, in S3's words. */
  readonly ia: string;
}

const byCrc64 = {
  proofs: { held: 'crc64', streamed: 'crc64', parts: 'crc64' },
  ia: 'STANDARD_IA',
} as const;
/** It computes S3's CRC-64 of what it takes; what it compares with an MD5 is proven by that. */
const byOwnCrc = {
  proofs: { held: 'crc64nvme', streamed: 'md5', parts: 'crc64nvme' },
  ia: 'STANDARD_IA',
} as const;
/** ETags are MD5s, and those of parts MD5s of MD5s. */
const byMd5 = {
  proofs: { held: 'md5', streamed: 'md5', parts: 'md5_of_parts' },
  ia: 'STANDARD_IA',
} as const;
/** ETags of parts are anything. */
const wholeByMd5 = { ...byMd5, proofs: { ...byMd5.proofs, parts: 'size_last_modified' } } as const;
const size = 'size_last_modified';
const bySize = { ...byMd5, proofs: { held: size, streamed: size, parts: size } } as const;

const written: Readonly<Record<S3DialectName, Written>> = {
  AWS: { ...byOwnCrc, partSize: 5 * MiB },
  Aliyun: { ...byCrc64, partSize: 100 * KiB },
  Tencent: { ...byCrc64, partSize: MiB },
  HuaweiCloud: { ...byCrc64, partSize: 100 * KiB },
  QingCloud: { ...wholeByMd5, partSize: 4 * MiB },
  KingsoftCloud: { ...byCrc64, partSize: 5 * MiB },
  Baidu: { ...byCrc64, partSize: 100 * KiB },
  Qiniu: { ...bySize, partSize: 5 * MiB },
  UCloud: { ...bySize, partSize: 8 * MiB, ia: 'ONEZONE_IA' },
  Google: { ...wholeByMd5, partSize: 5 * MiB, ia: 'NEARLINE' },
  S3: { ...byMd5, partSize: 5 * MiB },
  MinIO: { ...byMd5, partSize: 5 * MiB, ia: 'STANDARD' },
  Ceph: { ...byMd5, partSize: 5 * MiB, ia: 'STANDARD' },
  R2: { ...wholeByMd5, partSize: 5 * MiB },
  Wasabi: { ...byMd5, partSize: 5 * MiB, ia: 'STANDARD' },
};

describe('a cloud as the destination', series('tasks-played', { way: 'own' }), () => {
  const largest = randomBytes(2 * 8 * MiB + 1000);
  const contentHeaders = {
    ...{ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
    'content-language': 'de',
  };

  for (const name of s3DialectNames) {
    const destination = proves('destination', name);
    test(`${name}: objects of OBS are written by its own rules`, destination, async () => {
      const { hub, places, service } = world;
      const place = places[name];
      const { partSize } = written[name];
      for (const key of [...hub.bucket.keys()]) hub.bucket.delete(key);
      for (const key of place.bucket.keys()) place.bucket.delete(key);
      const userMetadata = { ...metadataAt(hub), file_type: 'image' };
      const traits = { contentHeaders, userMetadata, storageClass: 'STANDARD_IA' };
      const odd = possible(place, names);
      for (const key of odd) await putAt(hub, key, Buffer.from(`bytes of ${key}`));
      await putAt(hub, 'held', largest.subarray(0, sizes.held), traits);
      await putAt(hub, 'streamed', largest.subarray(0, sizes.streamed), traits);
      await putAt(hub, 'parts', largest.subarray(0, 2 * partSize + 1000), traits);
      const taskId = await createTask(hub, place);
      const keys = hub.bucket.keys();
      await service.client.sendEvents(taskId, keys);
      const task = await service.client.settled(taskId, keys.length);
      const records = await recordsOf(taskId);
      for (const key of keys) {
        const record = records.get(key);
        assert.equal(record?.outcome, 'copied', `${key}: ${record?.message ?? ''}`);
        assert.ok(place.bucket.bytes(key)?.equals(hub.bucket.bytes(key) ?? assert.fail()), key);
      }
      assert.equal(task.monthly_success_object, keys.length);
      for (const way of ['held', 'streamed', 'parts'] as const)
        assertWritten(place, way, records.get(way));
      assert.deepEqual(place.bucket.openUploads(), []);
      await service.client.stop(taskId);
    });
  }

  function assertWritten(
    place: CloudPlace,
    way: keyof Written['proofs'],
    record: ListedObject | undefined,
  ): void {
    const { name, bucket } = place;
    const { partSize, proofs, ia } = written[name];
    const found = bucket.object(way) ?? assert.fail(way);
    assert.deepEqual([record?.check_method, record?.check_passed], [proofs[way], true], way);
    // Of the source, whatever proved the copy.
    assert.equal(record?.crc64, world.hub.bucket.object(way)?.crc64, way);
    const sent: Record<string, readonly number[] | undefined> = {
      parts: [partSize, partSize, 1000],
      // If the cloud does not check an MD5, the service compares it before the object is published.
      streamed: s3Dialects[name].checksMd5 ? undefined : [sizes.streamed],
    };
    assert.deepEqual(found.partSizes, sent[way]);
    assert.equal(found.storageClass, ia);
    assert.equal(record?.message ?? '', notesOf(place, found));
  }

  /** Checks that the object has all metadata that the cloud supports. @returns The notes about the others. */
  function notesOf({ name }: CloudPlace, found: Version): string {
    assert.equal(textOf(found.userMetadata['greeting']), greeting);
    assert.equal(found.contentHeaders['content-type'], 'text/html; charset=utf-8');
    assert.equal(found.contentHeaders['cache-control'], 'no-store');
    const kept = s3Dialects[name].metadata.contentHeaders.includes('content-language');
    assert.equal(found.contentHeaders['content-language'], kept ? 'de' : undefined);
    const { names: allowed, underscoresMayChange } = s3Dialects[name].metadata;
    const renames = !['token', 'word'].includes(allowed);
    const own = renames || underscoresMayChange ? 'file-type' : 'file_type';
    assert.equal(found.userMetadata[own], 'image');
    const language = kept ? [] : ['content-language was left out, the target keeps none'];
    const is = renames ? ['is'] : underscoresMayChange ? ['may be'] : [];
    const names = is.map((verb) => `metadata file_type ${verb} called file-type there`);
    const text = [...language, ...names].join('; ');
    return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
  }
});

describe("S3's own CRC-64", () => {
  const large = randomBytes(11 * MiB);
  const byDefault = { consistency_check: undefined };

  /** Puts an object at AWS, encrypted by its key service: its ETag is not an MD5. */
  async function seed(key: string, bytes: Uint8Array, at = world.places.AWS): Promise<void> {
    const { hub, service } = world;
    await putAt(hub, key, bytes);
    const taskId = await createTask(hub, at, { ...byDefault, enable_kms: true });
    await service.client.sendEvents(taskId, [key]);
    await service.client.settled(taskId, 1);
    assert.equal((await recordsOf(taskId)).get(key)?.check_method, 'crc64nvme');
    assert.equal(at.bucket.object(key)?.encryption?.algorithm, 'aws:kms');
    await service.client.stop(taskId);
  }

  for (const [how, bytes, proof] of [
    ['at once', large.subarray(0, sizes.held), 'md5'],
    ['in parts', large, 'md5_of_parts'],
  ] as const) {
    test(`proves what a key service encrypts, put ${how}, from end to end`, async () => {
      const { places, service } = world;
      await seed(how, bytes);
      const taskId = await createTask(places.AWS, places.MinIO, byDefault);
      await service.client.sendEvents(taskId, [how]);
      await service.client.settled(taskId, 1);
      const record = (await recordsOf(taskId)).get(how);
      const crc64nvme = (await startCrc64('crc64nvme')).update(bytes).digest();
      // What was read is what AWS has; MinIO has the MD5s of what was sent.
      assert.deepEqual([record?.check_method, record?.crc64nvme], [proof, crc64nvme]);
      assert.ok(places.MinIO.bucket.bytes(how)?.equals(bytes));
      await service.client.stop(taskId);
    });
  }

  test('distinguishes equal and different objects under CRC64_COMPARISON_OVERWRITE', async () => {
    const { places, service } = world;
    const bucket = places.AWS.server.createBucket('second');
    const asTarget = { ...places.AWS.asTarget, dst_bucket: 'second' };
    const second = { ...places.AWS, bucket, asTarget };
    const bytes = large.subarray(0, sizes.held);
    for (const key of ['as-it-is', 'another']) await seed(key, bytes);
    await seed('as-it-is', bytes, second);
    await seed('another', Buffer.alloc(sizes.held), second);
    const mode = { object_overwrite_mode: 'CRC64_COMPARISON_OVERWRITE' };
    const taskId = await createTask(places.AWS, second, mode);
    await service.client.sendEvents(taskId, ['as-it-is', 'another']);
    await service.client.settled(taskId, 2);
    const records = await recordsOf(taskId);
    const same = records.get('as-it-is');
    const crc64nvme = (await startCrc64('crc64nvme')).update(bytes).digest();
    assert.deepEqual([same?.reason, same?.crc64nvme], ['same-crc64', crc64nvme]);
    // Size and time alone would have left it, the second being the younger.
    assert.equal(records.get('another')?.outcome, 'copied');
    assert.ok(bucket.bytes('another')?.equals(bytes));
    await service.client.stop(taskId);
  });

  test('keeps bytes that rotted at the source from being published', async () => {
    const { places, service } = world;
    await seed('rotten', large);
    const found = places.AWS.bucket.object('rotten') ?? assert.fail();
    const rotten = Buffer.from(large);
    rotten[7_000_000] = (rotten[7_000_000] ?? 0) ^ 1;
    places.AWS.bucket.add({ ...found, content: heldContent([rotten]) });
    const taskId = await createTask(places.AWS, places.MinIO);
    await service.client.sendEvents(taskId, ['rotten']);
    await service.client.settled(taskId, 1);
    const record = (await recordsOf(taskId)).get('rotten');
    assert.deepEqual([record?.outcome, record?.reason], ['failed', 'corrupt']);
    assert.match(
      record?.message ?? '',
      /the source has the CRC-64\/NVME .*=, what was read from it/,
    );
    assert.deepEqual(places.MinIO.bucket.versions('rotten'), []);
    await service.client.stop(taskId);
  });
});
