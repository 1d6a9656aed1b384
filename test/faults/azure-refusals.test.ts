import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { azureFaults } from '../../src/platform/stores/azure/faults.ts';
import { rejectsWith } from '../conformance/store.ts';
import { errorOf } from '../kit/error-of.ts';
import { ACCOUNT_KEY, head as good, SAS, ScriptedAzure } from '../kit/scripted-azure.ts';
import { proves, series } from '../kit/matrix/proves.ts';

const { signal } = new AbortController();
const azure = new ScriptedAzure();

describe('a refusal', series('azure-refusals', { way: 'own', clouds: ['Azure'] }), () => {
  for (const [code, fault] of azureFaults) {
    test(`with ${code} is ${fault}`, proves('errors'), async () => {
      azure.refuses(409, code);
      await rejectsWith(fault, azure.store.read('key', {}, signal));
      azure.says('', { 'x-ms-error-code': code }, 409);
      await rejectsWith(fault, azure.store.head('key', signal));
    });
  }

  for (const [status, fault] of [
    [404, 'not-found'],
    [403, 'denied'],
    [412, 'changed'],
    [416, 'refused'],
    [429, 'throttled'],
    [500, 'unavailable'],
    [503, 'throttled'],
  ] as const) {
    test(
      `without a code is judged by its status: ${status} is ${fault}`,
      proves('errors'),
      async () => {
        azure.says('<html>proxy', {}, status);
        await rejectsWith(fault, azure.store.read('key', {}, signal));
      },
    );
  }

  test('says when to come back, and whose request it was', proves('errors'), async () => {
    azure.refuses(503, 'ServerBusy', {
      message: 'The server is busy.',
      headers: { 'retry-after': '7' },
    });
    const { fault, message, details } = await errorOf(azure.store.read('key', {}, signal));
    assert.equal(fault, 'throttled');
    assert.match(message, /503 ServerBusy The server is busy\.\)$/);
    assert.deepEqual([details.retryAfterMs, details.requestId], [7000, 'id-1']);
  });

  test('of the credentials does not reveal what was signed', proves('errors'), async () => {
    const detail = `<AuthenticationErrorDetail>The MAC ${ACCOUNT_KEY}; string to sign: GET</AuthenticationErrorDetail>`;
    azure.refuses(403, 'AuthenticationFailed', { message: `Header ${ACCOUNT_KEY}`, detail });
    const { fault, message } = await errorOf(azure.store.read('key', {}, signal));
    assert.equal(fault, 'bad-credentials');
    assert.match(message, /the account key is not that of the account/);
    assert.doesNotMatch(message, new RegExp(ACCOUNT_KEY));
    azure.refuses(403, 'AuthenticationFailed');
    assert.match(
      (await errorOf(azure.withSas.read('key', {}, signal))).message,
      /SAS token has expired/,
    );
  });

  test('that repeats a token does not get through with it', proves('errors'), async () => {
    const other = 'https://x/?sp=r&amp;sig=b3RoZXI%3D&amp;se=1';
    azure.refuses(400, 'InvalidHeaderValue', {
      message: `?${SAS.replaceAll('&', '&amp;')} ${other}`,
    });
    const { message } = await errorOf(azure.withSas.read('key', {}, signal));
    assert.match(message, /sig=\[secret\]|\[secret\]/);
    for (const told of [SAS, 'c2lnbmF0dXJl', 'b3RoZXI']) assert.ok(!message.includes(told));
  });

  test('for the clock puts it right for the next request', proves('errors'), async () => {
    const theirs = new Date(azure.clock.time + 3_600_000).toUTCString();
    azure.refuses(403, 'AuthenticationFailed', { headers: { date: theirs } });
    await rejectsWith('clock-skew', azure.store.read('key', {}, signal));
    azure.says('x', good);
    (await azure.store.read('key', {}, signal)).body.discard();
    assert.equal(azure.asked[1]?.headers['x-ms-date'], theirs);
    // And back again.
    azure.refuses(403, 'AuthenticationFailed');
    await rejectsWith('clock-skew', azure.store.read('key', {}, signal));
  });

  test(
    'to replace an archived blob is not reported as an archived source',
    proves('errors'),
    async () => {
      for (const code of ['BlobArchived', 'BlobBeingRehydrated']) {
        azure.refuses(409, code, { message: 'Not permitted on an archived blob.' });
        const body = { content: Buffer.from('x'), size: 1 };
        const { fault, message } = await errorOf(azure.store.put('key', body, {}, signal));
        assert.equal(fault, 'refused');
        assert.match(
          message,
          /blob that is there is in the archive, or not out of it yet.*or delete it/,
        );
        azure.refuses(409, code);
        await rejectsWith('refused', azure.store.startParts('key', {}, signal));
      }
    },
  );

  test('for a page or append blob says what to do', proves('errors'), async () => {
    azure.refuses(409, 'InvalidBlobType', {
      message: 'The blob type is invalid for this operation.',
    });
    const { fault, message } = await errorOf(azure.store.startParts('key', {}, signal));
    assert.equal(fault, 'refused');
    assert.match(message, /page or append blob has this name.*delete it first/);
  });
});
