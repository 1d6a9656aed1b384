import type { ClaimedChange } from './changes.ts';
import type { Settlement } from './settle.ts';

/** A change that this process has the right to work on. */
export interface Claim extends ClaimedChange {
  readonly taskId: string;
  readonly lease: Lease;
}

/** The right to one claim, until a local deadline that lies well before the database's. */
export interface Lease {
  /** Aborted when the deadline passes, or when the process gives its work back. */
  readonly signal: AbortSignal;
  held(): boolean;
}

/** How the work on a claim ended; the claim's own facts are added by the engine. */
export type WorkResult = Omit<Settlement, 'key' | 'claimId' | 'generation'>;

/** Does the work on one change. Never rejects: what goes wrong is a result. */
export type WorkHandler = (claim: Claim) => Promise<WorkResult>;

/** A claim that goes back unused: it is due again at once, and its attempt does not count. */
export const released: WorkResult = { done: false, delayMs: 0, released: true };
