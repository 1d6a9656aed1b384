import type { ObjectHead } from '../../src/platform/model/object.ts';
import { indexAfter, KeyIndex } from './s3-server/key-index.ts';

export interface StoredObject {
  readonly head: ObjectHead;
  readonly bytes: Uint8Array;
  /** Reads fail with `archived` until the object is restored, which takes no time here. */
  archived: boolean;
}

/** Objects by key, which keep the order of listings, so that a page does not sort them all. */
export class StoredObjects extends Map<string, StoredObject> {
  #index = new KeyIndex();

  override set(key: string, object: StoredObject): this {
    if (!this.has(key)) this.#index.add(key);
    return super.set(key, object);
  }

  override delete(key: string): boolean {
    const had = super.delete(key);
    if (had) this.#index.remove();
    return had;
  }

  override clear(): void {
    super.clear();
    this.#index = new KeyIndex();
  }

  /** At most `limit` keys with this prefix, in the order of listings. */
  keysOf(prefix: string, after: string | undefined, limit: number): string[] {
    const keys = this.#index.sorted((key) => this.has(key));
    let at = indexAfter(keys, prefix, true);
    if (after !== undefined) at = Math.max(at, indexAfter(keys, after, false));
    const found: string[] = [];
    for (; found.length < limit; at++) {
      const key = keys[at];
      if (key?.startsWith(prefix) !== true) break;
      if (this.has(key)) found.push(key);
    }
    return found;
  }
}
