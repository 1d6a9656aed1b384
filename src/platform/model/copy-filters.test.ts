import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type CopyFilters,
  contradictionOf,
  filteredBy,
  type FilteredFacts,
} from './copy-filters.ts';

const object: FilteredFacts = {
  size: 100,
  lastModified: 1_000,
  storageClass: 'STANDARD_IA',
  tier: 'IA',
};

describe('filteredBy', () => {
  for (const [filters, changes, reason] of [
    [undefined, {}, undefined],
    [{}, {}, undefined],
    [{ minSize: 100, maxSize: 100 }, {}, undefined],
    [{ minSize: 101 }, {}, 'filtered-size'],
    [{ maxSize: 99 }, {}, 'filtered-size'],
    [{ maxSize: 0 }, { size: 0 }, undefined],
    [{ minSize: 1 }, { size: 0 }, 'filtered-size'],
    [{ modifiedFrom: 1_000, modifiedTo: 1_000 }, {}, undefined],
    [{ modifiedFrom: 1_001 }, {}, 'filtered-time'],
    [{ modifiedTo: 999 }, {}, 'filtered-time'],
    [{ storageClasses: ['STANDARD', 'IA'] }, {}, undefined],
    [{ storageClasses: ['STANDARD'] }, {}, 'filtered-class'],
    [{ storageClasses: ['STANDARD'] }, { storageClass: undefined, tier: undefined }, undefined],
    [
      { storageClasses: ['STANDARD', 'IA'] },
      { storageClass: 'NEW', tier: undefined },
      'filtered-class',
    ],
    [{ minSize: 101, modifiedFrom: 1_001, storageClasses: ['ARCHIVE'] }, {}, 'filtered-size'],
  ] satisfies [CopyFilters | undefined, Partial<FilteredFacts>, string | undefined][]) {
    test(`${JSON.stringify(filters)} of ${JSON.stringify(changes)}: ${reason ?? 'copied'}`, () => {
      assert.equal(filteredBy(filters, { ...object, ...changes }), reason);
    });
  }
});

test('filters that no object can pass are named', () => {
  assert.equal(contradictionOf({ minSize: 2, maxSize: 1 }), 'size');
  assert.equal(contradictionOf({ modifiedFrom: 2, modifiedTo: 1 }), 'time');
  assert.equal(contradictionOf({ minSize: 1, maxSize: 1, modifiedFrom: 5 }), undefined);
});
