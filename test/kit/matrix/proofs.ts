import { type Ability, abilities, clouds, isThere, type Way, ways } from './abilities.ts';
import { claims, cloudsOf, type TestName } from './claims.ts';

/** One way in which an ability of a cloud is proven, and the tests that do it. */
export interface Proof {
  readonly cloud: string;
  readonly ability: Ability;
  readonly way: Way;
  readonly file: string;
  readonly suite: string;
  readonly tests: readonly string[];
}

/** What some tests prove, in the order of the page. What a cloud has not is not proven of it. */
export function proofsOf(tests: readonly TestName[]): Proof[] {
  const found = new Map<string, Proof & { readonly tests: string[] }>();
  for (const claim of claims) {
    for (const name of tests.filter(({ file }) => file === claim.file)) {
      for (const ability of abilities) {
        for (const cloud of cloudsOf(claim, ability, name)) {
          if (!isThere(cloud, ability)) continue;
          const { file, suite, test } = name;
          const proof = { cloud, ability, way: claim.way, file, suite };
          const known = found.get(JSON.stringify(proof));
          if (known === undefined) found.set(JSON.stringify(proof), { ...proof, tests: [test] });
          else if (!known.tests.includes(test)) known.tests.push(test);
        }
      }
    }
  }
  return [...found.values()].sort((a, b) => rank(a) - rank(b));
}

function rank({ cloud, ability, way }: Proof): number {
  const row = clouds.findIndex((each) => each === cloud);
  return (row * abilities.length + abilities.indexOf(ability)) * ways.length + ways.indexOf(way);
}

/** The committed form: a line for each proof. */
export function printProofs(proofs: readonly Proof[]): string {
  return `[\n${proofs.map((proof) => JSON.stringify(proof)).join(',\n')}\n]\n`;
}

export function readProofs(text: string): Proof[] {
  // It was written by `printProofs`, and the tests compare it with what there is.
  return JSON.parse(text) as Proof[];
}
