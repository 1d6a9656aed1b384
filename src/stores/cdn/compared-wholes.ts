import { around } from '../layers/around.ts';
import type { Store } from '../store.ts';
import { staleCdn } from './cdn-refusal.ts';
import { checkedBody } from './checked-body.ts';

/**
 * A store that is read through a CDN, whose whole reads are compared with the sum that the bucket
 * tells; one that is not the same fails as `stale-cdn`.
 *
 * Outside all layers: a body that breaks is read on by a range, perhaps of another object, and only
 * here it is one body again.
 *
 * @param host The CDN's, for messages.
 */
export function comparedWholes(inner: Store, host: string): Store {
  return around(inner, {
    call: (_operation, _signal, run) => run(),
    async read(_signal, run, { range }) {
      const { head, body } = await run();
      if (range !== undefined) return { head, body };
      const about = { store: inner.name, operation: 'read', key: head.key };
      return { head, body: checkedBody(body, head, (message) => staleCdn(host, about, message)) };
    },
  });
}
