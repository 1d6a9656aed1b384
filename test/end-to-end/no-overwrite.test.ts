import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type S3DialectName, s3Dialects } from '../../src/platform/stores/s3/dialects.ts';
import { playedClouds } from '../kit/played-clouds.ts';
import { forgetLocalhost, resolveLocalhost } from '../kit/resolve-localhost.ts';
import type { Operation } from '../kit/s3-server/operations.ts';
import type { S3Server } from '../kit/s3-server/server.ts';
import { sizes, startWorld, type World } from '../kit/service-between-buckets.ts';
import { until } from '../kit/until.ts';
import { proves, series } from '../kit/matrix/proves.ts';

/** Each way of copying, and what publishes there. */
const ways: readonly (readonly [keyof typeof sizes, Operation])[] = [
  ['small', 'PutObject'],
  ['medium', 'PutObject'],
  ['large', 'CompleteMultipartUpload'],
];

/** The target is played, and mapped, as that row. */
function startFor(row: S3DialectName): Promise<World> {
  const { cloud } = s3Dialects[row];
  return startWorld({
    target: { dialect: playedClouds[row].server, virtualHost: 'localhost' },
    settingsOf: ({ target }) => {
      const endpoint = `http://localhost:${target.port}`;
      return { endpoints: [{ cloud, region: 'there', endpoint, dialect: row }] };
    },
  });
}

/** Names one object, and has another appear at the target while `held` waits at a server. */
async function race(
  world: World,
  row: S3DialectName,
  { size, held }: { readonly size: number; readonly held: readonly [S3Server, Operation] },
): Promise<void> {
  const { from, to } = world;
  const [server, operation] = held;
  const key = `race/${operation}/${size}`;
  const { cloud } = s3Dialects[row];
  const taskId = await world.createTask({
    ...{ dst_cloud_type: cloud, dst_region: 'there', dst_endpoint: undefined },
    object_overwrite_mode: 'NO_OVERWRITE',
  });
  from.put(key, randomBytes(size));
  const waiting = server.faults.add({ kind: 'delay', ms: 300, match: { operation, key } });
  const synced = world.sync(taskId, [key]);
  await until('it is held', () => waiting.fired >= 1);
  to.put(key, 'somebody was quicker');
  await synced;
  server.faults.clear();
  assert.equal(to.bytes(key)?.toString(), 'somebody was quicker');
  const { outcome, reason } = await world.outcome(taskId, key);
  assert.deepEqual([outcome, reason], ['skipped', 'target-exists']);
  assert.deepEqual(to.openUploads(), []);
}

before(resolveLocalhost);
after(forgetLocalhost);

for (const row of ['MinIO', 'Ceph', 'Aliyun', 'Tencent', 'HuaweiCloud', 'S3'] as const) {
  const condition = s3Dialects[row].conditionalPut;
  describe(
    `NO_OVERWRITE at ${row}, whose condition is ${condition ?? 'none'}`,
    series('no-overwrite', { way: 'own', clouds: [row] }),
    () => {
      let world: World;
      before(async () => {
        world = await startFor(row);
      });
      after(() => world[Symbol.asyncDispose]());

      for (const [way, operation] of ways) {
        test(
          `what appears before the last look is left alone, ${way}`,
          proves(way === 'large' ? 'parts' : 'put'),
          async () => {
            world.to.versioning = 'Enabled';
            await race(world, row, { size: sizes[way], held: [world.source, 'GetObject'] });
          },
        );

        const skip = condition === undefined && 'it knows no condition';
        test(`what appears after the last look is left alone, ${way}`, {
          ...proves(way === 'large' ? 'parts' : 'put'),
          skip,
        }, async () => {
          world.to.versioning = undefined;
          await race(world, row, { size: sizes[way], held: [world.target, operation] });
        });
      }
    },
  );
}
