import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startCrc64 } from '../../src/platform/base/crc64.ts';
import {
  betweenHuawei,
  mappedHuawei,
  putWithCrc64,
  sizes,
  startWorld,
  type World,
} from '../kit/service-between-buckets.ts';

const HOUR = 3_600_000;
const now = Date.now();
const [older, newer] = [{ lastModified: now - HOUR }, { lastModified: now + HOUR }];

/** Each test uses its own keys and its own task. */
let world: World;
before(async () => {
  // The servers report CRC-64 checksums only to clients that use this dialect.
  world = await startWorld({
    source: { dialect: 'obs' },
    target: { dialect: 'obs' },
    settingsOf: (servers) => ({ endpoints: mappedHuawei(servers) }),
  });
});
after(() => world[Symbol.asyncDispose]());

describe('what is at the target already', () => {
  test('NO_OVERWRITE copies what is missing and leaves alone what is there', async () => {
    const { from, to } = world;
    const taskId = await world.createTask({ object_overwrite_mode: 'NO_OVERWRITE' });
    from.put('no/missing', 'new');
    from.put('no/there', 'the source has another text', newer);
    to.put('no/there', 'kept', older);
    const task = await world.sync(taskId, ['no/missing', 'no/there']);
    assert.equal(task.monthly_success_object, 1);
    assert.equal(task.monthly_skip_object, 1);
    assert.equal(to.bytes('no/missing')?.toString(), 'new');
    assert.equal(to.bytes('no/there')?.toString(), 'kept');
    assert.equal((await world.outcome(taskId, 'no/there')).reason, 'target-exists');
  });

  test('SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE copies another size or a later time', async () => {
    const { from, to } = world;
    const taskId = await world.createTask();
    const copied = ['size/other-size', 'size/later'];
    from.put('size/other-size', 'longer than before', older);
    to.put('size/other-size', 'short', newer);
    from.put('size/later', 'same', { ...newer, etag: 'opaque' });
    to.put('size/later', 'same', older);
    from.put('size/same', 'same', older);
    to.put('size/same', 'same', newer);
    const task = await world.sync(taskId, [...copied, 'size/same']);
    assert.deepEqual([task.monthly_success_object, task.monthly_skip_object], [2, 1]);
    assert.equal(to.bytes('size/other-size')?.toString(), 'longer than before');
    for (const key of copied) assert.equal((await world.outcome(taskId, key)).outcome, 'copied');
    assert.equal((await world.outcome(taskId, 'size/same')).reason, 'target-up-to-date');
    assert.equal(to.versions('size/same').length, 1);
  });

  test('equal bytes of a newer source are copied only with something else to carry', async () => {
    const { from, to } = world;
    const metadata = {
      userMetadata: { colour: 'red' },
      contentHeaders: { 'content-type': 'text/plain' },
    };
    const tasks = await Promise.all(
      [true, false].map((enabled) => world.createTask({ enable_metadata_migration: enabled })),
    );
    const keys = ['equal/all', 'equal/type', 'equal/entry'];
    from.put('equal/all', 'same', { ...newer, ...metadata });
    to.put('equal/all', 'same', { ...older, ...metadata });
    from.put('equal/type', 'same', { ...newer, ...metadata });
    to.put('equal/type', 'same', {
      ...older,
      ...metadata,
      contentHeaders: { 'content-type': 'text/html' },
    });
    from.put('equal/entry', 'same', { ...newer, ...metadata });
    to.put('equal/entry', 'same', { ...older, contentHeaders: { 'content-type': 'text/plain' } });
    const [migrating = '', plain = ''] = tasks;
    const reasons = async (taskId: string): Promise<unknown[]> => {
      await world.sync(taskId, keys);
      const all = await Promise.all(keys.map((key) => world.outcome(taskId, key)));
      return all.map(({ outcome, reason }) => reason ?? outcome);
    };
    assert.deepEqual(await reasons(migrating), ['target-equal', 'copied', 'copied']);
    to.put('equal/type', 'same', {
      ...older,
      ...metadata,
      contentHeaders: { 'content-type': 'text/html' },
    });
    to.put('equal/entry', 'same', { ...older, contentHeaders: { 'content-type': 'text/plain' } });
    assert.deepEqual(await reasons(plain), ['target-equal', 'copied', 'target-equal']);
    assert.deepEqual(to.object('equal/all')?.userMetadata, metadata.userMetadata);
  });

  test('FULL_OVERWRITE copies always, and does not look at the target', async () => {
    const { from, to, target } = world;
    const taskId = await world.createTask({ object_overwrite_mode: 'FULL_OVERWRITE' });
    from.put('full', 'same', older);
    to.put('full', 'same', newer);
    target.requests.clear();
    await world.sync(taskId, ['full']);
    await world.sync(taskId, ['full']);
    assert.equal(to.versions('full').length, 3);
    assert.equal(target.requests.of('HeadObject'), 0);
  });

  for (const [what, etags] of [
    ['an ETag that is the MD5', []],
    ['ETags that tell nothing', ['opaque-1', 'opaque-2']],
    ['ETags of parts', [`${'0'.repeat(32)}-2`, `${'1'.repeat(32)}-2`]],
  ] as const) {
    test(`a second version of one size in the same second is copied: ${what}`, async () => {
      const { from, to } = world;
      const taskId = await world.createTask();
      const key = `quick/${what}`;
      const [first, second] = etags;
      from.put(key, 'version 1', { ...older, ...(first !== undefined && { etag: first }) });
      await world.sync(taskId, [key]);
      from.put(key, 'version 2', { ...older, ...(second !== undefined && { etag: second }) });
      const task = await world.sync(taskId, [key]);
      assert.equal(task.monthly_success_object, 2);
      assert.equal(to.bytes(key)?.toString(), 'version 2');
    });
  }
});

describe('clouds that compute a CRC-64', () => {
  test('CRC64_COMPARISON_OVERWRITE goes by the sums, whatever size and time say', async () => {
    const { from, to } = world;
    const mode = 'CRC64_COMPARISON_OVERWRITE';
    const taskId = await world.createTask({ ...betweenHuawei, object_overwrite_mode: mode });
    await putWithCrc64(from, 'crc/same', Buffer.from('text 1'), newer);
    await putWithCrc64(to, 'crc/same', Buffer.from('text 1'), older);
    await putWithCrc64(from, 'crc/other', Buffer.from('text 1'), older);
    await putWithCrc64(to, 'crc/other', Buffer.from('text 2'), newer);
    await world.sync(taskId, ['crc/same', 'crc/other']);
    const same = await world.outcome(taskId, 'crc/same');
    assert.deepEqual([same.reason, same.crc64], ['same-crc64', from.object('crc/same')?.crc64]);
    assert.equal((await world.outcome(taskId, 'crc/other')).outcome, 'copied');
    assert.equal(to.bytes('crc/other')?.toString(), 'text 1');
  });

  test('CRC64_COMPARISON_OVERWRITE goes by size and time where an end has no sum', async () => {
    const { from, to } = world;
    const mode = 'CRC64_COMPARISON_OVERWRITE';
    const taskId = await world.createTask({ ...betweenHuawei, object_overwrite_mode: mode });
    from.put('crc/fresh', 'text', older);
    to.put('crc/fresh', 'text', newer);
    from.put('crc/stale', 'text', { ...newer, etag: 'opaque' });
    to.put('crc/stale', 'text', older);
    await world.sync(taskId, ['crc/fresh', 'crc/stale']);
    assert.equal((await world.outcome(taskId, 'crc/fresh')).reason, 'target-up-to-date');
    assert.equal((await world.outcome(taskId, 'crc/stale')).outcome, 'copied');
  });

  for (const size of [0, sizes.small, sizes.medium, sizes.large]) {
    test(`crc64 proves a copy of ${size} bytes by the sums of both ends`, async () => {
      const { from, to } = world;
      const taskId = await world.createTask({ ...betweenHuawei, consistency_check: 'crc64' });
      const key = `check/${size}`;
      const bytes = randomBytes(size);
      await putWithCrc64(from, key, bytes);
      await world.sync(taskId, [key]);
      const record = await world.outcome(taskId, key);
      const { outcome, check_method, check_passed } = record;
      assert.deepEqual([outcome, check_method, check_passed], ['copied', 'crc64', true]);
      const crc64 = to.object(key)?.crc64;
      assert.deepEqual([record.check_detail, record.crc64], [crc64, crc64]);
      assert.ok(to.bytes(key)?.equals(bytes));
    });

    test(`and between buckets that encrypt by themselves, of ${size} bytes`, async () => {
      const { from, to } = world;
      const encryption = { algorithm: 'AES256' } as const;
      const key = `encrypted/${size}`;
      const bytes = randomBytes(size);
      const crc64 = (await startCrc64()).update(bytes).digest();
      from.put(key, bytes, { encryption, crc64 });
      to.encryption = encryption;
      const taskId = await world.createTask({ ...betweenHuawei, consistency_check: 'crc64' });
      await world.sync(taskId, [key]);
      to.encryption = undefined;
      const { outcome, check_method, check_passed } = await world.outcome(taskId, key);
      assert.deepEqual([outcome, check_method, check_passed], ['copied', 'crc64', true]);
      assert.deepEqual(to.object(key)?.encryption, encryption);
      assert.ok(to.bytes(key)?.equals(bytes));
    });

    test(`and of an object of ${size} bytes that was appended to`, async () => {
      const { from, to } = world;
      const key = `appended/${size}`;
      const bytes = randomBytes(size);
      from.put(key, bytes, { objectType: 'Appendable' });
      const taskId = await world.createTask({ ...betweenHuawei, consistency_check: 'crc64' });
      await world.sync(taskId, [key]);
      const { outcome, check_method, check_passed } = await world.outcome(taskId, key);
      assert.deepEqual([outcome, check_method, check_passed], ['copied', 'crc64', true]);
      assert.ok(to.bytes(key)?.equals(bytes));
    });
  }
});

describe('consistency checks', () => {
  for (const check of ['size_last_modified', 'crc64', 'no_check', 'transmission']) {
    for (const size of [sizes.small, sizes.large]) {
      test(`${check} passes for ${size} bytes between clouds without CRC-64`, async () => {
        const key = `${check}/${size}`;
        const taskId = await world.createTask({ consistency_check: check });
        world.from.put(key, randomBytes(size));
        await world.sync(taskId, [key]);
        const listed = await world.outcome(taskId, key);
        assert.deepEqual([listed.outcome, listed.check_passed], ['copied', true]);
        // Neither end has a CRC-64; the MD5 of the bytes, or of the parts, is proof as well.
        assert.equal(listed.check_method, size === sizes.small ? 'md5' : 'md5_of_parts');
        const shown = (await world.client.call('GET', `/sync-tasks?limit=100`)) as {
          tasks: { sync_task_id: string; consistency_check: string }[];
        };
        const task = shown.tasks.find(({ sync_task_id }) => sync_task_id === taskId);
        assert.equal(task?.consistency_check, check === 'transmission' ? 'no_check' : check);
      });
    }
  }

  test('a copy is recorded by what its checksums prove: a checksum of the source, or the transport', async () => {
    const { from, to, source } = world;
    const taskId = await world.createTask();
    from.put('proof/small', randomBytes(sizes.small));
    from.put('proof/large', randomBytes(sizes.large));
    // One part of right length with a wrong bit; the ETag of the object is the MD5 of the right bytes.
    const corrupt = {
      kind: 'corrupt',
      match: { operation: 'GetObject', key: 'proof/large' },
    } as const;
    const fault = source.faults.add({ ...corrupt, nth: 2 });
    await world.sync(taskId, ['proof/small', 'proof/large']);
    const records = await world.client.objects(taskId);
    assert.equal(fault.fired, 1);
    const arrived = to.bytes('proof/large');
    assert.equal(arrived?.length, sizes.large);
    assert.notDeepEqual(arrived, from.bytes('proof/large'));
    assert.deepEqual(
      records.map(({ object_key, outcome, proof }) => [object_key, outcome, proof]),
      [
        ['proof/large', 'copied', 'transport'],
        ['proof/small', 'copied', 'source_checksum'],
      ],
    );
    assert.deepEqual(
      records.map(({ object_key, target_etag }) => [object_key, target_etag]),
      ['proof/large', 'proof/small'].map((key) => [key, `"${to.object(key)?.etag}"`]),
    );
  });

  for (const size of [sizes.small, sizes.medium]) {
    test(`an ETag that is no MD5 of its object does not keep ${size} bytes from being copied`, async () => {
      const taskId = await world.createTask();
      const key = `opaque/${size}`;
      const bytes = randomBytes(size);
      world.from.put(key, bytes, { etag: '0'.repeat(32) });
      await world.sync(taskId, [key]);
      const record = await world.outcome(taskId, key);
      const { outcome, check_passed, proof, message } = record;
      assert.deepEqual([outcome, check_passed, proof], ['copied', true, 'transport']);
      assert.match(message ?? '', /^The ETag of the source, 0{32}, is not the MD5 of its bytes/);
      assert.ok(world.to.bytes(key)?.equals(bytes));
      await world.sync(taskId, [key]);
      assert.equal((await world.outcome(taskId, key)).reason, 'target-up-to-date');
    });

    test(`reads that differ from each other fail, and are not published, ${size} bytes`, async () => {
      const taskId = await world.createTask();
      const key = `damaged/${size}`;
      world.from.put(key, randomBytes(size), { etag: '0'.repeat(32) });
      for (let read = 1; read <= 40; read++) {
        // One bit of each answer is another, each time elsewhere.
        world.source.faults.add({ kind: 'corrupt', at: read * 7, nth: read, match: { key } });
      }
      await world.sync(taskId, [key]);
      const record = await world.outcome(taskId, key);
      assert.deepEqual([record.outcome, record.reason], ['failed', 'corrupt']);
      assert.match(record.message ?? '', /two reads of one version gave different bytes/);
      assert.deepEqual(world.to.versions(key), []);
      world.source.faults.clear();
    });
  }
});
