import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { ObjectRecord } from '../../../domain/queue/object-record.ts';
import { fromCursor, toCursor } from '../kit/cursor.ts';
import { openApi } from '../../../../test/kit/api-in-memory.ts';

const copied: ObjectRecord = {
  key: 'a/1',
  outcome: 'copied',
  size: 4096,
  checkMethod: 'md5',
  checkPassed: true,
  checkDetail: 'd41d8cd98f00b204e9800998ecf8427e',
  proof: 'source_checksum',
  targetEtag: '"d41d8cd98f00b204e9800998ecf8427e"',
  targetVersion: 'v1',
  crc64: '11051210869376104954',
  attempts: 1,
  acceptedAt: 1,
  startedAt: 2,
  settledAt: 3,
};

const failed: ObjectRecord = {
  key: 'a/2',
  outcome: 'failed',
  reason: 'denied',
  message: 'the source refuses to let us read',
  attempts: 12,
  acceptedAt: 1,
  startedAt: 2,
  settledAt: 3,
};

interface Page {
  objects: { object_key: string }[];
  next_cursor: string | null;
}

describe('the object list', () => {
  test('shows how each look at an object ended, with null for what is unknown', async () => {
    await using api = await openApi();
    const id = await api.createTask();
    api.syncTasks.objects = [copied, failed];
    const reply = await api.call('GET', `sync-tasks/${id}/objects`);
    assert.equal(reply.statusCode, 200);
    assert.deepEqual(reply.json(), {
      objects: [
        {
          object_key: 'a/1',
          outcome: 'copied',
          reason: null,
          message: null,
          size: 4096,
          check_method: 'md5',
          check_passed: true,
          check_detail: 'd41d8cd98f00b204e9800998ecf8427e',
          proof: 'source_checksum',
          target_etag: '"d41d8cd98f00b204e9800998ecf8427e"',
          target_version_id: 'v1',
          crc64: '11051210869376104954',
          crc64nvme: null,
          attempts: 1,
          accept_time: 1,
          start_time: 2,
          settle_time: 3,
          due_time: null,
        },
        {
          object_key: 'a/2',
          outcome: 'failed',
          reason: 'denied',
          message: 'the source refuses to let us read',
          size: null,
          check_method: null,
          check_passed: null,
          check_detail: null,
          proof: null,
          target_etag: null,
          target_version_id: null,
          crc64: null,
          crc64nvme: null,
          attempts: 12,
          accept_time: 1,
          start_time: 2,
          settle_time: 3,
          due_time: null,
        },
      ],
      next_cursor: null,
    });
    assert.deepEqual(api.syncTasks.filters, [
      { outcome: undefined, prefix: undefined, after: undefined, limit: 100 },
    ]);
  });

  test('pages by cursor through names of every kind', async () => {
    await using api = await openApi();
    const id = await api.createTask();
    const keys = [' ', 'a+b', 'a/%25', '中文', '本'.repeat(1_024), '🙈'];
    api.syncTasks.objects = keys.map((key) => ({ ...copied, key }));
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const path = `sync-tasks/${id}/objects?limit=2&outcome=copied&cursor=${cursor}`;
      const page: Page = (await api.call('GET', path)).json<Page>();
      seen.push(...page.objects.map((object) => object.object_key));
      cursor = page.next_cursor;
    }
    assert.deepEqual(seen, keys);
    assert.deepEqual(api.syncTasks.filters[1], {
      outcome: 'copied',
      prefix: undefined,
      after: 'a+b',
      limit: 2,
    });
  });

  test('refuses bad filters', async () => {
    await using api = await openApi();
    const id = await api.createTask();
    for (const [query, code] of [
      ['outcome=done', 'OMS.0064'],
      ['limit=0', 'OMS.0064'],
      ['limit=1001', 'OMS.0064'],
      ['limit=ten', 'OMS.1002'],
      ['limit=1.0', 'OMS.1002'],
      ['limit=1&limit=2', 'OMS.0064'],
      ['cursor=%3D%3D', 'OMS.0064'],
      ['cursor=_w', 'OMS.0064'],
      [`cursor=${toCursor('a\0b')}`, 'OMS.0064'],
      ['prefix=%00', 'OMS.0064'],
    ] as const) {
      const reply = await api.call('GET', `sync-tasks/${id}/objects?${query}`);
      assert.equal(reply.statusCode, 400, query);
      assert.equal(reply.json<{ error_code: string }>().error_code, code, query);
    }
  });

  test('a cursor is the key it was made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (key) => {
        if (key.includes('\0')) return;
        assert.equal(fromCursor(toCursor(key)), key);
      }),
    );
  });
});

test('failed objects are made due again, all or those below a prefix', async () => {
  await using api = await openApi();
  const id = await api.createTask();
  const retrying = { include_retrying: true };
  for (const payload of [undefined, {}, { prefix: '' }, { prefix: 'a/', ...retrying }]) {
    const path = `sync-tasks/${id}/retry-failed`;
    const reply = await api.call('POST', path, payload === undefined ? {} : { payload });
    assert.equal(reply.statusCode, 200);
    assert.deepEqual(reply.json(), { retried: 3 });
  }
  assert.deepEqual(
    api.syncTasks.retries.map(({ prefix, includeRetrying }) => [prefix, includeRetrying]),
    [
      [undefined, undefined],
      [undefined, undefined],
      [undefined, undefined],
      ['a/', true],
    ],
  );
});
