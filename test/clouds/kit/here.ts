import dns from 'node:dns';
import { type S3Server, type S3ServerOptions, startS3Server } from '../../kit/s3-server/server.ts';

/** The domain under which every cloud of these tests is. */
export const domain = 'cloud.test';

type Lookup = (
  hostname: string,
  options: { readonly all?: boolean } | undefined,
  callback: (error: null, found: string | readonly dns.LookupAddress[], family?: number) => void,
) => void;

// What Node's own connections call it with, of the many ways in which it may be called.
const lookup = dns.lookup as unknown as Lookup;

const here: Lookup = (hostname, options, callback) => {
  if (hostname !== domain && !hostname.endsWith(`.${domain}`)) lookup(hostname, options, callback);
  else if (options?.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
};

/**
 * Leads every name of the domain to this machine: SDKs give no way to say so, and there is no such
 * domain. What they ask of the network otherwise is as it was.
 */
function everyNameIsHere(): void {
  Object.assign(dns, { lookup: here });
}

/** A server of ours that plays a cloud, with one bucket, reached by its name in the host too. */
export function startCloud(bucket: string, options: S3ServerOptions): Promise<S3Server> {
  everyNameIsHere();
  return startS3Server({ buckets: [bucket], virtualHost: domain, ...options });
}
