import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openApi } from '../../../../test/kit/api-in-memory.ts';

describe('CreateSyncEvents', () => {
  test('passes the names on as they came, still encoded, and answers with zero bytes', async () => {
    await using api = await openApi();
    const id = await api.createTask();
    const payload = { object_keys: ['test%2F001.txt', 'test%2B001.txt', 'a+b', '中文'] };
    const reply = await api.call('POST', `sync-tasks/${id}/events`, { payload });
    assert.equal(reply.statusCode, 200);
    assert.equal(reply.body, '');
    assert.equal(reply.headers['content-length'], '0');
    assert.deepEqual(api.syncTasks.events, payload.object_keys);
  });

  test('takes the content types of all the SDKs, and none', async () => {
    await using api = await openApi();
    const id = await api.createTask();
    const payload = '{"object_keys":["k"]}';
    for (const type of [
      'application/json',
      'application/json;charset=UTF-8',
      'Application/JSON; charset=utf-8',
      'application/vnd.example+json',
      'text/plain;charset=UTF-8',
      undefined,
    ]) {
      const headers = type === undefined ? {} : { 'content-type': type };
      const reply = await api.call('POST', `sync-tasks/${id}/events`, { payload, headers });
      assert.equal(reply.statusCode, 200, type);
    }
  });

  test('names the limit in force where a request is too large to read', async () => {
    await using api = await openApi();
    const id = await api.createTask();
    const rule = 'must not have more than 100 items; send several requests, or raise BRIGADE_';
    for (const [keys, status, detail] of [
      [Array<string>(60_000).fill('x'), 400, '10256 fields and list items'],
      [Array<string>(100_000).fill('x'), 413, '311296 bytes'],
      [Array<string>(200).fill('x'.repeat(3_000)), 413, '311296 bytes'],
    ] as const) {
      const payload = { object_keys: keys };
      const reply = await api.call('POST', `sync-tasks/${id}/events`, { payload });
      assert.equal(reply.statusCode, status);
      const { error_msg } = reply.json<{ error_msg: string }>();
      assert.ok(
        error_msg.includes(`more than ${detail}; request parameter [object_keys] ${rule}`),
        error_msg,
      );
    }
    assert.deepEqual(api.syncTasks.events, []);
  });

  test('refuses too many names, and none, and names that are not', async () => {
    await using api = await openApi();
    const id = await api.createTask();
    for (const [keys, code, detail] of [
      [
        Array<string>(10_001).fill('x'),
        'OMS.0064',
        '[object_keys] must not have more than 10000 items',
      ],
      [[], 'OMS.0064', '[object_keys] must not have fewer than 1 items'],
      [['a', ''], 'OMS.0064', '[object_keys[1]] must not have fewer than 1 characters'],
      [
        ['x'.repeat(16_385)],
        'OMS.0064',
        '[object_keys[0]] must not have more than 16384 characters',
      ],
      [['a', 5], 'OMS.1002', '[object_keys[1]] must be a string'],
      ['a', 'OMS.1002', '[object_keys] must be an array'],
      [null, 'OMS.1004', '[object_keys] is missing'],
    ] as const) {
      const payload = { object_keys: keys };
      const reply = await api.call('POST', `sync-tasks/${id}/events`, { payload });
      assert.equal(reply.statusCode, 400);
      const problem = reply.json<Record<string, string>>();
      assert.equal(problem['error_code'], code);
      assert.equal(problem['error_detail'], `request parameter ${detail}`);
    }
    assert.deepEqual(api.syncTasks.events, []);
  });
});
