/**
 * How fast requests may be sent to a store, learned from the share of requests that it refuses.
 *
 * Pure: a state and an observation give the next state. One state belongs to whatever the store
 * counts requests by; it knows neither the store nor the requests.
 *
 * - Without a refusal nothing is paced.
 * - Single refusals change nothing, at any rate: only a share above {@link TOLERATED} does. Stores
 *   refuse a few requests at random, and slowing down does not change that.
 * - Above that share the rate becomes slightly less than what the store accepted. A store that
 *   accepts nothing gets a quarter of the requests at each look, down to {@link SLOWEST}.
 * - Where half the rate brings as large a share of refusals, they do not depend on the rate, and it
 *   grows again; if it does depend on the rate after all, that makes the share larger.
 * - The rate grows by a step that itself grows while all goes well, and that starts small where the
 *   store's limit is known well: slow near the limit, fast where the store allows more again.
 */
export interface Pace {
  /** Requests a second; infinite while the store does not refuse too many. */
  readonly rate: number;
  /** By which share of itself the rate grows at the next look. */
  readonly step: number;
  /** When the next request may be sent. All times are monotonic milliseconds. */
  readonly nextAt: number;
  /** When the rate was last reduced: requests sent before say nothing about the new rate. */
  readonly reducedAt: number;
  /** What made the first of the reductions that follow each other necessary. */
  readonly cause: { readonly rate: number; readonly share: number } | undefined;
  readonly window: Window | undefined;
  readonly second: Second;
}

/** Accepted requests, of the second that began then and of the one before it. */
interface Second {
  readonly startedAt: number;
  readonly accepted: number;
  readonly before: number;
}

/** What was observed since the last look. */
interface Window {
  readonly startedAt: number;
  readonly accepted: number;
  readonly refused: number;
  /** The longest wait that the store requested ends then. */
  readonly resumeAt: number;
}

/** One answer of the store. */
export interface Observation {
  readonly sentAt: number;
  readonly at: number;
  readonly refused: boolean;
  /** The wait that the store requested. */
  readonly retryAfterMs?: number | undefined;
}

/** The share of refusals that is not answered by slowing down. */
const TOLERATED = 0.025;
/** Fewer refusals than this may be chance. */
const EVIDENCE = 4;
const WINDOW_MS = 1000;
/** A window with a refusal or two stays open until there are enough requests to judge them by. */
const WINDOW_MAX_MS = 10_000;
/** So much is clear before the window has passed. */
const OBVIOUS = { refused: 8, share: 0.5 };

/** Requests a second of a store that refuses everything. */
const SLOWEST = 0.5;
/** Of what the store accepted. */
const REDUCE_TO = 0.985;
/** A look reduces the rate to no less than this share of what was sent. */
const REDUCE_AT_MOST_TO = 0.25;
/** If so many refusals were to be expected and fewer came, their cause is gone. */
const PROOF = 10;
/** Above this share the rate is reduced, whether that helps or not. */
const HOPELESS = 0.5;
const TRIAL = 1.1;
const STEP = { least: 0.0025, most: 0.5, mostAtFirst: 0.25, growth: 1.4 };
/** How much of a delay of our own, as by a slow timer, is caught up with. */
const CATCH_UP_MS = 20;
/** A store cannot pause all requests for longer; a request with a longer Retry-After waits by itself. */
const PAUSE_MAX_MS = 120_000;

export const unpaced: Pace = {
  rate: Number.POSITIVE_INFINITY,
  step: STEP.least,
  nextAt: Number.NEGATIVE_INFINITY,
  reducedAt: Number.NEGATIVE_INFINITY,
  cause: undefined,
  window: undefined,
  second: { startedAt: Number.NEGATIVE_INFINITY, accepted: 0, before: 0 },
};

/** The state after a request was sent; it may be sent when `nextAt` has come. */
export function afterSending(pace: Pace, now: number): Pace {
  if (pace.rate === Number.POSITIVE_INFINITY) return pace;
  const from = Math.max(pace.nextAt, now - CATCH_UP_MS);
  return { ...pace, nextAt: from + 1000 / pace.rate };
}

/** The state after a request was answered. */
export function afterAnswer(before: Pace, observation: Observation): Pace {
  const pace = { ...before, second: counted(before.second, observation) };
  if (observation.sentAt < pace.reducedAt) return pace;
  const window = extended(pace.window, observation);
  switch (judge(window, observation)) {
    case 'unclear':
      return { ...pace, window };
    case 'well':
      return grown(pace, window, observation.at);
    case 'overloaded':
      return reduced(pace, window, observation.at);
  }
}

function counted({ startedAt, accepted, before }: Second, { at, refused }: Observation): Second {
  const one = refused ? 0 : 1;
  const passed = at - startedAt;
  if (passed < 1000) return { startedAt, accepted: accepted + one, before };
  return { startedAt: at, accepted: one, before: passed < 2000 ? accepted : 0 };
}

function extended(window: Window | undefined, observation: Observation): Window {
  const { at, refused, retryAfterMs = 0 } = observation;
  const { startedAt, accepted, ...before } = window ?? {
    ...{ startedAt: at, accepted: 0, refused: 0, resumeAt: at },
  };
  return {
    startedAt,
    accepted: accepted + (refused ? 0 : 1),
    refused: before.refused + (refused ? 1 : 0),
    resumeAt: Math.max(before.resumeAt, at + Math.min(retryAfterMs, PAUSE_MAX_MS)),
  };
}

function judge(
  { startedAt, accepted, refused }: Window,
  { sentAt, at }: Observation,
): 'unclear' | 'well' | 'overloaded' {
  const all = accepted + refused;
  const passed = at - startedAt;
  const tooMany = refused >= EVIDENCE && refused > TOLERATED * all;
  const obvious = refused >= OBVIOUS.refused && refused >= OBVIOUS.share * all;
  // Before the time that one request takes only the quickest answers are here.
  const measured = passed >= at - sentAt;
  if (tooMany && ((obvious && measured) || passed >= WINDOW_MS)) return 'overloaded';
  if (passed < WINDOW_MS) return 'unclear';
  if (refused === 0 || all * TOLERATED >= EVIDENCE) return 'well';
  if (passed < WINDOW_MAX_MS) return 'unclear';
  return refused < accepted ? 'well' : 'overloaded';
}

/** Requests a second in the window. */
function rateIn({ startedAt, accepted, refused }: Window, at: number): number {
  return ((accepted + refused) * 1000) / Math.max(at - startedAt, 1);
}

/** As {@link rateIn}, but the rate itself unless clearly fewer requests were sent: the count is imprecise. */
function askedIn({ rate }: Pace, window: Window, at: number): number {
  const counted = rateIn(window, at);
  return rate === Number.POSITIVE_INFINITY || counted < 0.8 * rate ? counted : rate;
}

function grown(pace: Pace, window: Window, at: number): Pace {
  if (pace.rate === Number.POSITIVE_INFINITY) return { ...pace, window: undefined };
  const rate = pace.rate * (1 + pace.step);
  if (rate > 4 * rateIn(window, at) + 100) return { ...unpaced, second: pace.second };
  const step = Math.min(pace.step * STEP.growth, STEP.most);
  const expected = window.accepted * (pace.cause?.share ?? 1);
  const isGone = expected >= PROOF && window.refused < expected / 2;
  return { ...pace, rate, step, cause: isGone ? undefined : pace.cause, window: undefined };
}

function reduced(pace: Pace, window: Window, at: number): Pace {
  const { accepted, refused, resumeAt } = window;
  const share = refused / (accepted + refused);
  const asked = askedIn(pace, window, at);
  // Where the store still accepts requests, only those that it refused wait as long as it requests.
  const nextAt = share > HOPELESS ? Math.max(pace.nextAt, resumeAt) : pace.nextAt;
  if (isInVain(pace, asked, share)) {
    // A higher rate shows whether that is so: at a limit the share of refusals grows with the rate.
    return { ...pace, rate: pace.rate * TRIAL, nextAt, window: undefined };
  }
  const target = asked * Math.max(REDUCE_TO * (1 - share), REDUCE_AT_MOST_TO);
  const rate = Math.max(SLOWEST, target, Math.min(pace.rate, acceptedLately(pace)));
  // The more it is reduced, the less is known about where the limit is.
  const unknown = rate === SLOWEST ? 1 : 1 - rate / asked;
  return {
    ...pace,
    rate,
    step: Math.min(Math.max(unknown / 8, STEP.least), STEP.mostAtFirst),
    nextAt: Math.max(at, nextAt),
    reducedAt: at,
    cause: share > HOPELESS ? undefined : (pace.cause ?? { rate: asked, share }),
    window: undefined,
  };
}

/** Requests a second that the store accepted lately. */
export function acceptedAt({ second }: Pace, at: number): number {
  if (at - second.startedAt >= 2000) return 0;
  return Math.max(second.accepted, second.before);
}

/** Requests a second that the store refused since the last look. */
export function refusedAt({ window }: Pace, at: number): number {
  if (window === undefined) return 0;
  return (window.refused * 1000) / Math.max(at - window.startedAt, WINDOW_MS);
}

/** The state at a share of the rate, for the sake of others: it grows again by itself. */
export function yielding(pace: Pace, share: number, at: number): Pace {
  const rate = Math.max(SLOWEST, share * Math.min(pace.rate, acceptedAt(pace, at)));
  const step = Math.max((1 - share) / 8, STEP.least);
  return {
    ...pace,
    rate,
    step,
    nextAt: Math.max(at, pace.nextAt),
    reducedAt: at,
    window: undefined,
  };
}

/**
 * The rate that what is paced already is not reduced below: a store that counts the requests of each
 * second, and has had enough of them, refuses all others until the next second.
 */
function acceptedLately({ rate, second }: Pace): number {
  if (rate === Number.POSITIVE_INFINITY) return 0;
  return REDUCE_TO * Math.max(second.accepted, second.before);
}

/** Whether the share of refusals is what it was before the rate was reduced. */
function isInVain({ cause }: Pace, asked: number, share: number): boolean {
  if (cause === undefined || share > HOPELESS) return false;
  return asked < cause.rate / 2 && share > 0.5 * cause.share && share < 1.5 * cause.share;
}
