import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  findScan,
  insertScan,
  type ScanRecord,
  signalScan,
} from '../../../src/domain/scan/scans-table.ts';
import type { Database } from '../../../src/platform/postgres/db.ts';
import { keyOfIndexed } from '../../../src/platform/postgres/long-keys.ts';
import { Chance } from '../seeded-random.ts';
import { addTask } from '../queue-rows.ts';
import { until } from '../until.ts';
import { checkOutcome } from './outcome.ts';
import { Process, type Sides } from './process.ts';
import { scriptedListing } from './scripted-listing.ts';
import { type Simulation, simulationOf } from './simulation.ts';

/**
 * A scan by the real scanner and a real PostgreSQL, of buckets in memory, under everything that may go wrong. A seed
 * decides the keys, the pages, what fails and when processes die; the machine decides in which order processes run.
 */

/** The number of concurrent simulations, each in its own database. */
const RUNS = 4;

/**
 * Runs the simulations of many seeds.
 *
 * @throws {Error} naming the seed of the first one in which something was not as it must be.
 */
export async function simulateSeeds(
  database: () => Promise<Database>,
  { first, count }: { readonly first: number; readonly count: number },
): Promise<void> {
  let next = first;
  const run = async (): Promise<void> => {
    await using db = await database();
    while (next < first + count) {
      const seed = next++;
      const simulation = simulationOf(seed);
      await simulate(db, simulation).catch((error: unknown) => {
        throw new Error(`SEED=${seed} (${simulation.distribution})`, { cause: error });
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(RUNS, count) }, run));
}

/** Runs it until the scan has ended, and checks all that must be so. */
export async function simulate(
  db: Database,
  simulation: Simulation,
): Promise<{ readonly scan: ScanRecord; readonly died: boolean }> {
  const run = await ScanRun.start(db, simulation);
  try {
    await until('the scan has ended', () => run.tick(), 60);
    await run.stop();
    const scan = await run.shown();
    await checkOutcome(db, { simulation, scan, enqueued: run.enqueued });
    return { scan, died: run.died };
  } finally {
    await run.stop();
    await run.remove();
  }
}

/** One scan with its processes, which are replaced as they die. */
class ScanRun {
  readonly scanId = randomUUID();
  readonly taskId: string;
  readonly simulation: Simulation;
  /** How often each key was enqueued. */
  readonly enqueued = new Map<string, number>();
  readonly #db: Database;
  readonly #chance: Chance;
  readonly #sides: Sides;
  readonly #deaths: number[];
  #processes: Process[] = [];
  readonly #ended: Promise<void>[] = [];
  /** Whether a process has. */
  died = false;

  private constructor(db: Database, taskId: string, simulation: Simulation) {
    this.#db = db;
    this.taskId = taskId;
    this.simulation = simulation;
    this.#chance = new Chance(simulation.sourceScript.seed + 1);
    this.#deaths = [...simulation.deaths];
    const { source, target, sourceScript, targetScript } = simulation;
    this.#sides = {
      source: scriptedListing('memory:source', source, sourceScript),
      target: scriptedListing('memory:target', target, targetScript),
    };
  }

  static async start(db: Database, simulation: Simulation): Promise<ScanRun> {
    const run = new ScanRun(db, await addTask(db, { tasksMax: 1e6 }), simulation);
    const { scanId: id, taskId } = run;
    assert.ok(await insertScan(db, { id, taskId, kind: simulation.kind }));
    return run;
  }

  /** Performs one step of the events that occur during the scan. @returns Whether the scan has ended. */
  async tick(): Promise<boolean> {
    const { processes, unrest } = this.simulation;
    this.#processes = this.#processes.filter((process) => process.isAlive);
    while (this.#processes.length < processes) this.#begin();
    await this.#copy();
    if (this.#chance.below(100) < unrest) await this.#disturb();
    // All back-off is over, and all leases of the dead.
    const due = await this.#db.query(
      `update scan_ranges set due_at = now(), lease_until = case when claim_id = any($2) then lease_until end
      where scan_id = $1 and state = 'open' and (due_at > now() or lease_until is not null and claim_id <> all($2))`,
      [this.scanId, this.#processes.flatMap(({ claims }) => [...claims])],
    );
    const reads = await this.#db.query(
      `update listing_reads set due_at = now(), lease_until = case when claim_id = any($2) then lease_until end
      where scan_id = $1 and (due_at > now() or lease_until is not null and claim_id <> all($2))`,
      [this.scanId, this.#processes.flatMap(({ claims }) => [...claims])],
    );
    if (due.rowCount + reads.rowCount > 0)
      for (const process of this.#processes) process.scanner.wake();
    return (await this.shown()).endedAt !== undefined;
  }

  async stop(): Promise<void> {
    for (const process of this.#processes) this.#ended.push(process.scanner.stop());
    this.#processes = [];
    await Promise.all(this.#ended);
    await this.#copy();
  }

  async shown(): Promise<ScanRecord> {
    return (await findScan(this.#db, this.taskId, this.scanId)) ?? assert.fail('it is gone');
  }

  async remove(): Promise<void> {
    await this.#db.query('delete from changes');
    await this.#db.query('delete from scans where id = $1', [this.scanId]);
  }

  #begin(): void {
    const process = new Process(this.#db, this.simulation, this.#sides, this.#deaths.shift());
    this.#processes.push(process);
    void process.died.then(() => {
      this.died = true;
      this.#ended.push(process.scanner.stop());
    });
    process.scanner.start();
  }

  /** Workers copy what waits. */
  async #copy(): Promise<void> {
    const { rows } = await this.#db.query<{ key: string }>(
      'delete from changes where task_id = $1 returning object_key as key',
      [this.taskId],
    );
    for (const row of rows) {
      const key = keyOfIndexed(row.key);
      this.enqueued.set(key, (this.enqueued.get(key) ?? 0) + 1);
    }
  }

  async #disturb(): Promise<void> {
    if (this.#chance.once(2)) {
      await this.#db.query('update scan_ranges set lease_until = null where scan_id = $1', [
        this.scanId,
      ]);
    } else {
      await signalScan(this.#db, this.scanId, 'stop');
      await signalScan(this.#db, this.scanId, 'start');
    }
    for (const process of this.#processes) process.scanner.wake();
  }
}
