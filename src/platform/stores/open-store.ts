import { backoffMs } from '../base/backoff.ts';
import { Semaphore } from '../base/semaphore.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import type { Fault } from '../model/fault.ts';
import type { StoreError } from '../model/store-error.ts';
import { cdnRoot } from '../model/source-cdn.ts';
import type { Account, Accounts, Side } from './accounts.ts';
import { type CdnAddress, throughCdn } from './cdn/cdn-store.ts';
import { comparedWholes } from './cdn/compared-wholes.ts';
import { forwarding } from './layers/forwarding.ts';
import { limited } from './layers/limited.ts';
import { refusedEtags } from './layers/refused-etags.ts';
import { resuming } from './layers/resuming.ts';
import { retrying } from './layers/retrying.ts';
import { Pacer } from './pacer.ts';
import type { OpenOptions } from './provider.ts';
import { providers, type StoreDialect } from './providers.ts';
import { type Connect, connecting, type OnRequest } from './requests.ts';
import type { Store } from './store.ts';

export interface LayerOptions {
  /** The places that a call takes, in this order; {@link CALLS} of this store alone unless given. */
  readonly calls?: readonly Semaphore[] | undefined;
  readonly clock?: Clock | undefined;
  readonly retries?: Partial<Retries> | undefined;
  readonly onRetry?: ((error: StoreError, attempt: number, delayMs: number) => void) | undefined;
}

export interface StoreOptions extends Omit<OpenOptions, 'connect'>, Omit<LayerOptions, 'calls'> {
  /** The row of facts to go by. */
  readonly dialect: StoreDialect;
  readonly onRequest?: OnRequest | undefined;
  /** Where objects are read, instead of the bucket itself. */
  readonly cdn?: CdnAddress | undefined;
  /** Calls in progress at this store, where it has no account. */
  readonly connections?: number | undefined;
  /** What it shares with other stores; it has a pace and places of its own unless given. */
  readonly shared?: SharedWith | undefined;
}

/** The accounts of this process, and which end of its copies a store is. */
export interface SharedWith {
  readonly accounts: Accounts;
  readonly side: Side;
  /**
   * Whether its calls wait for no other calls of the account, and take the next turns of its pace: a call whose
   * caller waits must not queue behind copies that last for minutes.
   */
  readonly apart?: boolean | undefined;
}

export interface Retries {
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubled for each further one. */
  readonly baseMs: number;
  /** The longest wait in milliseconds; at a store that throttles, of all attempts together. */
  readonly maxMs: number;
}

const defaultRetries: Retries = { attempts: 5, baseMs: 200, maxMs: 5_000 };
/** After a refusal the pace decides when requests are sent; this much sooner than after a failure. */
const SOONER_WHEN_THROTTLED = 8;

/** Calls in progress at a store that shares them with no other. */
const CALLS = 64;

/**
 * Opens a bucket, with all its layers.
 *
 * @see {@link layered} for their order.
 */
export function openStore(options: StoreOptions): Store {
  const { shared, connections = CALLS, clock = systemClock, onRequest } = options;
  const forChecks = shared?.apart;
  const connect = (account: Pick<Account, 'pacer'> & Partial<Account>): Connect =>
    connecting({ ...account, clock, onRequest, forChecks });
  if (shared === undefined) {
    const calls = [new Semaphore(connections)];
    const alone = () => connect({ pacer: new Pacer(clock) });
    return open(options, { calls, connect: alone(), connectToCdn: alone() });
  }
  const { accounts, side, apart = false } = shared;
  const { cdn, credentials, sockets } = options;
  using used = new DisposableStack();
  const account = used.use(accounts.use(endpointOf(options), credentials));
  const ofCdn = cdn === undefined ? account : used.use(accounts.use(cdn.origin, credentials));
  const ofProcess = sockets === undefined ? [] : [sockets[side]];
  const store = open(options, {
    calls: apart ? [new Semaphore(connections)] : [account.calls[side], ...ofProcess],
    connect: connect(account),
    connectToCdn: connect(ofCdn),
  });
  const untilClosed = used.move();
  return forwarding(store, {
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      untilClosed.dispose();
    },
  });
}

function endpointOf({ dialect, endpoint, region }: StoreOptions): string {
  const found = endpoint ?? providers[dialect].endpointOf(region);
  if (found === undefined) throw new Error(`${dialect} has no endpoint of its own`);
  return found;
}

interface SharedParts extends Required<Pick<LayerOptions, 'calls'>> {
  readonly connect: Connect;
  /** A CDN has a pace of its own: it is another service than the bucket. */
  readonly connectToCdn: Connect;
}

function open(options: StoreOptions, { calls, connect, connectToCdn }: SharedParts): Store {
  const { cdn, clock = systemClock } = options;
  const adapter = openAdapter({ ...options, connect });
  if (cdn === undefined) return layered(adapter, { ...options, calls });
  const { host } = new URL(cdn.origin);
  const now = () => clock.now();
  const read = layered(behindCdn(adapter, cdn, options, connectToCdn), { ...options, calls });
  // What compares with the bucket feeds a put, which has a place already: see `layered`.
  const bucket = layered(adapter, { ...options, calls: [] });
  return comparedWholes(read, { host, bucket, now });
}

/** The adapter alone, without a layer. */
export function openAdapter(options: OpenOptions & Pick<StoreOptions, 'dialect'>): Store {
  return providers[options.dialect].open(options);
}

/** The adapter, read through a CDN. */
function behindCdn(
  adapter: Store,
  cdn: CdnAddress,
  options: StoreOptions,
  connect: Connect,
): Store {
  const { bucket, credentials, lookup, timeouts, sockets } = options;
  const { clock = systemClock } = options;
  const { cloud, readRefusal: readBucket } = providers[options.dialect];
  const root = cdnRoot(options.cloud ?? cloud, bucket);
  const http = { lookup, timeouts, sockets };
  const shared = { ...http, bucket, credentials, readBucket, clock, connect };
  return throughCdn(adapter, { ...shared, ...cdn, root });
}

/**
 * Puts the layers around an adapter, in the order that is decided here.
 *
 * A call has a place (outermost) until it is over for good, its repetitions and a body that is read
 * on after a break included. Whoever reads on holds a place of the target already, which those wait
 * for who would get a place that was given back: all would wait for each other for ever. The pace
 * of the account and the metrics are no layers: they are where each HTTP request is sent, see {@link connecting}.
 */
export function layered(adapter: Store, options: LayerOptions): Store {
  const { clock = systemClock, calls = [new Semaphore(CALLS)] } = options;
  const { attempts, baseMs, maxMs } = { ...defaultRetries, ...options.retries };
  const delayMs = (attempt: number, fault: Fault): number => {
    const firstMs = fault === 'throttled' ? baseMs / SOONER_WHEN_THROTTLED : baseMs;
    return backoffMs(attempt, { baseMs: firstMs, maxMs }, clock.random());
  };
  const policy = {
    attempts,
    delayMs,
    delayMaxMs: maxMs,
    onRetry: options.onRetry ?? (() => {}),
  };
  const tried = refusedEtags(retrying(adapter, policy, clock));
  const rereads = { attempts, delayMs: (attempt: number) => delayMs(attempt, 'interrupted') };
  return limited(resuming(tried, rereads, clock), ...calls);
}
