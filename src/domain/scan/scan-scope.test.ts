import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countTurns } from '../../../test/kit/count-turns.ts';
import { ManualClock } from '../../../test/kit/manual-clock.ts';
import { Slices } from '../../platform/base/slices.ts';
import { KeyScope } from '../../platform/model/key-scope.ts';
import { outsideOf } from './scan-scope.ts';

test('keys of a page that take long to match leave the event loop to others between two of them', async () => {
  const turns = countTurns();
  const clock = new ManualClock();
  const scope = new (class extends KeyScope {
    override includes(key: string): boolean {
      turns.note();
      clock.time += 6;
      return super.includes(key);
    }
  })({ keyFilters: { excludeGlobs: ['b/*'] } });
  const pairs = ['a/1', 'b/1', 'b/2', 'c'].map((key) => ({
    key,
    source: undefined,
    target: undefined,
  }));
  const outside = await outsideOf(pairs, scope, new Slices(clock));
  turns.stop();
  assert.deepEqual(
    [...outside].map(({ key }) => key),
    ['b/1', 'b/2'],
  );
  assert.equal(new Set(turns.noted).size, 4);
});
