import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startWorld, type World } from '../kit/service-between-buckets.ts';

describe('a task that needs an ability that its store lacks is refused, and the message names the store', () => {
  let world: World;
  before(async () => {
    world = await startWorld({
      settingsOf: ({ source, target }) => ({
        endpoints: [
          { cloud: 'AWS', region: 'ours', endpoint: source.url, dialect: 'Ceph' },
          { cloud: 'AWS', region: 'theirs', endpoint: target.url, dialect: 'Ceph' },
          { cloud: 'Google', region: 'auto', endpoint: target.url, dialect: 'Google' },
        ],
      }),
    });
  });
  after(() => world[Symbol.asyncDispose]());

  const from = { src_region: 'ours', src_endpoint: undefined };
  const to = { dst_region: 'theirs', dst_endpoint: undefined };
  const google = { dst_cloud_type: 'Google', dst_region: 'auto', dst_endpoint: undefined };
  const known = (row: string): string => `\\[enable_kms\\] invalid: ${row} is not known to encrypt`;
  const ceph = 'Ceph \\(here as the cloud type AWS\\)';

  for (const [what, fields, says] of [
    ['enable_kms at Ceph', { ...to, enable_kms: true }, `${known(ceph)}.*omit this field`],
    ['enable_kms at Google', { ...google, enable_kms: true }, known('Google')],
    [
      'enable_restore at Ceph',
      { ...from, enable_restore: true },
      `\\[enable_restore\\] invalid: ${ceph} restores no objects; omit this field`,
    ],
    [
      'a class of Ceph',
      { ...to, dst_storage_policy: 'ARCHIVE' },
      `\\[dst_storage_policy\\] invalid: ${ceph} has no class for ARCHIVE; it has STANDARD`,
    ],
  ] as const) {
    test(what, async () => {
      const refusal = new RegExp(`400 OMS\\.0064 .*Request parameter ${says}`);
      await assert.rejects(world.createTask(fields), refusal);
      assert.equal(
        world.source.requests.total + world.target.requests.total,
        0,
        'no request was sent',
      );
    });
  }
});
