import type { ScanKind } from '../../../src/domain/scan/scan.ts';
import type { ObjectEntry } from '../../../src/platform/model/object.ts';
import { compareKeys } from '../../../src/platform/stores/keys.ts';
import { Chance } from '../seeded-random.ts';
import { type Distribution, distributions, keysOf } from './key-distributions.ts';
import type { ListingScript } from './scripted-listing.ts';

/** What one simulated scan is made of. */
export interface Simulation {
  readonly distribution: Distribution;
  readonly kind: ScanKind;
  readonly source: readonly ObjectEntry[];
  readonly target: readonly ObjectEntry[];
  readonly sourceScript: ListingScript;
  readonly targetScript: ListingScript;
  readonly processes: number;
  readonly concurrency: number;
  readonly batchPairs: number;
  readonly splitPages: number;
  readonly waitingMax: number;
  /** After how many steps each process dies: one after another takes the next of these. A step is an `await` for I/O. */
  readonly deaths: readonly number[];
  /** How often leases run out, or a user stops and starts the scan, out of a hundred moments. */
  readonly unrest: number;
}

/** The scan that a seed stands for. */
export function simulationOf(seed: number): Simulation {
  const chance = new Chance(seed * 2_654_435_761);
  // Neighboring seeds begin alike.
  for (let at = 0; at < 8; at++) chance.below(2);
  const distribution = distributions[seed % distributions.length] ?? 'numbers';
  const keys = keysOf(distribution, chance.below(chance.pick([3, 60, 300])), chance);
  const sides = sidesOf(keys, chance);
  const all = keys.toSorted(compareKeys);
  const pageMax = 1 + chance.below(30);
  const script = (): ListingScript => ({
    seed,
    pageMax,
    faulty: chance.pick([0, 0, 10, 30]),
    deniedFrom: chance.once(10) ? all[chance.below(all.length)] : undefined,
    twisted: chance.once(10) ? 5 : 0,
    listsFromKey: !chance.once(6),
    order: chance.once(4) ? chance.pick(['UTF-16', 'directories', 'hashes']) : 'bytes',
  });
  return {
    distribution,
    kind: chance.pick(['backfill', 'reconcile', 'verify']),
    ...sides,
    sourceScript: script(),
    targetScript: script(),
    processes: 1 + chance.below(3),
    concurrency: 1 + chance.below(3),
    batchPairs: 1 + chance.below(40),
    splitPages: 1 + chance.below(4),
    waitingMax: chance.pick([5, 50, 1e9]),
    deaths: Array.from({ length: chance.below(6) }, () => 1 + chance.below(80)),
    unrest: chance.pick([0, 5, 20]),
  };
}

function sidesOf(keys: readonly string[], chance: Chance) {
  const source: ObjectEntry[] = [];
  const target: ObjectEntry[] = [];
  const entry = (key: string, size: number): ObjectEntry => ({
    ...{ key, size, etag: `"${size}"`, lastModified: 1_000, storageClass: undefined },
  });
  // A side may be empty, or both nearly equal.
  const weights: readonly (readonly [Truth, number])[] = [
    ['equal', 1],
    ...(['missing', 'extra', 'different'] as const).map(
      (truth) => [truth, chance.pick([0, 1, 10, 100])] as const,
    ),
  ];
  for (const key of keys) {
    const truth = weighted(weights, chance);
    if (truth !== 'extra') source.push(entry(key, 10));
    if (truth !== 'missing') target.push(entry(key, truth === 'different' ? 11 : 10));
  }
  return { source, target };
}

function weighted(weights: readonly (readonly [Truth, number])[], chance: Chance): Truth {
  let left = chance.below(weights.reduce((sum, [, weight]) => sum + weight, 0));
  for (const [truth, weight] of weights) {
    if (left < weight) return truth;
    left -= weight;
  }
  return 'equal';
}

/** What is right for one key, by the objects themselves. */
export type Truth = 'equal' | 'different' | 'missing' | 'extra';

export function truthsOf({ source, target }: Simulation): ReadonlyMap<string, Truth> {
  const at = new Map(target.map((entry) => [entry.key, entry]));
  const truths = new Map<string, Truth>(target.map(({ key }) => [key, 'extra']));
  for (const { key, size } of source) {
    const other = at.get(key);
    truths.set(key, other === undefined ? 'missing' : other.size === size ? 'equal' : 'different');
  }
  return truths;
}
