/** How the files and sockets that the process may open are shared. */
export interface DescriptorShares {
  /** Sockets to clouds. */
  readonly outgoing: number;
  /** Connections of callers of the API. */
  readonly api: number;
  /** The limit at which neither concurrency nor callers are restricted. */
  readonly enough: number;
}

/** What a process without tasks and callers has open is about 60: database, files, Node's own. */
const OTHERS = 96;
/** Connections that stay open between the objects of many tasks. */
const IDLE = 64;
/** With fewer of each kind no object is copied, or no caller served. */
const LEAST = 8;
/** So many concurrent callers are enough for an ordinary installation. */
const API_ENOUGH = 1024;
const API_MAX = 16_384;
/** Assumed where the system does not report its limit: the usual default. */
const USUAL = 1024;

/**
 * @param limit Undefined: unknown.
 * @returns Undefined where nothing could work.
 */
export function shareDescriptors(
  limit: number | undefined,
  {
    concurrency,
    partConcurrency,
  }: { readonly concurrency: number; readonly partConcurrency: number },
): DescriptorShares | undefined {
  const left = (limit ?? USUAL) - OTHERS;
  if (left < 2 * LEAST) return undefined;
  // Each part of each object in work reads at one side and writes at the other.
  const wanted = 2 * concurrency * partConcurrency + IDLE;
  const outgoing = Math.min(wanted, Math.floor(left / 2));
  const api = Math.min(left - outgoing, API_MAX);
  return { outgoing, api, enough: OTHERS + wanted + Math.max(wanted, API_ENOUGH) };
}

/** The least limit that the service starts with. */
export const LEAST_OPEN_FILES = OTHERS + 2 * LEAST;
