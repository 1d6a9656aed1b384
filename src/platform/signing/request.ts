/** A request that is about to be sent, and so is signed. */
export interface RequestToSign {
  readonly method: string;
  readonly host: string;
  /** As it is sent: encoded once, never normalized. */
  readonly path: string;
  /** `/bucket/` and the key encoded: the path, wherever the bucket's name goes. */
  readonly resource: string;
  /** As it is sent, in canonical form: encoded, sorted by name, `name=` where there is no value. */
  readonly query: string;
  /** In pairs, names in lower case, in any order; without `host`. */
  readonly headers: readonly string[] | undefined;
  /** Milliseconds since the Unix epoch, by the store's clock. */
  readonly now: number;
}

/** Signs requests with one key in one region. */
export interface Signer {
  /** All the headers to send but `host`: those of the request, a date, a token and the signature. */
  sign(request: RequestToSign): string[];
}

/**
 * The headers that a signature covers, sorted by name. Values beyond ASCII are left out: proxies
 * and servers do not agree on what such bytes are.
 */
export function signedPairs(
  host: string,
  headers: readonly string[],
  prefix: string,
): (readonly [name: string, value: string])[] {
  const pairs: [string, string][] = [['host', host]];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    const value = headers[at + 1] ?? '';
    const signed = name.startsWith(prefix) || name === 'content-md5' || name === 'content-type';
    if (signed && !/[\x80-\xff]/.test(value)) pairs.push([name, value]);
  }
  return pairs.sort(([a], [b]) => (a < b ? -1 : 1));
}
