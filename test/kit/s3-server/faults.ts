import { setTimeout as sleep } from 'node:timers/promises';
import type { Operation } from './operations.ts';

/** What goes wrong. */
export type FaultKind =
  /** An answer of failure instead of the operation, with an S3 code of any name. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly code: string;
      /** Seconds. */
      readonly retryAfter?: number;
    }
  /** The connection is reset, before or after the request's body was read; nothing is performed. */
  | { readonly kind: 'reset'; readonly when: 'before-body' | 'after-body' }
  /** The operation is performed, and the body of the answer ends after so many bytes. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** The operation is performed, and then nothing comes: not even headers, or only these. */
  | { readonly kind: 'silence'; readonly after: 'request' | 'headers' }
  /** Nothing is performed, and the answer says 200 with an error in its body. */
  | { readonly kind: 'error-in-200'; readonly code: string }
  /** One bit of the answer's body is another; the length is right. */
  | { readonly kind: 'corrupt'; readonly at?: number }
  /** The operation is performed, and the connection is reset instead of an answer. */
  | { readonly kind: 'swallow' }
  /** The request waits before it is looked at. */
  | { readonly kind: 'delay'; readonly ms: number };

/** Which requests go wrong. */
export interface FaultMatch {
  readonly operation?: Operation;
  readonly method?: string;
  /** The key itself, or a pattern for it. */
  readonly key?: string | RegExp;
}

export type FaultPlan = FaultKind & {
  readonly match?: FaultMatch;
  /** The first matching request that goes wrong, counted from 1; 1 by default. */
  readonly nth?: number;
  /** How many go wrong from there on; 1 by default, `Infinity` for all. */
  readonly times?: number;
  /** Asked at each of these; by default all go wrong. */
  readonly onlyIf?: () => boolean;
};

/** A planned fault. */
export interface Fault {
  readonly plan: FaultPlan;
  /** How many requests matched. */
  readonly seen: number;
  /** How many of these went wrong. */
  readonly fired: number;
  remove(): void;
}

/** Refuses requests as stores do that receive too many. */
export const slowDown = { kind: 'status', status: 503, code: 'SlowDown', times: Infinity } as const;

/** For `onlyIf`: more than so many requests a second, counted from second to second. */
export function moreThan(perSecond: number, now: () => number = Date.now): () => boolean {
  let second = 0;
  let count = 0;
  return () => {
    const current = Math.floor(now() / 1000);
    if (current !== second) [second, count] = [current, 0];
    if (count >= perSecond) return true;
    count += 1;
    return false;
  };
}

interface Request {
  readonly operation: Operation;
  readonly method: string;
  readonly key: string;
}

/** The faults of a server, as a test plans them. */
export class Faults {
  #planned: { plan: FaultPlan; seen: number; fired: number; remove(): void }[] = [];

  add(plan: FaultPlan): Fault {
    const fault = {
      plan,
      seen: 0,
      fired: 0,
      remove: () => {
        this.#planned = this.#planned.filter((other) => other !== fault);
      },
    };
    this.#planned.push(fault);
    return fault;
  }

  /** Forgets every plan. */
  clear(): void {
    this.#planned = [];
  }

  /** Returns the fault of this request, from the first plan that applies, and counts the request in all plans that match. */
  strike(request: Request): FaultKind | undefined {
    let struck: FaultKind | undefined;
    for (const fault of this.#planned) {
      if (!matches(fault.plan.match, request)) continue;
      fault.seen += 1;
      const { nth = 1, times = 1, onlyIf } = fault.plan;
      if (struck !== undefined || fault.seen < nth || fault.seen >= nth + times) continue;
      if (onlyIf?.() === false) continue;
      fault.fired += 1;
      struck = fault.plan;
    }
    return struck;
  }
}

function matches(match: FaultMatch | undefined, request: Request): boolean {
  if (match === undefined) return true;
  const { operation = request.operation, method = request.method, key = request.key } = match;
  return (
    operation === request.operation &&
    method === request.method &&
    (typeof key === 'string' ? key === request.key : key.test(request.key))
  );
}

/** Waits for the time of a `delay`; other kinds do not wait. */
export async function delayed(fault: FaultKind | undefined): Promise<void> {
  if (fault?.kind === 'delay') await sleep(fault.ms, undefined, { ref: false });
}
