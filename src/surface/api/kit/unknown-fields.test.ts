import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { minimalBody, openApi } from '../../../../test/kit/api-in-memory.ts';

const VALUE = 'a-value-nobody-repeats';

interface Refusal {
  readonly error_code: string;
  readonly error_msg: string;
  readonly error_detail?: string;
}

/** Sends a creation that must be refused. */
async function refused(api: Awaited<ReturnType<typeof openApi>>, body: object): Promise<Refusal> {
  const payload = { ...minimalBody, ...body };
  const reply = await api.call('POST', 'sync-tasks', { payload });
  assert.equal(reply.statusCode, 400, reply.body);
  assert.equal(api.syncTasks.created.length, 0);
  assert.doesNotMatch(reply.body, new RegExp(VALUE));
  return reply.json<Refusal>();
}

describe('a misspelt field', () => {
  test('refuses a creation and names the field that may have been meant', async () => {
    await using api = await openApi();
    const { error_code, error_msg, error_detail } = await refused(api, { src_endpiont: VALUE });
    assert.equal(error_code, 'OMS.0064');
    assert.equal(
      error_detail,
      'request parameter [src_endpiont] is not a field of this call; did you mean [src_endpoint]?',
    );
    assert.match(error_msg, /\[src_endpiont\].*did you mean \[src_endpoint\]\?$/);
    assert.doesNotMatch(api.log(), new RegExp(VALUE));
  });

  test('is reported before a field that is missing because of it', async () => {
    await using api = await openApi();
    const { error_detail } = await refused(api, { src_bucket: undefined, srcBucket: VALUE });
    assert.match(error_detail ?? '', /\[srcBucket\] .* \[src_bucket\]\?$/);
  });

  test('refuses a start, which then changes nothing', async () => {
    await using api = await openApi();
    const id = await api.createTask();
    await api.call('POST', `sync-tasks/${id}/stop`);
    const keys = { src_ak: 'a', src_sk: 'b', dst_ak: 'c', dst_sk: 'd' };
    for (const name of ['dst_endpoint', 'source_cdn_authentification_key', 'srcSecurityToken']) {
      const payload = { ...keys, [name]: VALUE };
      const reply = await api.call('POST', `sync-tasks/${id}/start`, { payload });
      assert.equal(reply.statusCode, 400, name);
      assert.match(
        reply.json<Refusal>().error_detail ?? '',
        new RegExp(`^request parameter \\[${name}\\]`),
      );
    }
    assert.equal(api.syncTasks.started.length, 0);
    assert.equal(
      (await api.call('POST', `sync-tasks/${id}/start`, { payload: keys })).statusCode,
      200,
    );
  });

  test('is refused beside others: the first five are named, and how many more there are', async () => {
    await using api = await openApi();
    const names = Array.from({ length: 8 }, (_, n) => `src_field_${n}`);
    const body = Object.fromEntries(names.map((name) => [name, VALUE]));
    const { error_detail = '' } = await refused(api, body);
    assert.equal(names.filter((name) => error_detail.includes(`[${name}]`)).length, 5);
    assert.match(error_detail, /; and 3 more like these$/);
  });

  test('has a name of any length and any characters, of which little is repeated', async () => {
    await using api = await openApi();
    const name = `src_\u0007\u202e${'x'.repeat(10_000)}`;
    const { error_detail = '' } = await refused(api, { [name]: VALUE });
    assert.match(error_detail, /^request parameter \[src_\?\?x+\] is not a field of this call$/);
    assert.ok(error_detail.length < 200);
  });

  test('in a body of more fields than any client sends: the body is refused', async () => {
    await using api = await openApi();
    const body = Object.fromEntries(Array.from({ length: 230 }, (_, n) => [`field_${n}`, VALUE]));
    const { error_code, error_detail } = await refused(api, body);
    assert.equal(error_code, 'OMS.0064');
    assert.match(
      error_detail ?? '',
      /^request parameter \[body\] must not have more than 200 fields/,
    );
  });
});

describe('an ignored field', () => {
  test('is a field that OMS has elsewhere, and named in the log', async () => {
    await using api = await openApi();
    const id = await api.createTask({ src_node: { region: VALUE }, bandwidth_policy: [] });
    assert.notEqual(id, undefined);
    assert.match(api.log(), /"api.field-ignored","field":"src_node"/);
    assert.match(api.log(), /"api.field-ignored","field":"bandwidth_policy"/);
    assert.doesNotMatch(api.log(), new RegExp(VALUE));
  });

  test('in an object of the body is named in the log too', async () => {
    await using api = await openApi();
    const cdn = { domain: 'cdn.example', protocol: 'https', authentication_type: 'NONE' };
    await api.createTask({ source_cdn: { ...cdn, colour: VALUE } });
    assert.match(api.log(), /"api.field-ignored","field":"source_cdn.colour"/);
  });

  test('is named in a later refusal of its request, by the schema or by the service', async () => {
    await using api = await openApi();
    const note = 'Unknown fields of the body were ignored: [requester_pays].';
    const missing = await refused(api, { src_region: undefined, requester_pays: VALUE });
    assert.equal(missing.error_detail, `request parameter [src_region] is missing. ${note}`);
    const kms = await refused(api, { src_crypto_type: 'KMS', requester_pays: VALUE });
    assert.match(kms.error_detail ?? '', /^src_crypto_type: .*\. Unknown fields/);
    assert.ok(kms.error_msg.endsWith(note));
    const misspelt = await refused(api, { src_url: VALUE, requester_pays: VALUE });
    assert.match(
      misspelt.error_detail ?? '',
      /^request parameter \[src_url\] .*\[requester_pays\]\.$/,
    );
  });

  test('is one of many: ten are named, and how many more there are', async () => {
    await using api = await openApi();
    const names = Array.from({ length: 30 }, (_, n) => `${n}-${'y'.repeat(500)}`);
    const many = Object.fromEntries(names.map((name) => [name, VALUE]));
    const { error_detail = '' } = await refused(api, { ...many, src_region: 5 });
    assert.match(error_detail, /, 20 more\.$/);
    assert.ok(error_detail.length < 1_000);
  });

  test('is not mentioned where the request is served, or where the service fails', async () => {
    await using api = await openApi();
    api.syncTasks.failure = new Error('a failure of the service');
    const payload = { ...minimalBody, requester_pays: VALUE };
    const failed = await api.call('POST', 'sync-tasks', { payload });
    assert.equal(failed.statusCode, 500);
    assert.doesNotMatch(failed.body, /requester_pays/);
    const served = await api.call('POST', 'sync-tasks', { payload });
    assert.deepEqual(Object.keys(served.json<object>()), ['sync_task_id']);
  });
});
