import type { S3DialectName } from '../../src/platform/stores/s3/dialects.ts';
import { s3Dialects } from '../../src/platform/stores/s3/dialects.ts';
import { scopeOf } from '../../src/platform/stores/s3/region.ts';
import type { Settings } from '../../src/surface/settings/config.ts';
import type { MappedEndpoint } from '../../src/domain/tasks/endpoints.ts';
import { startCrc64 } from '../../src/platform/base/crc64.ts';
import { type PlayedCloud, playedClouds, s3DialectNames } from './played-clouds.ts';
import type { Bucket, SeedOptions } from './s3-server/bucket.ts';
import { type S3Server, startS3Server } from './s3-server/server.ts';
import { startTestService, type TestService } from './service.ts';

/** One cloud of the world, with its own bucket. */
export interface CloudPlace {
  /** The row that tasks go by. */
  readonly name: S3DialectName;
  readonly server: S3Server;
  readonly bucket: Bucket;
  /** Fields of a task's body, of either side. */
  readonly asSource: Readonly<Record<string, unknown>>;
  readonly asTarget: Readonly<Record<string, unknown>>;
}

/** A server of every row, and a service whose operator has mapped them all. */
export interface CloudsWorld extends AsyncDisposable {
  readonly service: TestService;
  readonly places: Readonly<Record<S3DialectName, CloudPlace>>;
  /** A further region of HuaweiCloud: the other side of every task. */
  readonly hub: CloudPlace;
}

const hubCloud: PlayedCloud = { server: 'obs', region: 'cn-south-1', bucket: 'hub' };
const domain = 'localhost';

/** Needs names below `localhost` to lead home. */
export async function startClouds(settings: Partial<Settings>): Promise<CloudsWorld> {
  await using started = new AsyncDisposableStack();

  async function start(name: S3DialectName, cloud: PlayedCloud): Promise<CloudPlace> {
    const server = started.use(
      await startS3Server({
        buckets: [cloud.bucket],
        virtualHost: domain,
        dialect: cloud.server,
        region: scopeOf(s3Dialects[name], cloud.region),
      }),
    );
    return { name, server, bucket: server.bucket(cloud.bucket), ...fieldsOf(name, cloud, server) };
  }

  const hub = await start('HuaweiCloud', hubCloud);
  const all: [S3DialectName, CloudPlace][] = [];
  for (const name of s3DialectNames) all.push([name, await start(name, playedClouds[name])]);
  const endpoints = [
    mapped('HuaweiCloud', hubCloud, hub.server),
    ...all.map(([name, { server }]) => mapped(name, playedClouds[name], server)),
  ];
  const service = started.use(await startTestService({ settings: { ...settings, endpoints } }));
  const held = started.move();
  return {
    service,
    places: Object.fromEntries(all) as Record<S3DialectName, CloudPlace>,
    hub,
    [Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
  };
}

/** Rows that are no cloud of their own are regions of the cloud that stands for them. */
function regionOf(name: S3DialectName, { region }: PlayedCloud): string {
  return s3Dialects[name].cloud === name ? region : name;
}

/** What the operator's file says. Where the bucket's name goes is left to the row. */
function mapped(name: S3DialectName, cloud: PlayedCloud, { port }: S3Server): MappedEndpoint {
  return {
    cloud: s3Dialects[name].cloud,
    region: regionOf(name, cloud),
    endpoint: `http://${domain}:${port}`,
    dialect: name,
    signingRegion: cloud.region,
  };
}

function fieldsOf(
  name: S3DialectName,
  played: PlayedCloud,
  { accessKey }: S3Server,
): Pick<CloudPlace, 'asSource' | 'asTarget'> {
  const { cloud } = s3Dialects[name];
  const region = regionOf(name, played);
  const { accessKeyId: ak, secretAccessKey: sk } = accessKey;
  const { bucket } = played;
  return {
    asSource: {
      ...{ src_cloud_type: cloud, src_region: region, src_bucket: bucket, src_ak: ak, src_sk: sk },
      ...(cloud === 'Tencent' && tencentNames(bucket)),
    },
    asTarget: {
      ...{ dst_cloud_type: cloud, dst_region: region, dst_bucket: bucket, dst_ak: ak, dst_sk: sk },
    },
  };
}

/** OMS's clients give the APPID beside the name, which may lack it. */
function tencentNames(bucket: string): Readonly<Record<string, string>> {
  const [, src_bucket = '', app_id = ''] = /^(.*)-(\d+)$/.exec(bucket) ?? [];
  return { src_bucket, app_id };
}

/** Puts an object as its cloud keeps it, with the cloud's own CRC-64 where it has one. */
export async function putAt(
  { server, bucket }: CloudPlace,
  key: string,
  bytes: Uint8Array,
  options: SeedOptions = {},
): Promise<void> {
  if (server.dialect.crc64 === 'none') {
    bucket.put(key, bytes, options);
    return;
  }
  const crc64 = (await startCrc64()).update(bytes).digest();
  bucket.put(key, bytes, { ...options, crc64 });
}
