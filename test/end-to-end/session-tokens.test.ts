import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startS3Server } from '../kit/s3-server/server.ts';
import { startWorld } from '../kit/service-between-buckets.ts';

test('a session token that is not that of the key is refused by its field', async () => {
  await using source = await startS3Server({ buckets: ['source'], sessionToken: 'the-right-one' });
  await using world = await startWorld({ settings: { checkBuckets: true } });
  const src_endpoint = source.url;
  const wrong = { src_endpoint, src_security_token: 'a-wrong-one' };
  await assert.rejects(world.createTask(wrong), (error: Error) => {
    assert.match(
      error.message,
      /400 OMS\.1014 .*\[src_ak\], \[src_sk\] or \[src_security_token\] invalid.*400 InvalidToken/s,
    );
    assert.doesNotMatch(error.message, /the-right-one|a-wrong-one/);
    return true;
  });
  await world.createTask({ src_endpoint, src_security_token: 'the-right-one' });
});
