import { backoffMs } from '../base/backoff.ts';
import type { Places } from '../base/places.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import type { Fault } from '../model/fault.ts';
import type { StoreError } from '../model/store-error.ts';
import { cdnRoot } from '../model/source-cdn.ts';
import { type CdnAddress, throughCdn } from './cdn/cdn-store.ts';
import { comparedWholes } from './cdn/compared-wholes.ts';
import { limited } from './layers/limited.ts';
import { measured, type OnRequest } from './layers/measured.ts';
import { paced } from './layers/paced.ts';
import { Pacer } from './layers/pacer.ts';
import { refusedEtags } from './layers/refused-etags.ts';
import { resuming } from './layers/resuming.ts';
import { retrying } from './layers/retrying.ts';
import { CONNECTIONS, type OpenOptions } from './provider.ts';
import { providers, type StoreDialect } from './providers.ts';
import type { Store } from './store.ts';

export interface LayerOptions {
  /** Calls in progress, and connections. */
  readonly connections?: number | undefined;
  /** Calls in progress at all stores of the same side; unbounded unless given. */
  readonly calls?: Places | undefined;
  readonly clock?: Clock | undefined;
  readonly retries?: Partial<Retries> | undefined;
  readonly onRequest?: OnRequest | undefined;
  readonly onRetry?: ((error: StoreError, attempt: number, delayMs: number) => void) | undefined;
}

export interface StoreOptions extends OpenOptions, LayerOptions {
  /** The row of facts to go by. */
  readonly dialect: StoreDialect;
  /** Where objects are read, instead of the bucket itself. */
  readonly cdn?: CdnAddress | undefined;
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

/**
 * Opens a bucket, with all its layers.
 *
 * @see {@link layered} for their order.
 */
export function openStore(options: StoreOptions): Store {
  const { cdn } = options;
  const adapter = openAdapter(options);
  if (cdn === undefined) return layered(adapter, options);
  const { host } = new URL(cdn.origin);
  const { clock = systemClock } = options;
  const bucket = layered(adapter, options);
  const now = () => clock.now();
  return comparedWholes(layered(behindCdn(adapter, cdn, options), options), { host, bucket, now });
}

/** The adapter alone, without a layer. */
export function openAdapter(options: StoreOptions): Store {
  return providers[options.dialect].open(options);
}

/** The adapter, read through a CDN. */
function behindCdn(adapter: Store, cdn: CdnAddress, options: StoreOptions): Store {
  const { bucket, credentials, lookup, timeouts, sockets } = options;
  const { clock = systemClock, connections = CONNECTIONS } = options;
  const { cloud, readRefusal: readBucket } = providers[options.dialect];
  const root = cdnRoot(options.cloud ?? cloud, bucket);
  const http = { lookup, timeouts, sockets, connections };
  const shared = { ...http, bucket, credentials, readBucket, clock };
  return throughCdn(adapter, { ...shared, ...cdn, root });
}

/**
 * Puts the layers around an adapter, in the order that is decided here.
 *
 * A call has a place (outermost) until it is over for good, its repetitions and a body that is read
 * on after a break included. Whoever reads on holds a place of the target already, which those wait
 * for who would get a place that was given back: all would wait for each other for ever. Each try
 * waits for the pace, and source and target have a pace each; what is measured is each request itself.
 */
export function layered(adapter: Store, options: LayerOptions): Store {
  const { clock = systemClock, connections = CONNECTIONS } = options;
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
  const tried = refusedEtags(retrying(paced(bare, new Pacer(clock)), policy, clock));
  const rereads = { attempts, delayMs: (attempt: number) => delayMs(attempt, 'interrupted') };
  return limited(resuming(tried, rereads, clock), connections, options.calls);
}
