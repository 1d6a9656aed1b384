import dns from 'node:dns';
import { Agent, type AgentOptions } from 'node:http';
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
 * Resolves every name of the domain to this machine, because SDKs have no option for this and the domain does not
 * exist. Other uses of the network are unchanged.
 */
function everyNameIsHere(): void {
  Object.assign(dns, { lookup: here });
}

/** A domain whose names lead to one port of this machine, for SDKs that cannot name a port. */
export function domainAt(port: number): string {
  everyNameIsHere();
  everyPortIsInItsName();
  return `port-${port}.${domain}`;
}

type Connect = (this: Agent, options: AgentOptions, ...rest: readonly unknown[]) => unknown;

/** Matches the port in a name of {@link domainAt}. */
const portIn = new RegExp(String.raw`\.port-(\d+)\.${domain.replace('.', String.raw`\.`)}$`);

/**
 * Leads them there: who signs the host signs the port too where there is one, and not all SDKs do that
 * right, for their clouds are at none. No more is changed of any connection.
 */
function everyPortIsInItsName(): void {
  // Agents have it of `net`, and call it with what requests say.
  const agents = Agent.prototype as unknown as { createConnection: Connect };
  const connect = agents.createConnection;
  if (connect.name === 'connectToItsPort') return;
  agents.createConnection = function connectToItsPort(options, ...rest) {
    const [, port] = portIn.exec(options.host ?? '') ?? [];
    const there = port === undefined ? options : { ...options, port: Number(port) };
    return connect.call(this, there, ...rest);
  };
}

/** Starts a test server that plays a cloud, with one bucket, which can also be addressed in the host name. */
export function startCloud(bucket: string, options: S3ServerOptions): Promise<S3Server> {
  everyNameIsHere();
  return startS3Server({ buckets: [bucket], virtualHost: domain, ...options });
}
