export const statisticTypes = ['REQUEST', 'SUCCESS', 'FAILURE', 'SKIP', 'SIZE'] as const;
export type StatisticType = (typeof statisticTypes)[number];
export type StatisticWidth = 'FIVE_MINUTES' | 'ONE_HOUR';

export const FIVE_MINUTES_MS = 5 * 60_000;
export const HOUR_MS = 60 * 60_000;
const FIVE_MINUTES_SPAN_MAX_MS = 72 * HOUR_MS;
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

/**
 * The buckets that answer a statistics request: five minutes up to three days, hours beyond.
 *
 * @returns Undefined where the range would need more than {@link POINTS_MAX} points.
 */
export function planStatistics(startMs: number, endMs: number): StatisticPlan | undefined {
  const width = endMs - startMs <= FIVE_MINUTES_SPAN_MAX_MS ? 'FIVE_MINUTES' : 'ONE_HOUR';
  const step = widthMs[width];
  const first = Math.floor(startMs / step);
  const last = Math.floor(endMs / step);
  if (last - first + 1 > POINTS_MAX) return undefined;
  const starts = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
  return { width, widthMs: step, starts };
}
