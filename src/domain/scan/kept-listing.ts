import { backoffMs } from '../../platform/base/backoff.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import type { Db } from '../../platform/postgres/db.ts';
import { TokenTrail } from '../../platform/stores/listed-pages.ts';
import { forwarding } from '../../platform/stores/layers/forwarding.ts';
import type { Store } from '../../platform/stores/store.ts';
import { ServiceError } from '../service-error.ts';
import {
  keepPage,
  KEPT_KEYS_MAX,
  keptPage,
  type ListingClaim,
  releaseListing,
  type Side,
} from './kept-listings-table.ts';
import { inScope } from './scan-scope.ts';
import { ATTEMPTS_MAX, BACKOFF, type ScannerOptions } from './scanner-options.ts';
import { endScan } from './scans-table.ts';
import { isKept } from './unreadable.ts';

const PAGE_MAX = 1_000;
/** An entry of an index has 2,704 at most. */
const INDEXED_BYTES_MAX = 2_500;

/** A store that lists what is kept of its listing, which is in order. */
export function keptListing(
  db: Db,
  listing: { readonly scanId: string; readonly side: Side },
  store: Store,
): Store {
  return forwarding(store, {
    traits: { ...store.traits, listsFromKey: true },
    async list({ after = '', limit = PAGE_MAX }, signal) {
      signal.throwIfAborted();
      const entries = await keptPage(db, listing, { after, limit });
      return { entries, next: entries.length < limit ? undefined : entries.at(-1)?.key };
    },
  });
}

/**
 * Reads a listing to its end, by the store's own tokens, and keeps it. An interrupted reading continues behind the last
 * page that was kept. Never rejects for what a store does: the scan ends where that cannot be overcome.
 */
export async function readListing(
  options: ScannerOptions,
  claim: ListingClaim,
  signal: AbortSignal,
): Promise<void> {
  try {
    using task = await options.open(claim.taskId, claim.revision);
    await keepAll(options, claim, { store: inScope(task)[claim.side], signal });
  } catch (error) {
    if (signal.aborted) await releaseListing(options.database, claim, { delayMs: 0 });
    else await handle(options, claim, error);
  }
}

async function keepAll(
  { database, leaseMs, keptKeysMax = KEPT_KEYS_MAX }: ScannerOptions,
  claim: ListingClaim,
  { store, signal }: { readonly store: Store; readonly signal: AbortSignal },
): Promise<void> {
  const trail = new TokenTrail();
  for (let after = claim.next; ; ) {
    const { entries, next } = await store.list({ after, anyOrder: true, forScan: true }, signal);
    if (next !== undefined && !trail.leadsOn(next)) {
      const cloudMessage = 'pages that lead in a circle';
      throw new StoreError('bad-reply', { store: store.name, operation: 'list', cloudMessage });
    }
    const unreadable = entries.filter((entry) => !fits(entry)).map(({ key }) => key);
    const page = { entries: entries.filter(fits), next, unreadable };
    const keys = await keepPage(database, claim, page, leaseMs);
    if (keys === undefined || next === undefined) return;
    if (keys > keptKeysMax) throw new TooManyKeys(keptKeysMax);
    after = next;
  }
}

/** The names are indexed in their own order, which no shortened form of a long name would keep. */
function fits(entry: { readonly key: string }): boolean {
  return isKept(entry) && Buffer.byteLength(entry.key) <= INDEXED_BYTES_MAX;
}

/** A listing that is not in order is longer than what is kept of one. */
class TooManyKeys extends Error {
  override readonly name = 'TooManyKeys';
  constructor(most: number) {
    super(`it is not in the order of its keys, and has more than ${most}`);
  }
}

async function handle(
  { database, clock, log }: ScannerOptions,
  claim: ListingClaim,
  error: unknown,
): Promise<void> {
  const { scanId, taskId, side, attempts } = claim;
  const passing = error instanceof StoreError ? error.transient : !(error instanceof TooManyKeys);
  // A token may have become too old: then the listing is read once more from its beginning.
  const again = error instanceof StoreError && !passing && claim.next !== undefined;
  const ends = (!passing && !again) || attempts >= ATTEMPTS_MAX;
  const line = { event: 'scan.listing', scanId, taskId, side, attempts, err: error };
  log.warn(line, ends ? 'a listing could not be kept' : 'a listing is read again');
  if (!ends) {
    const delayMs = backoffMs(attempts, BACKOFF, clock.random());
    await releaseListing(database, claim, { delayMs, again });
    return;
  }
  const known = [StoreError, ServiceError, TooManyKeys].some((kind) => error instanceof kind);
  const said = known ? (error as Error).message : 'an unexpected error; see the log';
  const reason = `The listing of the ${side} bucket: ${said.replaceAll('\0', '')}`;
  await endScan(database, scanId, { state: 'incomplete', reason });
}
