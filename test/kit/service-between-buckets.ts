import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { KiB, MiB } from '../../src/platform/base/bytes.ts';
import { startCrc64 } from '../../src/platform/base/crc64.ts';
import type { Logger } from '../../src/platform/base/log.ts';
import type { Settings } from '../../src/surface/settings/config.ts';
import { type ListedObject, type OmsClient, roundsOf, type ShownTask } from './oms-client.ts';
import type { Bucket } from './s3-server/bucket.ts';
import { allBytes, heldContent } from './s3-server/content.ts';
import { type S3Server, type S3ServerOptions, startS3Server } from './s3-server/server.ts';
import { startTestService, taskBetween, type TestService } from './service.ts';

/** Two clouds with a bucket each, and the service between them. */
export interface World extends AsyncDisposable {
  readonly source: S3Server;
  readonly target: S3Server;
  /** The source's bucket `source`. */
  readonly from: Bucket;
  /** The target's bucket `target`. It keeps every version that was ever to be seen. */
  readonly to: Bucket;
  readonly service: TestService;
  readonly client: OmsClient;
  /** Creates a task from the one bucket to the other. @param fields Replace or join its body. */
  createTask(fields?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Names objects, each once, and waits until so many more rounds are settled. */
  sync(taskId: string, keys: readonly string[]): Promise<ShownTask>;
  /** How the last look at a key ended. */
  outcome(taskId: string, key: string): Promise<ListedObject>;
}

export interface WorldOptions {
  readonly settings?: Partial<Settings>;
  /** For settings that name the servers. */
  readonly settingsOf?: (servers: Pick<World, 'source' | 'target'>) => Partial<Settings>;
  readonly source?: S3ServerOptions;
  readonly target?: S3ServerOptions;
  readonly log?: Logger;
}

/** Bytes of an object that is held whole, one that is streamed by one PUT, and one of three parts. */
export const sizes = { small: 1000, medium: 300 * KiB, large: 11 * MiB } as const;

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  await using started = new AsyncDisposableStack();
  const source = started.use(await startS3Server({ ...options.source, buckets: ['source'] }));
  const target = started.use(await startS3Server({ ...options.target, buckets: ['target'] }));
  const to = target.bucket('target');
  to.versioning = 'Enabled';
  const service = started.use(
    await startTestService({
      settings: {
        tasksMax: 100,
        attemptsMax: 4,
        sizes: { bufferBytes: 64 * KiB, putBytes: MiB, partBytes: 5 * MiB, partConcurrency: 4 },
        ...options.settings,
        ...options.settingsOf?.({ source, target }),
      },
      ...(options.log !== undefined && { log: options.log }),
    }),
  );
  const { client } = service;
  const all = started.move();
  return {
    source,
    target,
    from: source.bucket('source'),
    to,
    service,
    client,
    createTask: (fields) => client.createTask({ ...taskBetween(source, target), ...fields }),
    async sync(taskId, keys) {
      const before = roundsOf(await client.show(taskId));
      await client.sendEvents(taskId, keys);
      return client.settled(taskId, before + keys.length);
    },
    async outcome(taskId, key) {
      const query = new URLSearchParams({ prefix: key, limit: '1' });
      const [found] = (await client.objectPage(taskId, query)).objects;
      assert.equal(found?.object_key, key, 'the object list has the key');
      return found;
    },
    [Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
  };
}

/** Puts an object as if into a cloud that computes its own CRC-64. */
export async function putWithCrc64(
  bucket: Bucket,
  key: string,
  bytes: Uint8Array,
  options: { readonly lastModified?: number } = {},
): Promise<void> {
  const crc64 = (await startCrc64()).update(bytes).digest();
  const etag = createHash('md5').update(bytes).digest('hex');
  bucket.add({ key, etag, crc64, content: heldContent([Buffer.from(bytes)]), ...options });
}

/** What the operator's file says of servers in the dialect of a cloud that has a CRC-64. */
export const mappedHuawei = ({ source, target }: Pick<World, 'source' | 'target'>) => {
  const cloud = {
    cloud: 'HuaweiCloud',
    dialect: 'HuaweiCloud',
    addressing: 'path',
  } as const;
  return [
    { ...cloud, region: 'here', endpoint: source.url },
    { ...cloud, region: 'there', endpoint: target.url },
  ];
};

/** Fields of a task between the places of {@link mappedHuawei}. */
export const betweenHuawei = {
  src_cloud_type: 'HuaweiCloud',
  src_region: 'here',
  src_endpoint: undefined,
  dst_cloud_type: 'HuaweiCloud',
  dst_region: 'there',
  dst_endpoint: undefined,
};

/**
 * A world whose cloud takes parts of 100 KiB, so that an object of some parts is quickly made and
 * moved. Its tasks need {@link betweenHuawei}.
 */
export function startWorldOfSmallParts(settings: Partial<Settings> = {}): Promise<World> {
  return startWorld({
    source: { dialect: 'obs' },
    target: { dialect: 'obs' },
    settingsOf: (servers) => ({
      sizes: {
        bufferBytes: 10 * KiB,
        putBytes: 100 * KiB,
        partBytes: 100 * KiB,
        partConcurrency: 2,
      },
      endpoints: mappedHuawei(servers),
      ...settings,
    }),
  });
}

/** Sizes of the three ways of copying in {@link startWorldOfSmallParts}; the last makes four parts. */
export const smallSizes = { small: 5 * KiB, medium: 60 * KiB, large: 350 * KiB } as const;

/**
 * That whatever was ever to be seen under a key was one of these sources, whole: a bucket with
 * versions forgets none, so nothing can come and go between two looks.
 */
export function assertOnlyWhole(bucket: Bucket, key: string, sources: readonly Uint8Array[]): void {
  for (const { content } of bucket.versions(key)) {
    const bytes = allBytes(content);
    const whole = sources.some((source) => bytes.equals(source));
    assert.ok(whole, `${key}: ${bytes.length} bytes that no source has`);
  }
}
