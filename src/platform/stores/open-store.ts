import { backoffMs } from '../base/backoff.ts';
import { Places } from '../base/places.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import type { Fault } from '../model/fault.ts';
import type { StoreError } from '../model/store-error.ts';
import { cdnRoot } from '../model/source-cdn.ts';
import type { Accounts, Side } from './accounts.ts';
import { type CdnAddress, throughCdn } from './cdn/cdn-store.ts';
import { comparedWholes } from './cdn/compared-wholes.ts';
import { forwarding } from './layers/forwarding.ts';
import { limited } from './layers/limited.ts';
import { measured, type OnRequest } from './layers/measured.ts';
import { paced } from './layers/paced.ts';
import { Pacer } from './layers/pacer.ts';
import { refusedEtags } from './layers/refused-etags.ts';
import { resuming } from './layers/resuming.ts';
import { retrying } from './layers/retrying.ts';
import type { OpenOptions } from './provider.ts';
import { providers, type StoreDialect } from './providers.ts';
import type { Store } from './store.ts';

export interface LayerOptions {
  /** The places that a call takes, in this order; {@link CALLS} of this store alone unless given. */
  readonly calls?: readonly Places[] | undefined;
  /** The pace of requests; of this store alone unless given. */
  readonly pacer?: Pacer | undefined;
  readonly clock?: Clock | undefined;
  readonly retries?: Partial<Retries> | undefined;
  readonly onRequest?: OnRequest | undefined;
  readonly onRetry?: ((error: StoreError, attempt: number, delayMs: number) => void) | undefined;
}

export interface StoreOptions extends OpenOptions, Omit<LayerOptions, 'calls' | 'pacer'> {
  /** The row of facts to go by. */
  readonly dialect: StoreDialect;
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
   * Whether its calls wait for no others of the account, but for the pace: what somebody waits for must not queue
   * behind copies that last for minutes.
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
  const { shared, connections = CALLS } = options;
  const adapter = openAdapter(options);
  if (shared === undefined) return open(adapter, options, { calls: [new Places(connections)] });
  const { accounts, side, apart = false } = shared;
  const { cdn, credentials, sockets } = options;
  const account = accounts.use(endpointOf(options), credentials);
  const ofCdn = cdn === undefined ? undefined : accounts.use(cdn.origin, credentials);
  const ofProcess = sockets === undefined ? [] : [sockets[side]];
  const calls = apart ? [new Places(connections)] : [account.calls[side], ...ofProcess];
  const store = open(adapter, options, { calls, pacer: account.pacer, cdnPacer: ofCdn?.pacer });
  return forwarding(store, {
    async [Symbol.asyncDispose]() {
      account[Symbol.dispose]();
      ofCdn?.[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    },
  });
}

function endpointOf({ dialect, endpoint, region }: StoreOptions): string {
  const found = endpoint ?? providers[dialect].endpointOf(region);
  if (found === undefined) throw new Error(`${dialect} has no endpoint of its own`);
  return found;
}

interface SharedParts extends Pick<LayerOptions, 'calls' | 'pacer'> {
  readonly cdnPacer?: Pacer | undefined;
}

function open(adapter: Store, options: StoreOptions, shared: SharedParts): Store {
  const { cdn, clock = systemClock } = options;
  const { calls, pacer, cdnPacer } = shared;
  if (cdn === undefined) return layered(adapter, { ...options, calls, pacer });
  const { host } = new URL(cdn.origin);
  const now = () => clock.now();
  const read = layered(behindCdn(adapter, cdn, options), { ...options, calls, pacer: cdnPacer });
  // What compares with the bucket feeds a put, which has a place already: see `layered`.
  const bucket = layered(adapter, { ...options, calls: [], pacer });
  return comparedWholes(read, { host, bucket, now });
}

/** The adapter alone, without a layer. */
export function openAdapter(options: StoreOptions): Store {
  return providers[options.dialect].open(options);
}

/** The adapter, read through a CDN. */
function behindCdn(adapter: Store, cdn: CdnAddress, options: StoreOptions): Store {
  const { bucket, credentials, lookup, timeouts, sockets } = options;
  const { clock = systemClock } = options;
  const { cloud, readRefusal: readBucket } = providers[options.dialect];
  const root = cdnRoot(options.cloud ?? cloud, bucket);
  const http = { lookup, timeouts, sockets };
  const shared = { ...http, bucket, credentials, readBucket, clock };
  return throughCdn(adapter, { ...shared, ...cdn, root });
}

/**
 * Puts the layers around an adapter, in the order that is decided here.
 *
 * A call has a place (outermost) until it is over for good, its repetitions and a body that is read
 * on after a break included. Whoever reads on holds a place of the target already, which those wait
 * for who would get a place that was given back: all would wait for each other for ever. Each try
 * waits for the pace of its account; what is measured is each request itself.
 */
export function layered(adapter: Store, options: LayerOptions): Store {
  const { clock = systemClock, calls = [new Places(CALLS)], pacer = new Pacer(clock) } = options;
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
  const bare =
    options.onRequest === undefined ? adapter : measured(adapter, clock, options.onRequest);
  const tried = refusedEtags(retrying(paced(bare, pacer), policy, clock));
  const rereads = { attempts, delayMs: (attempt: number) => delayMs(attempt, 'interrupted') };
  return limited(resuming(tried, rereads, clock), ...calls);
}
