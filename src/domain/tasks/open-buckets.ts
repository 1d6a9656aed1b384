import type { Clock } from '../../platform/base/clock.ts';
import type { Logger } from '../../platform/base/log.ts';
import type { Metrics } from '../../platform/base/metrics.ts';
import type { TaskPlan } from './task-record.ts';
import type { Accounts, Side } from '../../platform/stores/accounts.ts';
import type { CdnAddress } from '../../platform/stores/cdn/cdn-store.ts';
import { HeldBytes } from '../../platform/stores/held-bytes.ts';
import { openStore } from '../../platform/stores/open-store.ts';
import type { HttpTimeouts } from '../../platform/http/http.ts';
import type { Sockets } from '../../platform/http/sockets.ts';
import type { Store } from '../../platform/stores/store.ts';
import type { Endpoints } from './endpoints.ts';
import type { TaskCredentials } from './sync/sync-task-service.ts';

/** Opens the buckets that tasks name. */
export interface OpenBuckets {
  /** Where the task says so, its objects are read through a CDN. */
  source(plan: TaskPlan, credentials: TaskCredentials): Store;
  target(plan: TaskPlan, credentials: TaskCredentials): Store;
}

export interface OpenBucketsOptions {
  readonly endpoints: Endpoints;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The outgoing sockets of the process; unbounded unless given. */
  readonly sockets?: Sockets | undefined;
  /** What the stores of one account share. */
  readonly accounts: Accounts;
  /** Of every connection. */
  readonly timeouts?: Partial<HttpTimeouts> | undefined;
  /** Whether they are for checks. A caller waits for those, so they do not queue behind copies. */
  readonly forChecks?: boolean | undefined;
}

export function openBuckets(given: OpenBucketsOptions): OpenBuckets {
  const options = { ...given, held: new HeldBytes() };
  const { endpoints } = options;
  return {
    source: (plan, credentials) =>
      open(
        options,
        plan,
        { side: 'source', cdn: cdnOf(endpoints, plan, credentials) },
        credentials,
      ),
    target: (plan, credentials) =>
      open(options, plan, { side: 'target', cdn: undefined }, credentials),
  };
}

function cdnOf(
  endpoints: Endpoints,
  { source, sourceCdn, appId }: TaskPlan,
  { cdnKey }: TaskCredentials,
): CdnAddress | undefined {
  if (sourceCdn === undefined) return undefined;
  const { authenticationType } = sourceCdn;
  return { ...endpoints.resolveCdn(sourceCdn, source), authenticationType, key: cdnKey, appId };
}

function open(
  {
    endpoints,
    clock,
    log,
    metrics,
    sockets,
    timeouts,
    accounts,
    forChecks,
    held,
  }: OpenBucketsOptions & { readonly held: HeldBytes },
  plan: TaskPlan,
  { side, cdn }: { readonly side: Side; readonly cdn: CdnAddress | undefined },
  credentials: TaskCredentials,
): Store {
  const { cloud, bucket } = plan[side];
  const { dialect, url, isOwn, region, addressing, ca, guard } = endpoints.resolve(plan[side]);
  return openStore({
    dialect,
    cloud,
    endpoint: isOwn ? undefined : url,
    region,
    bucket,
    // It is the source's: a target is named in full.
    appId: side === 'source' ? plan.appId : undefined,
    addressing,
    ca,
    guard,
    cdn,
    credentials: credentials[side],
    clock,
    held,
    sockets,
    timeouts,
    shared: { accounts, side, apart: forChecks },
    onRequest: (operation, outcome, seconds) =>
      metrics.storeRequestSeconds.observe({ cloud, operation, outcome }, seconds),
    onRetry: (error, attempt, delayMs) =>
      log.warn(
        { event: 'store.retry', fault: error.fault, ...error.details, attempt, delayMs },
        'trying again',
      ),
  });
}
