import {
  acceptedAt,
  afterAnswer,
  afterSending,
  type Observation,
  type Pace,
  refusedAt,
  unpaced,
  yielding,
} from './pace.ts';

/** For what a request is sent: a check, for which a person waits; an object; or a scan, which lists. */
export type Work = 'check' | 'object' | 'scan';

/**
 * The paces of an account. Lists of scans have one of their own, because many stores limit lists more than other
 * requests, and because a scan sends as many as it may, while an object waits for its event.
 *
 * - Refusals of lists slow down the scans only.
 * - Refusals of other requests slow down the scans first: as long as half of what the scans send would make up for
 *   them, nothing else changes.
 * - A list waits for the turns of both paces, and behind all other requests that wait.
 */
export interface AccountPace {
  /** Of all requests. It learns from those that are not of scans. */
  readonly all: Pace;
  readonly scans: Pace;
}

/** What is left of the rate of the scans where the store refuses requests beside them. */
const YIELD_TO = 0.5;

export const unpacedAccount: AccountPace = { all: unpaced, scans: unpaced };

/** When the next request of this kind may be sent, in monotonic milliseconds. */
export function nextTurn({ all, scans }: AccountPace, work: Work): number {
  return work === 'scan' ? Math.max(all.nextAt, scans.nextAt) : all.nextAt;
}

/** The state after a request was sent. */
export function afterTurn({ all, scans }: AccountPace, work: Work, now: number): AccountPace {
  return {
    all: afterSending(all, now),
    scans: work === 'scan' ? afterSending(scans, now) : scans,
  };
}

/** The state after a request was answered. */
export function afterAnswerTo(
  { all, scans }: AccountPace,
  work: Work,
  observation: Observation,
): AccountPace {
  if (work === 'scan') return { all, scans: afterAnswer(scans, observation) };
  const next = afterAnswer(all, observation);
  if (next.reducedAt === all.reducedAt) return { all: next, scans };
  const { at } = observation;
  const isEnough = acceptedAt(scans, at) * (1 - YIELD_TO) >= refusedAt(all, at);
  if (!isEnough) return { all: next, scans };
  // The pause that a store requests applies in any case.
  const spared = { ...all, nextAt: next.nextAt, reducedAt: at, window: undefined };
  return { all: spared, scans: yielding(scans, YIELD_TO, at) };
}
