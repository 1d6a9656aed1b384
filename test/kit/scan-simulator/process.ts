import { Scanner } from '../../../src/domain/scan/scanner.ts';
import type { ScannerOptions } from '../../../src/domain/scan/scanner-options.ts';
import { type Clock, systemClock } from '../../../src/platform/base/clock.ts';
import { silentLog } from '../../../src/platform/base/log.ts';
import type { Database, Db } from '../../../src/platform/postgres/db.ts';
import type { Store } from '../../../src/platform/stores/store.ts';
import type { Simulation } from './simulation.ts';

export interface Sides {
  readonly source: Store;
  readonly target: Store;
}

/** A process with a scanner, which dies at a given step: nothing that it does from then on reaches anything. */
export class Process {
  readonly scanner: Scanner;
  readonly died: Promise<void>;
  readonly claims = new Set<string>();
  #stepsLeft: number;
  #die!: () => void;

  constructor(
    db: Database,
    simulation: Simulation,
    sides: Sides,
    steps = Number.POSITIVE_INFINITY,
  ) {
    this.#stepsLeft = steps;
    this.died = new Promise((resolve) => {
      this.#die = resolve;
    });
    const { concurrency, batchPairs, splitPages, waitingMax } = simulation;
    this.scanner = new Scanner({
      sizes: { bufferBytes: 1, putBytes: 1, partBytes: 1 },
      ...{ concurrency, batchPairs, splitPages, waitingMax },
      database: this.#database(db),
      open: async () => this.#step(() => Promise.resolve(this.#task(sides))),
      clock: fastClock,
      log: silentLog,
      leaseMs: 60_000,
    });
  }

  get isAlive(): boolean {
    return this.#stepsLeft > 0;
  }

  /** Two chances to die: before something is done, and after it, when its result is on its way. */
  async #step<T>(run: () => Promise<T>): Promise<T> {
    this.#age();
    const result = await run();
    this.#age();
    return result;
  }

  #age(): void {
    this.#stepsLeft -= 1;
    if (this.#stepsLeft > 0) return;
    this.#die();
    throw new Error('this process is dead');
  }

  #database(db: Database): ScannerOptions['database'] {
    const mortal = (inner: Db): Db => ({
      query: async (statement, values) => {
        const answer = await this.#step(() => inner.query(statement, values));
        const [row] = answer.rows;
        if (row !== undefined && 'claimId' in row) this.claims.add(String(row['claimId']));
        return answer as never;
      },
    });
    return {
      ...mortal(db),
      transaction: async (work, options) =>
        await this.#step(() =>
          db.transaction(async (inner) => await this.#step(() => work(mortal(inner))), options),
        ),
    };
  }

  #task({ source, target }: Sides) {
    const mortal = (store: Store): Store => {
      const twin = Object.create(store) as Store;
      twin.list = async (options, signal) => this.#step(() => store.list(options, signal));
      return twin;
    };
    return {
      ...{ source: mortal(source), target: mortal(target) },
      policy: { overwriteMode: 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE' } as const,
      [Symbol.dispose]: () => undefined,
    };
  }
}

/** A thousand times as fast as the system's. */
const fastClock: Clock = {
  ...systemClock,
  random: () => 0.5,
  sleep: (ms, signal, options) => systemClock.sleep(ms / 1_000, signal, options),
};
