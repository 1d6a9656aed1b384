/**
 * Runs `work` on every item, at most `concurrency` at a time, and pulls an item only when a slot is
 * free: so at most `concurrency` items are held, however fast the source is.
 *
 * After the first failure nothing new starts, the others are aborted and waited for, and then the
 * first failure is thrown: when this rejects, nothing of it is still running.
 */
export async function eachConcurrently<T>(
  items: Iterable<T>,
  { concurrency, signal }: { readonly concurrency: number; readonly signal: AbortSignal },
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const iterator = items[Symbol.iterator]();
  let failure: { readonly cause: unknown } | undefined;

  async function slot(): Promise<void> {
    try {
      for (;;) {
        both.throwIfAborted();
        const item = iterator.next();
        if (item.done === true) return;
        await work(item.value, both);
      }
    } catch (cause) {
      failure ??= { cause };
      stop.abort(cause);
    }
  }

  await Promise.all(Array.from({ length: concurrency }, slot));
  iterator.return?.();
  if (failure !== undefined) throw failure.cause;
}
