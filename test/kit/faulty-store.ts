import type { Fault } from '../../src/platform/model/fault.ts';
import { around } from '../../src/platform/stores/layers/around.ts';
import type { Operation, Store } from '../../src/platform/stores/store.ts';
import type { ReadBody } from '../../src/platform/http/bodies.ts';
import { StoreError, type StoreErrorDetails } from '../../src/platform/model/store-error.ts';

/** A body that breaks with `interrupted` after so many bytes. */
export interface Cut {
  readonly cutAfter: number;
}

/** What goes wrong: by operation, and by the number of its call, counted from 1. */
export type FaultScript = {
  readonly [operation in Operation]?: Readonly<Record<number, Fault | Cut>>;
};

export interface FaultyOptions {
  /** Whether the operation is performed and only its answer is lost. */
  readonly afterwards?: boolean;
  readonly details?: Partial<StoreErrorDetails>;
}

/** A store that fails as a script says, and counts the calls it gets. */
export function faulty(
  inner: Store,
  script: FaultScript,
  { afterwards = false, details = {} }: FaultyOptions = {},
): { readonly store: Store; readonly calls: ReadonlyMap<Operation, number> } {
  const calls = new Map<Operation, number>();

  function planned(operation: Operation): Fault | Cut | undefined {
    const number = (calls.get(operation) ?? 0) + 1;
    calls.set(operation, number);
    return script[operation]?.[number];
  }

  function failure(fault: Fault, operation: Operation): StoreError {
    return new StoreError(fault, { store: inner.name, operation, ...details });
  }

  const store = around(inner, {
    async call(operation, _signal, run) {
      const fault = planned(operation);
      if (typeof fault !== 'string') return run();
      if (afterwards) await run();
      throw failure(fault, operation);
    },
    async read(_signal, run) {
      const fault = planned('read');
      if (typeof fault === 'string') throw failure(fault, 'read');
      const { head, body } = await run();
      if (fault === undefined) return { head, body };
      return { head, body: cutBody(body, fault.cutAfter, failure('interrupted', 'read')) };
    },
  });
  return { store, calls };
}

function cutBody(body: ReadBody, cutAfter: number, failure: StoreError): ReadBody {
  return {
    async bytes() {
      await body.bytes();
      throw failure;
    },
    async *[Symbol.asyncIterator]() {
      let left = cutAfter;
      for await (const chunk of body) {
        if (chunk.length > left) {
          if (left > 0) yield chunk.subarray(0, left);
          throw failure;
        }
        left -= chunk.length;
        yield chunk;
      }
      throw failure;
    },
    discard: () => body.discard(),
  };
}
