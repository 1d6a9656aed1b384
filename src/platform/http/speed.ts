import type { Clock } from '../base/clock.ts';

/** The least speed of a transfer, over the time in which this side waits for the other. */
export interface SpeedFloor {
  readonly bytesPerSecond: number;
  /** Milliseconds of waiting over which the speed is measured. */
  readonly windowMs: number;
}

/**
 * Measures one direction of a transfer. Only the time counts in which the other side is waited for: a read
 * that is paused because its bytes are not wanted yet is not slow. Silence is left to timeouts, so that
 * this needs no timer.
 */
export class SpeedGauge {
  readonly #floor: SpeedFloor;
  readonly #clock: Pick<Clock, 'monotonic'>;
  #waitingSince = 0;
  #waitedMs = 0;
  #bytes = 0;

  constructor(floor: SpeedFloor, clock: Pick<Clock, 'monotonic'>) {
    this.#floor = floor;
    this.#clock = clock;
  }

  /** The other side is waited for from now on. */
  begin(): void {
    this.#waitingSince = this.#clock.monotonic();
  }

  /**
   * The wait is over, and brought so many bytes.
   *
   * @returns What is too slow, for people, at the end of a window; otherwise undefined.
   */
  end(bytes: number): string | undefined {
    const { bytesPerSecond, windowMs } = this.#floor;
    this.#waitedMs += this.#clock.monotonic() - this.#waitingSince;
    this.#bytes += bytes;
    if (this.#waitedMs < windowMs) return undefined;
    const seconds = this.#waitedMs / 1000;
    const moved = this.#bytes;
    this.#waitedMs = 0;
    this.#bytes = 0;
    if (moved >= bytesPerSecond * seconds) return undefined;
    return `${moved} bytes in ${Math.round(seconds)} seconds are fewer than the ${bytesPerSecond} a second of {settings.speedFloorBytes}`;
  }
}
