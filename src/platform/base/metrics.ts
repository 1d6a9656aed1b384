import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** How much waits in the tasks of one state. */
interface BacklogSample {
  /** `SYNCHRONIZING` or `STOPPED`. */
  readonly state: string;
  /** Changes that are not settled. */
  readonly waiting: number;
  /** Age of the oldest of them; 0 where nothing waits. */
  readonly lagSeconds: number;
  /** Objects with rechecks outstanding: neither waiting nor lagging. */
  readonly rechecks: number;
  /** Of running tasks: how long the oldest object had waited that their last reconciles found without an event. */
  readonly withoutEventSeconds?: number;
}

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * Every metric of the product, in a registry of their own: a process makes one, a test as many as it
 * likes. Base units; every label has a bound: never a key, a bucket, a task or a project.
 */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    ...workMetrics(registers),
    ...backlogMetrics(registers),
    ...fleetMetrics(registers),
    /** `outcome` is `ok` or a fault. */
    storeRequestSeconds: new Histogram({
      name: 'brigade_store_request_duration_seconds',
      help: 'Time of one HTTP request to a cloud, to the end of its answer; each retry counts',
      labelNames: ['cloud', 'operation', 'outcome'] as const,
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
      registers,
    }),
    /** `route` is the pattern, not the path; `unknown` where none matched. */
    apiRequestSeconds: new Histogram({
      name: 'brigade_api_request_duration_seconds',
      help: 'Time from the head of a request to the end of its answer',
      labelNames: ['route', 'method', 'status'] as const,
      buckets: [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
      registers,
    }),
  };
}

function workMetrics(registers: Registry[]) {
  return {
    acceptedKeys: new Counter({
      name: 'brigade_accepted_keys_total',
      help: 'Object keys of accepted sync events, duplicates too',
      registers,
    }),
    copiedObjects: new Counter({
      name: 'brigade_copied_objects_total',
      help: 'Objects copied and checked',
      registers,
    }),
    copiedBytes: new Counter({
      name: 'brigade_copied_bytes_total',
      help: 'Bytes of the objects that were copied and checked',
      registers,
    }),
    retries: new Counter({
      name: 'brigade_retries_total',
      help: 'Attempts that failed and come again later, by what they failed of',
      labelNames: ['fault'] as const,
      registers,
    }),
    /** `result` is one of five: see the reference. */
    rechecks: new Counter({
      name: 'brigade_rechecks_total',
      help: 'Looks at targets after a claim ended without a settlement, by how they ended',
      labelNames: ['result'] as const,
      registers,
    }),
    keysWithoutEvent: new Counter({
      name: 'brigade_keys_without_event_total',
      help: 'Objects that reconciles enqueued and that no event had named',
      registers,
    }),
    /** `kind` is copied, skipped or failed; `reason` why it was skipped or failed, else `none`. */
    outcomes: new Counter({
      name: 'brigade_outcomes_total',
      help: 'Looks at objects that were settled, by how and why they ended',
      labelNames: ['kind', 'reason'] as const,
      registers,
    }),
  };
}

function fleetMetrics(registers: Registry[]) {
  let read: (() => Promise<ReadonlyMap<string, number>>) | undefined;
  return {
    /** Says where the gauge of the processes gets its values, at each scrape: how many that have each role. */
    watchProcesses(from: () => Promise<ReadonlyMap<string, number>>): void {
      read = from;
    },
    processes: new Gauge({
      name: 'brigade_processes',
      help: 'Processes on the database that are alive, by their roles',
      labelNames: ['role'] as const,
      registers,
      async collect() {
        const counts = await read?.().catch(() => undefined);
        this.reset();
        for (const [role, count] of counts ?? []) this.set({ role }, count);
      },
    }),
  };
}

function backlogMetrics(registers: Registry[]) {
  let read: (() => Promise<readonly BacklogSample[]>) | undefined;
  let reading: Promise<readonly BacklogSample[]> | undefined;

  /** The gauges are collected at once: they share one look. A failed look leaves them empty. */
  function look(): Promise<readonly BacklogSample[]> {
    reading ??= (read?.() ?? Promise.resolve([]))
      .catch(() => [])
      .finally(() => {
        reading = undefined;
      });
    return reading;
  }

  function byState(name: string, help: string, valueOf: (sample: BacklogSample) => number) {
    return new Gauge({
      ...{ name, help, registers },
      labelNames: ['state'] as const,
      async collect() {
        const samples = await look();
        this.reset();
        for (const sample of samples) this.set({ state: sample.state }, valueOf(sample));
      },
    });
  }

  return {
    /** Says where the gauges of the backlog get their values, at each scrape. */
    watchBacklog(from: () => Promise<readonly BacklogSample[]>): void {
      read = from;
    },
    waitingChanges: byState(
      'brigade_waiting_changes',
      'Changes that are not settled, by the state of their task',
      ({ waiting }) => waiting,
    ),
    waitingRechecks: byState(
      'brigade_waiting_rechecks',
      'Objects whose target is looked at again later, by the state of their task',
      ({ rechecks }) => rechecks,
    ),
    lagSeconds: byState(
      'brigade_lag_seconds',
      'Age of the oldest change that is not settled, by the state of its task',
      ({ lagSeconds }) => lagSeconds,
    ),
    oldestWithoutEvent: new Gauge({
      name: 'brigade_oldest_without_event_seconds',
      help: 'How long the oldest object waited for the last reconcile of its task because no event named it',
      registers,
      async collect() {
        const samples = await look();
        this.reset();
        for (const { withoutEventSeconds } of samples)
          if (withoutEventSeconds !== undefined) this.set(withoutEventSeconds);
      },
    }),
  };
}
