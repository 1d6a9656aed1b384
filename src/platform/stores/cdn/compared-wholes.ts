import { createHash } from 'node:crypto';
import { Remembered } from '../../base/remembered.ts';
import type { ObjectHead } from '../../model/object.ts';
import { around } from '../layers/around.ts';
import type { Store } from '../store.ts';
import { StoreError } from '../../model/store-error.ts';
import { staleCdn } from './cdn-refusal.ts';
import { checkedBody } from './checked-body.ts';

/** One object is read several times while it is copied. */
const SERVED_MS = 600_000;
const SERVED_MAX = 1_000;

export interface ComparedWith {
  /** The CDN's, for messages. */
  readonly host: string;
  /** The same bucket, read without the CDN. */
  readonly bucket: Store;
  readonly now: () => number;
}

/**
 * A store that is read through a CDN, whose whole reads are compared with the checksum that the bucket
 * reports; a read with another checksum fails as `stale-cdn`. Where an MD5 differs, the bucket's own bytes
 * decide, since its ETag need not be an MD5.
 *
 * Outside all layers: a body that breaks is read on by a range, perhaps of another object, and only
 * here it is one body again.
 */
export function comparedWholes(inner: Store, { host, bucket, now }: ComparedWith): Store {
  const served = new Remembered<boolean>({ forMs: SERVED_MS, max: SERVED_MAX, now });
  return around(inner, {
    call: (_operation, _signal, run) => run(),
    async read(signal, run, { range }) {
      const { head, body } = await run();
      if (range !== undefined) return { head, body };
      const about = { store: inner.name, operation: 'read', key: head.key };
      const checked = checkedBody(body, {
        head,
        bucketServes: (md5) =>
          served.get(JSON.stringify([head.key, head.etag, md5]), () =>
            serves(bucket, head, md5, signal),
          ),
        failure: (message) => staleCdn(host, about, message),
      });
      return { head, body: checked };
    },
  });
}

/** False also where the bucket may not be read: then its word stands. */
async function serves(
  bucket: Store,
  head: ObjectHead,
  md5: string,
  signal: AbortSignal,
): Promise<boolean> {
  const hash = createHash('md5');
  try {
    const { body } = await bucket.read(head.key, { pin: head }, signal);
    for await (const piece of body) hash.update(piece);
  } catch (error) {
    if (error instanceof StoreError && !error.transient) return false;
    throw error;
  }
  return hash.digest('hex') === md5;
}
