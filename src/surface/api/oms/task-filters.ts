import { contradictionOf, type CopyFilters } from '../../../platform/model/copy-filters.ts';
import { compileGlob, GlobError } from '../../../platform/model/glob.ts';
import {
  GLOB_CHARACTERS_MAX,
  KEY_FILTERS_MAX,
  KeyScope,
} from '../../../platform/model/key-scope.ts';
import type { TaskChoices } from '../../../domain/tasks/task-record.ts';
import { invalid } from '../kit/validation.ts';
import { choicesInBody } from './task-choices.ts';

/**
 * The choices of a creation; filters without any content are none.
 *
 * @throws {RequestError} for a pattern that is no glob, too many patterns, and filters that nothing passes.
 */
export function checkedChoices(choices: TaskChoices): TaskChoices {
  const { keyFilters, copyFilters, sourcePrefix, targetPrefix, ...others } = choices;
  if (keyFilters !== undefined) checkKeyFilters(keyFilters);
  if (copyFilters !== undefined) checkCopyFilters(copyFilters);
  if (new KeyScope(choices).prefixes.length === 0) {
    throw invalid(
      'key_filters',
      'must leave keys in scope: no included key begins with src_prefix, or all are excluded',
    );
  }
  const given = { keyFilters, copyFilters, sourcePrefix, targetPrefix };
  const used = Object.entries(given).filter(([, value]) => !isEmpty(value));
  return { ...others, ...Object.fromEntries(used) };
}

/** Forms send fields that were not filled in. */
function isEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value === undefined || value === '';
  return Object.values(value).every((inner) => Array.isArray(inner) && inner.length === 0);
}

function checkKeyFilters(filters: NonNullable<TaskChoices['keyFilters']>): void {
  const count = Object.values(filters).reduce((sum, list) => sum + list.length, 0);
  if (count > KEY_FILTERS_MAX) {
    throw invalid(
      'key_filters',
      `must not have more than ${KEY_FILTERS_MAX} prefixes and globs in all`,
    );
  }
  const globs = [...(filters.includeGlobs ?? []), ...(filters.excludeGlobs ?? [])];
  const characters = globs.reduce((sum, glob) => sum + Array.from(glob).length, 0);
  if (characters > GLOB_CHARACTERS_MAX) {
    throw invalid(
      'key_filters',
      `must not have globs of more than ${GLOB_CHARACTERS_MAX} characters in all, and these have ${characters}; use prefixes or shorter globs, or divide the keys among several tasks`,
    );
  }
  checkGlobs('key_filters.include_globs', filters.includeGlobs);
  checkGlobs('key_filters.exclude_globs', filters.excludeGlobs);
}

function checkGlobs(name: string, globs: readonly string[] = []): void {
  for (const [index, glob] of globs.entries()) {
    try {
      compileGlob(glob);
    } catch (error) {
      if (!(error instanceof GlobError)) throw error;
      throw invalid(`${name}[${index}]`, error.message);
    }
  }
}

/** @throws {RequestError} where no object can pass. */
export function checkCopyFilters(filters: CopyFilters): void {
  const contradiction = contradictionOf(filters);
  if (contradiction === 'size') {
    throw invalid('copy_filters.min_size', 'must not be greater than max_size');
  }
  if (contradiction === 'time') {
    throw invalid('copy_filters.modified_from', 'must not be later than modified_to');
  }
}

const changeable: ReadonlySet<string> = new Set(['copy_filters', 'missing_source']);

/** Choices of a creation that stay as they are. */
export const unchangeable: readonly string[] = Object.keys(choicesInBody).filter(
  (name) => !changeable.has(name),
);
