import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type S3Server, startS3Server } from '../kit/s3-server/server.ts';
import { startTestService, type TestService } from '../kit/service.ts';
import { type Azurite, azuriteUnavailable, startAzurite } from './azurite.ts';
import { azureSdk } from './azure-sdk.ts';

const sdk = azureSdk();
const skip = azuriteUnavailable() ?? (sdk === undefined ? 'run npm ci in test/clouds' : false);

/** What a token says, in the names that its parameters have. */
interface Grant {
  readonly ss?: string;
  readonly srt?: string;
  readonly sp?: string;
  readonly spr?: string;
}

describe('a SAS token of the whole account, made by Microsoft’s own client', { skip }, () => {
  let azurite: Azurite;
  let s3: S3Server;
  let service: TestService;
  before(async () => {
    azurite = await startAzurite();
    s3 = await startS3Server({ buckets: ['bucket'] });
    service = await startTestService({ settings: { checkBuckets: true } });
    await azurite.createContainer('container');
  });
  after(async () => {
    await service[Symbol.asyncDispose]();
    await s3.close();
    await azurite[Symbol.asyncDispose]();
  });

  function tokenOf({ ss = 'b', srt = 'co', sp = 'rl', spr }: Grant): string {
    const { StorageSharedKeyCredential, ...client } = sdk ?? assert.fail();
    const { account, key } = azurite.accountKey;
    const values = {
      ...{ services: ss, resourceTypes: srt, protocol: spr },
      permissions: client.AccountSASPermissions.parse(sp),
      expiresOn: new Date(Date.now() + 3_600_000),
    };
    const credential = new StorageSharedKeyCredential(account, key.reveal());
    return client.generateAccountSASQueryParameters(values, credential).toString();
  }

  function createTask(azure: 'src' | 'dst', secret: string): Promise<string> {
    const plain = azure === 'src' ? 'dst' : 'src';
    const { accessKeyId, secretAccessKey } = s3.accessKey;
    return service.client.createTask({
      ...{ [`${azure}_cloud_type`]: 'Azure', [`${azure}_region`]: 'westeurope' },
      ...{ [`${azure}_bucket`]: 'container', [`${azure}_endpoint`]: azurite.url },
      ...{ [`${azure}_ak`]: azurite.accountKey.account, [`${azure}_sk`]: secret },
      ...{ [`${plain}_cloud_type`]: 'AWS', [`${plain}_region`]: 'us-east-1' },
      ...{ [`${plain}_bucket`]: 'bucket', [`${plain}_endpoint`]: s3.url },
      ...{ [`${plain}_ak`]: accessKeyId, [`${plain}_sk`]: secretAccessKey },
    });
  }

  async function sync(taskId: string, key: string): Promise<void> {
    await service.client.sendEvents(taskId, [key]);
    await service.client.settled(taskId, 1);
    const [record] = await service.client.objects(taskId);
    assert.equal(record?.outcome, 'copied', record?.message ?? '');
  }

  test('lets a destination be written, and a source be read', async () => {
    const bucket = s3.bucket('bucket');
    bucket.put('there and back', 'bytes');
    await sync(await createTask('dst', tokenOf({ sp: 'rcwdl' })), 'there and back');
    bucket.delete('there and back');
    await sync(await createTask('src', `?${tokenOf({})}`), 'there and back');
    assert.equal(bucket.bytes('there and back')?.toString(), 'bytes');
  });

  for (const [side, grant, says] of [
    [
      'src',
      { sp: 'r' },
      /OMS\.1014 .*lacks the right to list.*lacks a permission \(sp\).*: a source/,
    ],
    ['src', { sp: 'l' }, /OMS\.1014 .*lacks the right to read objects.*AuthorizationPermission/],
    ['src', { srt: 'o' }, /OMS\.1014 .*lacks the right to list.*\(srt\): it needs c for listings/],
    ['src', { srt: 'c' }, /OMS\.1014 .*lacks the right to read objects.*\(srt\): .* o for objects/],
    ['src', { ss: 'f' }, /OMS\.1014 .*is not for blobs \(ss\): it needs b/],
    ['src', { spr: 'https' }, /OMS\.1014 .*for https only \(spr\), and the endpoint is not/],
    ['dst', { sp: 'rl' }, /OMS\.1020 .*lacks the right to write objects.*a destination r, c, w, d/],
  ] as const satisfies readonly (readonly ['src' | 'dst', Grant, RegExp])[]) {
    test(`with ${JSON.stringify(grant)} is refused as ${side}, and the message says what it lacks`, async () => {
      const secret = tokenOf(grant);
      await assert.rejects(createTask(side, secret), (error: Error) => {
        assert.match(error.message, says);
        const signature = new URLSearchParams(secret).get('sig') ?? assert.fail();
        assert.ok(!error.message.includes(signature));
        return true;
      });
    });
  }
});
