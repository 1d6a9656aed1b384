import { systemClock } from '../../src/platform/base/clock.ts';
import type { AccessKey } from '../../src/platform/signing/access-key.ts';
import { AwsV4Signer, amzDate, UNSIGNED_PAYLOAD } from '../../src/platform/signing/aws-v4.ts';

/** Makes a bucket at a server, in path style: no part of what the product does. */
export async function createBucket(
  endpoint: string,
  bucket: string,
  key: AccessKey,
  region = 'us-east-1',
): Promise<void> {
  await put(endpoint, { bucket, query: '', body: '', region }, key);
}

/** Has a bucket keep versions from now on. */
export async function keepVersions(
  endpoint: string,
  bucket: string,
  key: AccessKey,
): Promise<void> {
  const body = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
  await put(endpoint, { bucket, query: 'versioning=', body, region: 'us-east-1' }, key);
}

async function put(
  endpoint: string,
  request: {
    readonly bucket: string;
    readonly query: string;
    readonly body: string;
    readonly region: string;
  },
  key: AccessKey,
): Promise<void> {
  const { bucket, query, body, region } = request;
  const { host } = new URL(endpoint);
  const date = amzDate(systemClock.now());
  const signer = new AwsV4Signer(key, { region, service: 's3' });
  const path = `/${bucket}`;
  const authorization = signer.authorization({
    method: 'PUT',
    path,
    query,
    headers: ['host', host, 'x-amz-content-sha256', UNSIGNED_PAYLOAD, 'x-amz-date', date],
    payloadHash: UNSIGNED_PAYLOAD,
    date,
  });
  const headers = { authorization, 'x-amz-content-sha256': UNSIGNED_PAYLOAD, 'x-amz-date': date };
  const url = `${endpoint}${path}${query === '' ? '' : `?${query}`}`;
  const reply = await fetch(url, { method: 'PUT', headers, body });
  if (!reply.ok) throw new Error(`PUT ${path}?${query}: ${reply.status} ${await reply.text()}`);
}
