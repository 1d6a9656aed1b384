import { compileGlob, type Glob } from './glob.ts';

/**
 * Which keys of the source a task is about: those that one of the includes describes, or all where there is none,
 * without those that one of the excludes describes.
 */
export interface KeyFilters {
  readonly includePrefixes?: readonly string[] | undefined;
  readonly includeGlobs?: readonly string[] | undefined;
  readonly excludePrefixes?: readonly string[] | undefined;
  readonly excludeGlobs?: readonly string[] | undefined;
}

/** Of all four lists together. */
export const KEY_FILTERS_MAX = 100;
/** Of all globs of a task together: each key is matched with all of them, which takes at most some 30 ms so. */
export const GLOB_CHARACTERS_MAX = 16_384;

/** Which keys a task is about, and how they are called at the target. */
export interface KeyPlan {
  readonly keyFilters?: KeyFilters | undefined;
  /** All keys begin so; it is removed from the key of the target. */
  readonly sourcePrefix?: string | undefined;
  /** The key of the target begins so. */
  readonly targetPrefix?: string | undefined;
}

/** The keys of one task, on both sides. */
export class KeyScope {
  readonly #sourcePrefix: string;
  readonly #targetPrefix: string;
  readonly #included: ((key: string) => boolean) | undefined;
  readonly #includesAll: boolean;
  readonly #excluded: (key: string) => boolean;
  readonly #excludedPrefixes: readonly string[];
  /**
   * The beginnings of all keys in scope, in the order of keys; none begins with another. Empty: no key can be in
   * scope.
   */
  readonly prefixes: readonly string[];

  /** @throws {GlobError} for a pattern that is not a glob. */
  constructor({ keyFilters = {}, sourcePrefix = '', targetPrefix = '' }: KeyPlan) {
    this.#sourcePrefix = sourcePrefix;
    this.#targetPrefix = targetPrefix;
    const { includePrefixes = [], includeGlobs = [] } = keyFilters;
    const { excludePrefixes = [], excludeGlobs = [] } = keyFilters;
    const globs = includeGlobs.map(compileGlob);
    const all = globs.length + includePrefixes.length === 0;
    this.#included = all ? undefined : matcherOf(includePrefixes, globs);
    this.#excluded = matcherOf(excludePrefixes, excludeGlobs.map(compileGlob));
    this.#excludedPrefixes = excludePrefixes;
    const excludes = excludePrefixes.length + excludeGlobs.length > 0;
    this.#includesAll = all && !excludes && sourcePrefix === '';
    const begin = all ? [''] : [...includePrefixes, ...globs.map(({ prefix }) => prefix)];
    this.prefixes = shortest(
      begin
        .flatMap((prefix) => commonPrefix(prefix, sourcePrefix))
        .filter((prefix) => !this.#isExcluded(prefix)),
    );
  }

  /** Whether every key is in scope. */
  get includesAll(): boolean {
    return this.#includesAll;
  }

  /** All keys begin so. */
  get sourcePrefix(): string {
    return this.#sourcePrefix;
  }

  /** Whether the target has all its keys as the source has them. */
  get isIdentity(): boolean {
    return this.#sourcePrefix === '' && this.#targetPrefix === '';
  }

  /** @param key Of the source. */
  includes(key: string): boolean {
    if (!key.startsWith(this.#sourcePrefix)) return false;
    return this.#included?.(key) !== false && !this.#excluded(key);
  }

  /** What an object of the source is called at the target; in the same order as the keys of the source. */
  targetKey(key: string): string {
    return this.#targetPrefix + key.slice(this.#sourcePrefix.length);
  }

  /** @param targetKey Begins with the prefix of the target. */
  sourceKey(targetKey: string): string {
    return this.#sourcePrefix + targetKey.slice(this.#targetPrefix.length);
  }

  /** Whether the target has a key for it: nothing may be left of a key that is the prefix of the source. */
  hasTarget(key: string): boolean {
    return this.targetKey(key) !== '';
  }

  /**
   * Where both sides are one bucket: a beginning of keys that the task would write and also read, so that it would
   * copy its own copies. Undefined where there is none. Globs that exclude keys do not count, since no
   * comparison of two globs shows that nothing matches both.
   */
  overlap(): string | undefined {
    for (const from of this.prefixes) {
      const written = this.targetKey(from);
      for (const read of this.prefixes) {
        const [both] = commonPrefix(written, read);
        if (both !== undefined && !this.#isExcluded(both)) return both;
      }
    }
    return undefined;
  }

  /** Whether all keys that begin so are excluded by their beginning. */
  #isExcluded(prefix: string): boolean {
    return this.#excludedPrefixes.some((excluded) => prefix.startsWith(excluded));
  }
}

function matcherOf(prefixes: readonly string[], globs: readonly Glob[]): (key: string) => boolean {
  if (prefixes.length + globs.length === 0) return () => false;
  return (key) =>
    prefixes.some((prefix) => key.startsWith(prefix)) || globs.some(({ matches }) => matches(key));
}

/** The beginning of the keys that begin with both; none where no key does. */
export function commonPrefix(one: string, other: string): readonly string[] {
  if (one.startsWith(other)) return [one];
  return other.startsWith(one) ? [other] : [];
}

/** Without those that begin with another one, in the order of keys. */
function shortest(prefixes: readonly string[]): readonly string[] {
  const sorted = [...prefixes].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const kept: string[] = [];
  for (const prefix of sorted) {
    const last = kept.at(-1);
    if (last === undefined || !prefix.startsWith(last)) kept.push(prefix);
  }
  return kept;
}
