import type { ReadBody } from '../../http/bodies.ts';

/** A body that reports once that it is over: read to its end, broken, or given up. */
export function watchedBody(
  body: ReadBody,
  onOver: (failure: { readonly cause: unknown } | undefined) => void,
): ReadBody {
  let reported = false;
  function over(failure?: { readonly cause: unknown }): void {
    if (reported) return;
    reported = true;
    onOver(failure);
  }

  return {
    async bytes() {
      try {
        const all = await body.bytes();
        over();
        return all;
      } catch (cause) {
        over({ cause });
        throw cause;
      }
    },
    [Symbol.asyncIterator]() {
      const iterator = body[Symbol.asyncIterator]();
      return {
        async next() {
          try {
            const result = await iterator.next();
            if (result.done === true) over();
            return result;
          } catch (cause) {
            over({ cause });
            throw cause;
          }
        },
        async return() {
          await iterator.return?.();
          over();
          return { done: true, value: undefined };
        },
      };
    },
    discard() {
      body.discard();
      over();
    },
  };
}
