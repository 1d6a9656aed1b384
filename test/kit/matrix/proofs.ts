import { type Ability, abilities, clouds, isThere, type Way, ways } from './abilities.ts';
import { type DeclaredTest, provenBy } from './declared-tests.ts';

/** One way in which an ability of a cloud is proven, and the series of tests that does it. */
export interface Proof {
  readonly cloud: string;
  readonly ability: Ability;
  readonly way: Way;
  /** The ID of the series: `series('…'` in one file. */
  readonly series: string;
  /** How many tests have passed. */
  readonly tests: number;
}

/** What some tests prove, in the order of the page. What a cloud has not is not proven of it. */
export function proofsOf(tests: readonly DeclaredTest[]): Proof[] {
  const found = new Map<string, Proof>();
  for (const each of tests) {
    const { abilities: proven, clouds: about } = provenBy(each);
    for (const cloud of clouds.filter((row) => about.includes(row))) {
      for (const ability of proven) {
        if (!isThere(cloud, ability)) continue;
        const { id: series, way } = each.series;
        const proof = { cloud, ability, way, series };
        const key = JSON.stringify(proof);
        found.set(key, { ...proof, tests: (found.get(key)?.tests ?? 0) + 1 });
      }
    }
  }
  return inOrder([...found.values()]);
}

/** Proofs in the order of the page. */
export function inOrder(proofs: readonly Proof[]): Proof[] {
  return proofs.toSorted((a, b) => rank(a) - rank(b) || compare(a.series, b.series));
}

function rank({ cloud, ability, way }: Proof): number {
  const row = clouds.findIndex((each) => each === cloud);
  return (row * abilities.length + abilities.indexOf(ability)) * ways.length + ways.indexOf(way);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** The committed form: a line for each proof. */
export function printProofs(proofs: readonly Proof[]): string {
  return `[\n${proofs.map((proof) => JSON.stringify(proof)).join(',\n')}\n]\n`;
}

export function readProofs(text: string): Proof[] {
  // It was written by `printProofs`, and the tests compare it with what there is.
  return JSON.parse(text) as Proof[];
}
