/**
 * `backfill`: what is at the source and not at the target when a task begins. `reconcile`: what events have missed.
 * Both have what they find copied. `verify` and `estimate` change nothing: the one
 * compares, and the other counts what a backfill would do.
 */
export const scanKinds = ['backfill', 'reconcile', 'verify', 'estimate'] as const;
export type ScanKind = (typeof scanKinds)[number];

export const scanStates = [
  'waiting',
  'running',
  'paused',
  'complete',
  'incomplete',
  'canceled',
] as const;
/** `paused` is a scan that a user has stopped, or one that writes while its task is stopped. */
export type ScanState = (typeof scanStates)[number];

export type ScanSignal = 'stop' | 'start' | 'cancel';

/** Whether a scan of this kind has objects copied. A task has at most one of these at work. */
export function writes(kind: ScanKind): boolean {
  return kind === 'backfill' || kind === 'reconcile';
}

/** What is chosen when a scan is started. */
export interface ScanOptions {
  /** Of a verification: the share of all keys of which the bytes are read and compared; above 0, at most 1. */
  readonly deepShare?: number | undefined;
}
