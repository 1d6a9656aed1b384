import { isDeepStrictEqual } from 'node:util';
import { orLetGo } from '../../http/let-go.ts';
import type { Behaviour } from '../../model/behaviour.ts';
import { checkPutOptions } from '../put-options.ts';
import { checkRemovals } from '../removals.ts';
import type { Store, Traits } from '../store.ts';
import { forwarding } from './forwarding.ts';

/** The traits without those that a probe refuted. No probe adds one: a few answers prove no promise. */
export function narrowedTraits(traits: Traits, found: Behaviour): Traits {
  const checksMd5 = found.checksMd5 !== false;
  const conditionalPut = found.conditionalPut !== false;
  return {
    ...traits,
    checksMd5: traits.checksMd5 && checksMd5,
    checksMd5OfStreams: traits.checksMd5OfStreams && checksMd5,
    conditionalPut: traits.conditionalPut && conditionalPut,
    conditionalPutVersioned: traits.conditionalPutVersioned && conditionalPut,
    conditionalRemove: traits.conditionalRemove && found.conditionalRemove !== false,
  };
}

/**
 * A store that has only the traits that a probe left, and refuses what it lacks by that. Where nothing
 * was refuted, it is the store itself.
 */
export function narrowed(inner: Store, found: Behaviour): Store {
  const { name } = inner;
  const traits = narrowedTraits(inner.traits, found);
  if (isDeepStrictEqual(traits, inner.traits)) return inner;
  return forwarding(inner, {
    traits,
    put: (key, body, options, signal) =>
      orLetGo(body, async () => {
        checkPutOptions(options, traits, { store: name, operation: 'put', key });
        return await inner.put(key, body, options, signal);
      }),
    async startParts(key, options, signal) {
      checkPutOptions(options, traits, { store: name, operation: 'startParts', key });
      return await inner.startParts(key, options, signal);
    },
    async remove(removals, signal) {
      checkRemovals({ name, traits }, removals);
      await inner.remove(removals, signal);
    },
  });
}
