import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Writable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { BasicCredentials } from '@huaweicloud/huaweicloud-sdk-core/auth/BasicCredentials.js';
import { Region } from '@huaweicloud/huaweicloud-sdk-core/region/region.js';
import { SdkException } from '@huaweicloud/huaweicloud-sdk-core/exception/SdkException.js';
import { createLogger } from '../../src/platform/base/log.ts';
import type { AccessKey } from '../kit/sign-request.ts';
import { startTestService, type TestService } from '../kit/service.ts';
import { clientOf, credentialsOf, makeKey, options } from './clients.ts';
import { OmsNodeClient } from './oms-node-client.ts';
import { refused } from './refused.ts';

/** Which callers are admitted, and what the core of the official Node SDK reports to the others. */

const REGION = 'cn-north-4';
const nobody = '31e9b7e6-6ffb-452f-9842-6ce354d99d75';

const logged: string[] = [];
const log = createLogger(
  'debug',
  new Writable({
    write(chunk: Buffer, _encoding, written) {
      logged.push(chunk.toString());
      written();
    },
  }),
);

let service: TestService;
let key: AccessKey;
before(async () => {
  service = await startTestService({ log, works: false });
  key = await makeKey(service);
});
after(() => service[Symbol.asyncDispose]());

describe('a signature that is not taken is 401 APIGW.0301', () => {
  const unauthorized = (reason: RegExp) => ({
    status: 401,
    code: 'APIGW.0301',
    message: new RegExp(`^Incorrect IAM authentication information: ${reason.source}`),
  });

  test('of another secret; the message has the canonical request, and five in a row lock', async () => {
    const wrong = await makeKey(service);
    const oms = clientOf(service, { id: wrong.id, secret: `${wrong.secret}x` });
    const line = `GET\\|/v2/${service.projectId}/sync-tasks/\\|limit=5\\|content-type:application/json\\|`;
    const mismatch = new RegExp(`verify aksk signature fail, canonicalRequest:${line}`);
    for (let i = 0; i < 5; i++) {
      await refused(oms.listSyncTasks({ limit: 5 }), unauthorized(mismatch));
    }
    const locked = unauthorized(
      /AK access failed to reach the limit,forbidden until \d{4}-.*Z: .*try again in \d+ s/,
    );
    await refused(oms.listSyncTasks(), locked);
    await refused(clientOf(service, wrong).listSyncTasks(), locked);
    await clientOf(service, key).listSyncTasks();
  });

  test('the log says so too, without what the client sent', async () => {
    const wrong = { id: (await makeKey(service)).id, secret: 'SECRET-KEY' };
    const headers = { 'X-Security-Token': 'SECRET-TOKEN' };
    const oms = clientOf(service, wrong, { headers });
    await refused(oms.listSyncTasks({ status: 'SECRET-QUERY' }), unauthorized(/verify aksk/));
    const lines = logged.join('');
    assert.match(lines, /"detail":"verify aksk signature fail"/);
    const named = new RegExp(`"status":401.*"address":"127.0.0.1","caller":"${wrong.id}"`);
    assert.match(lines, named);
    assert.doesNotMatch(lines, /SECRET-|canonicalRequest/);
  });

  test('of a key that is not known, was disabled or deleted', async () => {
    const gone = (id: string) =>
      unauthorized(new RegExp(`Get secretKey failed,ak:${id},err:ak not exist`));
    await refused(clientOf(service, { id: 'NOBODY', secret: 's' }).listSyncTasks(), gone('NOBODY'));
    const short = await makeKey(service);
    await clientOf(service, short).listSyncTasks();
    await service.brigade.identity.enableAccessKey(short.id, false);
    await refused(clientOf(service, short).listSyncTasks(), gone(short.id));
    await service.brigade.identity.enableAccessKey(short.id, true);
    await clientOf(service, short).listSyncTasks();
    await service.brigade.identity.deleteAccessKey(short.id);
    await refused(clientOf(service, short).listSyncTasks(), gone(short.id));
  });

  test('of a clock that is wrong', async () => {
    for (const minutes of [-16, 16]) {
      const at = new Date(Date.now() + minutes * 60_000).toISOString();
      const headers = { 'X-Sdk-Date': at.replaceAll(/[-:]|\.\d+/g, '') };
      const oms = clientOf(service, key, { headers });
      await refused(oms.listSyncTasks(), unauthorized(/X-Sdk-Date is more than 15 minutes away/));
    }
  });

  test('of another body than the one that is signed', async () => {
    const headers = { 'X-Sdk-Content-Sha256': createHash('sha256').update('other').digest('hex') };
    const oms = clientOf(service, key, { headers });
    const events = oms.createSyncEvents(nobody, { object_keys: ['a'] });
    await refused(events, unauthorized(/X-Sdk-Content-Sha256 is not that of the body/));
  });

  test('of another algorithm', async () => {
    const credentials = new BasicCredentials({
      ...{ ak: key.id, sk: key.secret, projectId: service.projectId, regionId: REGION },
      derivedPredicate: () => true,
    });
    const oms = OmsNodeClient.newBuilder()
      .withCredential(credentials)
      .withDerivedAuthServiceName('oms')
      .withRegion(new Region(REGION, service.url))
      .withOptions(options())
      .build();
    const other = /the algorithm V11-HMAC-SHA256 is not supported, SDK-HMAC-SHA256 is/;
    await refused(oms.listSyncTasks(), unauthorized(other));
  });
});

describe('a right that is missing is 403 OMS.0072', () => {
  const forbidden = { status: 403, code: 'OMS.0072' };

  test('to a key that may read only', async () => {
    const reader = clientOf(service, await makeKey(service, ['OMS ReadOnlyAccess']));
    assert.equal((await reader.listSyncTasks()).count, 0);
    const missing = (action: string) => ({ ...forbidden, message: new RegExp(action) });
    await refused(reader.createSyncTask({}), missing('oms:synctask:create'));
    await refused(reader.startSyncTask(nobody, {}), missing('oms:synctask:update'));
    await refused(reader.stopSyncTask(nobody), missing('oms:synctask:update'));
    await refused(reader.deleteSyncTask(nobody), missing('oms:synctask:delete'));
    await refused(reader.createSyncEvents(nobody, {}), missing('oms:synctask:createEvent'));
  });

  test('in another project, whether or not it exists', async () => {
    const { id } = await service.brigade.identity.createProject({ name: 'another', id: undefined });
    for (const projectId of [id, '2c0689c860ad4728a497c91ec0844383']) {
      await refused(clientOf(service, key, { projectId }).listSyncTasks(), forbidden);
    }
  });
});

describe('a project that is not named', () => {
  const builder = (lookedUp: AccessKey) =>
    OmsNodeClient.newBuilder()
      .withCredential(credentialsOf(lookedUp).withIamEndpoint(service.url))
      .withRegion(new Region(REGION, service.url))
      .withOptions(options());

  test('is looked up by the name of the region', async () => {
    const { id } = await service.brigade.identity.createProject({ name: REGION, id: undefined });
    const oms = builder(await makeKey(service, ['OMS Administrator'], id)).build();
    assert.equal((await oms.listSyncTasks()).count, 0);
    const named = clientOf(service, key, { projectId: id });
    await refused(named.listSyncTasks(), { status: 403, code: 'OMS.0072' });
  });

  test('and that the key has no rights in, is an error of the SDK, not of the service', async () => {
    const call = builder(await makeKey(service))
      .build()
      .listSyncTasks();
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof SdkException);
      return /not supported to create project/.test(error.message);
    });
  });
});

describe('what is not of the eight operations', () => {
  test('is 404 APIGW.0101, as is a wrong method', async () => {
    const oms = clientOf(service, key);
    for (const [method, path] of [
      ['POST', '/tasks'],
      ['GET', '/sync-tasks/{sync_task_id}/start'],
      ['DELETE', '/sync-tasks'],
    ] as const) {
      const call = oms.call({ method, path, taskId: nobody });
      await refused(call, { status: 404, code: 'APIGW.0101' });
    }
  });

  test('a body that is not JSON is 400 OMS.0067', async () => {
    for (const body of ['{"object_keys":["a"]', 'object_keys=a', '{"object_keys":["\\x"]}']) {
      const headers = { 'X-Sdk-Content-Sha256': createHash('sha256').update(body).digest('hex') };
      const oms = clientOf(service, key, { headers, transformBody: () => body });
      const call = oms.createSyncEvents(nobody, { object_keys: ['a'] });
      await refused(call, { status: 400, code: 'OMS.0067' });
    }
  });

  test('a body with more bytes than the keys of one event need is 413 APIGW.0201', async () => {
    const call = clientOf(service, key).createSyncEvents(nobody, {
      padding: 'x'.repeat(100 * 3 * 1024 + 4096),
    });
    await refused(call, { status: 413, code: 'APIGW.0201' });
  });
});
