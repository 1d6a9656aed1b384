import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sentBy } from '../../../../test/kit/recorded-requests.ts';
import type { Store } from '../store.ts';

const { signal } = new AbortController();

describe('a restore', () => {
  const ask = (store: Store) => store.restore('key', { days: 10 }, signal);
  const s3 = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
  const minute = 60_000;
  for (const [dialect, header, storageClass, body, checkAfterMs] of [
    [
      'AWS',
      'x-amz-storage-class',
      'GLACIER',
      `<RestoreRequest ${s3}><Days>10</Days><GlacierJobParameters><Tier>Standard</Tier></GlacierJobParameters></RestoreRequest>`,
      30 * minute,
    ],
    [
      'AWS',
      'x-amz-storage-class',
      'INTELLIGENT_TIERING',
      `<RestoreRequest ${s3}><GlacierJobParameters><Tier>Standard</Tier></GlacierJobParameters></RestoreRequest>`,
      30 * minute,
    ],
    [
      'Aliyun',
      'x-oss-storage-class',
      'Archive',
      '<RestoreRequest><Days>7</Days></RestoreRequest>',
      minute,
    ],
    [
      'Aliyun',
      'x-oss-storage-class',
      'DeepColdArchive',
      '<RestoreRequest><Days>10</Days><JobParameters><Tier>Standard</Tier></JobParameters></RestoreRequest>',
      120 * minute,
    ],
    [
      'Tencent',
      'x-cos-storage-class',
      'DEEP_ARCHIVE',
      '<RestoreRequest><Days>10</Days><CASJobParameters><Tier>Standard</Tier></CASJobParameters></RestoreRequest>',
      120 * minute,
    ],
    [
      'KingsoftCloud',
      'x-kss-storage-class',
      'COLD_ARCHIVE',
      `<RestoreRequest ${s3}><Days>10</Days><JobParameters><Tier>Standard</Tier></JobParameters></RestoreRequest>`,
      30 * minute,
    ],
  ] as const) {
    test(`${dialect}, ${storageClass}: ${body}`, async () => {
      const replies = [{ headers: { [header]: storageClass } }, { status: 202 }];
      const { sent, result } = await sentBy(dialect, replies, ask);
      assert.deepEqual(
        sent.map(({ line }) => line),
        ['HEAD /bucket/key', 'POST /bucket/key?restore='],
      );
      assert.equal(sent[1]?.body, body);
      assert.equal(result.checkAfterMs, checkAfterMs);
    });
  }

  test('that is in progress is not requested again', async () => {
    const headers = {
      'x-cos-storage-class': 'ARCHIVE',
      'x-cos-restore': 'ongoing-request="true"',
    };
    const { sent, result } = await sentBy('Tencent', [{ headers }], ask);
    assert.deepEqual(
      sent.map(({ line }) => line),
      ['HEAD /bucket/key'],
    );
    assert.equal(result.checkAfterMs, 30 * minute);
  });

  for (const code of ['RestoreAlreadyInProgress', 'SomeOtherWords', undefined]) {
    test(`that conflicts with another is in progress, whatever the code: ${code ?? 'none'}`, async () => {
      const text = code === undefined ? '' : `<Error><Code>${code}</Code></Error>`;
      const headers = { 'x-amz-storage-class': 'GLACIER' };
      const { result } = await sentBy('AWS', [{ headers }, { status: 409, text }], ask);
      assert.equal(result.checkAfterMs, 30 * minute);
    });
  }

  test('Baidu: in headers, without a look', async () => {
    const { sent } = await sentBy('Baidu', [{}], ask);
    const [only] = sent;
    assert.equal(sent.length, 1);
    assert.equal(only?.body, '');
    assert.equal(only.headers['x-bce-restore-days'], '10');
    assert.equal(only.headers['x-bce-restore-tier'], 'Standard');
  });

  test('Google: nothing is to be restored', async () => {
    await assert.rejects(sentBy('Google', [], ask), { fault: 'unsupported' });
  });
});

describe('a read that BOS denies', () => {
  const read = (store: Store) => store.read('key', {}, signal);
  const denied = { status: 403, text: '{"code":"AccessDenied","message":""}' };
  for (const [what, look, fault] of [
    ['is of an archived object', { 'x-bce-storage-class': 'ARCHIVE' }, 'archived'],
    [
      'is of an object that thaws',
      { 'x-bce-storage-class': 'ARCHIVE', 'x-bce-restore': 'ongoing-request="true"' },
      'archived',
    ],
    [
      'is of an object that has thawed, and denied',
      { 'x-bce-storage-class': 'ARCHIVE', 'x-bce-restore': 'ongoing-request="false"' },
      'denied',
    ],
    [
      'is of an object that is not archived, and denied',
      { 'x-bce-storage-class': 'COLD' },
      'denied',
    ],
  ] as const) {
    test(what, async () => {
      await assert.rejects(sentBy('Baidu', [denied, { headers: look }], read), { fault });
    });
  }

  test('is denied where the look is, too', async () => {
    await assert.rejects(sentBy('Baidu', [denied, { status: 403 }], read), { fault: 'denied' });
  });
});

describe('a look that fails for the moment', () => {
  const busy = { status: 503, text: '<Error><Code>SlowDown</Code></Error>' };

  test('does not let a denied read be the last word', async () => {
    const read = (store: Store) => store.read('key', {}, signal);
    await assert.rejects(sentBy('Baidu', [{ status: 403 }, { status: 503 }], read), {
      fault: 'throttled',
    });
  });

  test('at the list of US3 does not let a denied head be the last word', async () => {
    const head = (store: Store) => store.head('key', signal);
    await assert.rejects(sentBy('UCloud', [{ status: 403 }, busy], head), { fault: 'throttled' });
    const denied = { status: 403 };
    await assert.rejects(sentBy('UCloud', [denied, denied], head), { fault: 'denied' });
  });
});
