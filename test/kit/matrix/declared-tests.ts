import { globSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Ability } from './abilities.ts';
import { marksOf, type Proven, type Series } from './proves.ts';

/** A test by its names. */
export interface TestName {
  /** From the root of the project. */
  readonly file: string;
  /** Empty for none. */
  readonly suite: string;
  readonly test: string;
}

/** A test with what it proves, and in which series. */
export interface DeclaredTest extends TestName {
  readonly series: Series;
  readonly proven: Proven;
}

/** The files that have a series. */
export function provingFiles(root: string): string[] {
  return globSync('{src,test}/**/*.test.ts', {
    cwd: root,
    exclude: (path) => path.includes('node_modules'),
  })
    .filter((path) => /\bseries\(/.test(readFileSync(join(root, path), 'utf8')))
    .sort();
}

/** Where the stand-in for `node:test` finds the function that it reports to. */
const report = Symbol.for('brigade.declared-tests');

const nodeTest = `
const suites = [];
export function describe(name, ...rest) {
  suites.push({ name, options: rest.at(-2) });
  rest.at(-1)();
  suites.pop();
}
export function test(name, ...rest) {
  globalThis[Symbol.for('brigade.declared-tests')](suites.at(-1), name, rest.at(-2));
}
export function before() {}
export { before as after, before as beforeEach, before as afterEach, before as mock };
`;

/** Every property of it is itself, and so is what it returns: for SDKs that are not installed. */
const anything = `
const anything = new Proxy(function () {}, {
  get: (target, name) => (name === 'prototype' ? target[name] : anything),
  apply: () => anything,
  construct: () => anything,
});
export { anything as default, anything as BosClient, anything as 'module.exports' };
`;

/** What is loaded instead, as if from here: only files can be required. */
const standIns = new Map([
  [new URL('node-test.mjs', import.meta.url).href, nodeTest],
  [new URL('anything.mjs', import.meta.url).href, anything],
]);
const [nodeTestUrl = '', anythingUrl = ''] = standIns.keys();

/**
 * All tests of some files that prove something, by their declarations. None is run: the files are loaded with a
 * `node:test` that only notes what is declared. Packages that are missing are no hindrance.
 */
export async function declaredTests(
  root: string,
  files: readonly string[],
): Promise<DeclaredTest[]> {
  const found: DeclaredTest[] = [];
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'node:test') return { url: nodeTestUrl, shortCircuit: true };
      try {
        return next(specifier, context);
      } catch (error) {
        if (specifier.startsWith('.')) throw error;
        return { url: anythingUrl, shortCircuit: true };
      }
    },
    load(url, context, next) {
      const source = standIns.get(url);
      return source === undefined
        ? next(url, context)
        : { format: 'module', source, shortCircuit: true };
    },
  });
  try {
    for (const file of files) {
      Object.assign(globalThis, {
        [report](suite: Suite | undefined, test: string, options: unknown) {
          const own = marksOf(options);
          const series = own.series ?? marksOf(suite?.options).series;
          if (series === undefined || own.proven === undefined) return;
          found.push({ file, suite: suite?.name ?? '', test, series, proven: own.proven });
        },
      });
      await import(pathToFileURL(join(root, file)).href);
    }
  } finally {
    hooks.deregister();
  }
  return found;
}

interface Suite {
  readonly name: string;
  readonly options: unknown;
}

/** What a test proves in its series, and of which clouds. */
export function provenBy({ series, proven }: DeclaredTest): {
  readonly abilities: readonly Ability[];
  readonly clouds: readonly string[];
} {
  const { as, except } = series;
  const abilities = proven.abilities
    .filter((ability) => !except.includes(ability))
    .flatMap((ability) => (as === undefined ? [ability] : (as[ability] ?? [])));
  return { abilities, clouds: proven.clouds ?? series.clouds };
}
