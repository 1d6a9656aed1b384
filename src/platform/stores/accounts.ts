import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { Semaphore } from '../base/semaphore.ts';
import { SharedClients } from '../http/shared-clients.ts';
import type { AccessKey } from '../signing/access-key.ts';
import { Pacer } from './pacer.ts';

/** Which end of a copy a store is. */
export type Side = 'source' | 'target';

/** What all stores share that one access key opens at one endpoint. */
export interface Account {
  /** The pace of their requests. */
  readonly pacer: Pacer;
  /** Their connections: as many as there are requests in flight. */
  readonly clients: SharedClients;
  /**
   * Calls in progress. Source and target have places of their own also where one account is both: a read
   * keeps its place while the put that it feeds waits for one, so that copies would wait for each other
   * for ever if all places were taken by reads. Nobody who has a place of a target waits for one of a source.
   */
  readonly calls: Readonly<Record<Side, Semaphore>>;
}

/** An account in use. Dispose of it when the store that uses it is closed. */
export interface UsedAccount extends Account, Disposable {}

interface Entry extends Account {
  users: number;
}

/**
 * The accounts that this process uses at the moment. An account is forgotten, with the pace that was
 * learned, when its last store is closed.
 */
export class Accounts {
  readonly #clock: Clock;
  readonly #calls: number;
  readonly #entries = new Map<string, Entry>();

  /** @param calls Calls in progress at the sources of one account, and as many at its targets. */
  constructor({ clock, calls }: { readonly clock: Clock; readonly calls: number }) {
    this.#clock = clock;
    this.#calls = calls;
  }

  /** Accounts that are in use. */
  get size(): number {
    return this.#entries.size;
  }

  /** The secret is part of the key: a caller who knows only the ID shares nothing. */
  use(endpoint: string, key: AccessKey): UsedAccount {
    const name = JSON.stringify([new URL(endpoint).origin, key.accessKeyId, digestOf(key)]);
    const entry = this.#entries.get(name) ?? this.#open();
    this.#entries.set(name, entry);
    entry.users += 1;
    let isOver = false;
    return {
      pacer: entry.pacer,
      clients: entry.clients,
      calls: entry.calls,
      [Symbol.dispose]: () => {
        if (isOver) return;
        isOver = true;
        entry.users -= 1;
        if (entry.users === 0) this.#entries.delete(name);
      },
    };
  }

  #open(): Entry {
    const calls = { source: new Semaphore(this.#calls), target: new Semaphore(this.#calls) };
    return { pacer: new Pacer(this.#clock), clients: new SharedClients(), calls, users: 0 };
  }
}

function digestOf({ secretAccessKey, sessionToken }: AccessKey): string {
  const secrets = JSON.stringify([secretAccessKey.reveal(), sessionToken?.reveal()]);
  return createHash('sha256').update(secrets).digest('hex');
}
