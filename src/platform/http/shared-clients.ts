import { isDeepStrictEqual } from 'node:util';
import { HttpClient, type HttpOptions } from './http.ts';

/** A client in use. Dispose of it when the store that uses it is closed. */
export type SharedClient = Pick<HttpClient, 'send' | typeof Symbol.asyncDispose>;

interface Entry {
  readonly options: HttpOptions;
  readonly client: HttpClient;
  users: number;
}

/**
 * The clients of one account: stores that connect to one origin in the same way share the connections of one client,
 * which ends with its last user.
 */
export class SharedClients {
  readonly #entries = new Set<Entry>();

  /** Clients that are in use. */
  get size(): number {
    return this.#entries.size;
  }

  /** Clients with other permitted addresses or other trusted certificates share nothing. */
  use(options: HttpOptions): SharedClient {
    const entry = this.#find(options) ?? this.#open(options);
    entry.users += 1;
    let isOver = false;
    return {
      send: (request) => entry.client.send(request),
      [Symbol.asyncDispose]: async () => {
        if (isOver) return;
        isOver = true;
        entry.users -= 1;
        if (entry.users > 0) return;
        this.#entries.delete(entry);
        await entry.client[Symbol.asyncDispose]();
      },
    };
  }

  #find(options: HttpOptions): Entry | undefined {
    return [...this.#entries].find((entry) => isSame(entry.options, options));
  }

  #open(options: HttpOptions): Entry {
    const entry = { options, client: new HttpClient(options), users: 0 };
    this.#entries.add(entry);
    return entry;
  }
}

/** Guards, lookups and the like are the same only if they are one. */
function isSame(one: HttpOptions, other: HttpOptions): boolean {
  const { timeouts, ...rest } = { ...one };
  const { timeouts: otherTimeouts, ...otherRest } = { ...other };
  const names = new Set([...Object.keys(rest), ...Object.keys(otherRest)]) as Set<
    keyof typeof rest
  >;
  return (
    [...names].every((name) => rest[name] === otherRest[name]) &&
    isDeepStrictEqual(timeouts, otherTimeouts)
  );
}
