import type { TestOptions } from 'node:test';
import type { StoreDialect } from '../../../src/platform/stores/providers.ts';
import type { Ability, Way } from './abilities.ts';

/*
 * What tests prove is declared where they are, so that it survives when a test is renamed or moved. Both
 * functions give options of `node:test`, which ignores what it does not know.
 *
 *   describe('…', series('sdk-aws', { way: 'SDK', clouds: ['AWS'] }), () => {
 *     test('…', proves('reads'), () => …);
 *   });
 */

/** A series of tests, with an ID that docs/clouds/matrix.json refers to. Each series is in one file. */
export interface Series {
  readonly id: string;
  readonly way: Way;
  /** The clouds that all of its tests are about; tests of their own clouds say so themselves. */
  readonly clouds: readonly StoreDialect[];
  /** Abilities that these tests mention but do not prove here. */
  readonly except: readonly Ability[];
  /** As what proofs count here, and no others do: tests that read through a CDN prove what it can do. */
  readonly as: Readonly<Partial<Record<Ability, Ability>>> | undefined;
}

/** What one test proves. */
export interface Proven {
  readonly abilities: readonly Ability[];
  /** Undefined: those of its series. */
  readonly clouds: readonly StoreDialect[] | undefined;
}

const seriesKey = Symbol.for('brigade.matrix.series');
const provenKey = Symbol.for('brigade.matrix.proven');

export function series(
  id: string,
  {
    way,
    clouds = [],
    except = [],
    as,
  }: Pick<Series, 'way'> & { readonly [K in 'clouds' | 'except' | 'as']?: Series[K] },
): TestOptions {
  return withMark(seriesKey, { id, way, clouds, except, as } satisfies Series);
}

export function proves(
  ability: Ability | readonly Ability[],
  ...clouds: readonly StoreDialect[]
): TestOptions {
  const abilities = [ability].flat();
  const mark: Proven = { abilities, clouds: clouds.length === 0 ? undefined : clouds };
  return withMark(provenKey, mark);
}

function withMark(key: symbol, mark: object): TestOptions {
  return { [key]: mark };
}

/** The marks that are in the options of a test or a suite. */
export function marksOf(options: unknown): {
  readonly series: Series | undefined;
  readonly proven: Proven | undefined;
} {
  if (typeof options !== 'object' || options === null) {
    return { series: undefined, proven: undefined };
  }
  // Nothing else has these keys.
  const marks = options as Readonly<Record<symbol, unknown>>;
  return {
    series: marks[seriesKey] as Series | undefined,
    proven: marks[provenKey] as Proven | undefined,
  };
}
