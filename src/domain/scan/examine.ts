import type { Comparison } from './compare.ts';
import type { DifferenceReason } from './differences-table.ts';
import type { Pair } from './listing.ts';
import type { Tally } from './tally.ts';

/** What a kind of scan makes of a pair, beyond what both listings say of it. */
export interface Examined {
  readonly comparison: Comparison | 'unreadable';
  /** By which counters are raised. */
  readonly tally?: Tally | undefined;
  /** What disproved that both are equal; the fault where one is unreadable. */
  readonly reason?: DifferenceReason | undefined;
  readonly sourceChecksum?: string | undefined;
  readonly targetChecksum?: string | undefined;
  /** For people: why an object is unreadable. */
  readonly message?: string | undefined;
}

/**
 * Examines pairs in their order, as many as are worth a transaction: at least the first one.
 *
 * @returns One for each pair that was examined.
 */
export type Examine = (pairs: readonly Pair[], signal: AbortSignal) => Promise<readonly Examined[]>;
