export const statisticTypes = ['REQUEST', 'SUCCESS', 'FAILURE', 'SKIP', 'SIZE'] as const;
export type StatisticType = (typeof statisticTypes)[number];
export type StatisticWidth = 'FIVE_MINUTES' | 'ONE_HOUR';

export const FIVE_MINUTES_MS = 5 * 60_000;
export const HOUR_MS = 60 * 60_000;
export const DAY_MS = 24 * HOUR_MS;
const FIVE_MINUTES_SPAN_MAX_MS = 3 * DAY_MS;
/** Older counters are folded, of five minutes into hours and of hours into months. */
export const FIVE_MINUTES_KEPT_DAYS = 4;
export const HOURS_KEPT_DAYS = 100;
/** The database folds by its own clock, which may be ahead of ours. */
const CLOCKS_DIFFER_MS = HOUR_MS;
export const POINTS_MAX = 1000;

const widthMs: Record<StatisticWidth, number> = {
  FIVE_MINUTES: FIVE_MINUTES_MS,
  ONE_HOUR: HOUR_MS,
};

/** The counters of one task: requests count accepted names, the others count settled rounds. */
export type Counters = Readonly<Record<StatisticType, number>>;

export interface StatisticPlan {
  readonly width: StatisticWidth;
  readonly widthMs: number;
  /** The start of every bucket that the range touches, ascending; milliseconds. */
  readonly starts: readonly number[];
}

export interface StatisticRange {
  readonly startMs: number;
  readonly endMs: number;
}

/** Whether counters of this moment are still kept by the hour, or in shorter steps. */
export function isKeptInHours(atMs: number, nowMs: number): boolean {
  return isKept(atMs, nowMs, HOURS_KEPT_DAYS);
}

function isKept(atMs: number, nowMs: number, days: number): boolean {
  return atMs >= nowMs - days * DAY_MS + CLOCKS_DIFFER_MS;
}

/**
 * The buckets that answer a statistics request: five minutes up to three days, hours beyond, and
 * where five minutes are not kept any more.
 *
 * @returns Undefined where the range would need more than {@link POINTS_MAX} points.
 */
export function planStatistics(
  { startMs, endMs }: StatisticRange,
  nowMs: number,
): StatisticPlan | undefined {
  const fine =
    endMs - startMs <= FIVE_MINUTES_SPAN_MAX_MS && isKept(startMs, nowMs, FIVE_MINUTES_KEPT_DAYS);
  const width = fine ? 'FIVE_MINUTES' : 'ONE_HOUR';
  const step = widthMs[width];
  const first = Math.floor(startMs / step);
  const last = Math.floor(endMs / step);
  if (last - first + 1 > POINTS_MAX) return undefined;
  const starts = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
  return { width, widthMs: step, starts };
}
