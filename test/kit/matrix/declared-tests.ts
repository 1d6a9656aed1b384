import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TestName } from './claims.ts';

/** Where the stand-in for `node:test` finds whom to tell. */
const told = Symbol.for('brigade.declared-tests');

const nodeTest = `
const suites = [];
const tell = (name) => globalThis[Symbol.for('brigade.declared-tests')](suites.at(-1) ?? '', name);
export function describe(name, ...rest) {
  suites.push(name);
  rest.at(-1)();
  suites.pop();
}
export { tell as test };
export function before() {}
export { before as after, before as beforeEach, before as afterEach, before as mock };
`;

/** Whatever is asked of it, it is that too: for SDKs that are not installed. */
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
 * The names of all tests in some files, in suites or not. None is run: the files are loaded with a
 * `node:test` that only writes down what is declared. Packages that are missing are no hindrance.
 */
export async function declaredTests(root: string, files: readonly string[]): Promise<TestName[]> {
  const found: TestName[] = [];
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
      const tell = (suite: string, test: string) => found.push({ file, suite, test });
      Object.assign(globalThis, { [told]: tell });
      await import(pathToFileURL(join(root, file)).href);
    }
  } finally {
    hooks.deregister();
  }
  return found;
}
