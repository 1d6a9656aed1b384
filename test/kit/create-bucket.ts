import { systemClock } from '../../src/base/clock.ts';
import {
  type AccessKey,
  AwsV4Signer,
  amzDate,
  UNSIGNED_PAYLOAD,
} from '../../src/stores/sign/aws-v4.ts';

/** Makes a bucket at a server, in path style: no part of what the product does. */
export async function createBucket(
  endpoint: string,
  bucket: string,
  key: AccessKey,
): Promise<void> {
  const { host } = new URL(endpoint);
  const date = amzDate(systemClock.now());
  const signer = new AwsV4Signer(key, { region: 'us-east-1', service: 's3' });
  const authorization = signer.authorization({
    method: 'PUT',
    path: `/${bucket}`,
    query: '',
    headers: ['host', host, 'x-amz-content-sha256', UNSIGNED_PAYLOAD, 'x-amz-date', date],
    payloadHash: UNSIGNED_PAYLOAD,
    date,
  });
  const headers = { authorization, 'x-amz-content-sha256': UNSIGNED_PAYLOAD, 'x-amz-date': date };
  const reply = await fetch(`${endpoint}/${bucket}`, { method: 'PUT', headers });
  if (!reply.ok) throw new Error(`no bucket ${bucket}: ${reply.status} ${await reply.text()}`);
}
