import type { Clock } from '../../base/clock.ts';
import type { ObjectHead } from '../../model/object.ts';
import type { ReadOptions, Store } from '../store.ts';
import type { ReadBody } from '../../http/bodies.ts';
import { RetryBudget } from '../retry-budget.ts';
import { StoreError } from '../../model/store-error.ts';
import { forwarding } from './forwarding.ts';

export interface ResumePolicy {
  /** How many requests in a row may be sent for a body without a single byte of it. */
  readonly attempts: number;
  readonly delayMs: (attempt: number) => number;
}

/**
 * A store whose reads survive a break in the middle: they continue with what is missing, of the very
 * object that was begun, and fail with `changed` where it is another by now.
 *
 * Outside `retrying`: reopening a body is a new read, with all that the inner layers do for it. Both draw
 * from one budget, which is full again when a byte has arrived.
 */
export function resuming(inner: Store, policy: ResumePolicy, clock: Clock): Store {
  return forwarding(inner, {
    async read(key, options, signal) {
      const { budget = new RetryBudget(policy.attempts - 1) } = options;
      const { head, body } = await inner.read(key, { ...options, budget }, signal);
      // Without an ETag nothing says that the rest belongs to the beginning.
      if (head.etag === '' || head.size === 0) return { head, body };
      const call = { inner, policy, clock, options: { ...options, budget }, head, signal };
      return { head, body: new ResumingBody(call, body) };
    },
  });
}

interface ReadCall {
  readonly inner: Store;
  readonly policy: ResumePolicy;
  readonly clock: Clock;
  readonly options: ReadOptions & { readonly budget: RetryBudget };
  readonly head: ObjectHead;
  readonly signal: AbortSignal;
}

class ResumingBody implements ReadBody {
  readonly #call: ReadCall;
  /** The position of the next byte in the object, and that of the last one that was requested. */
  #at: number;
  readonly #last: number;
  #body: ReadBody;
  #breaks = 0;
  #budget: RetryBudget;
  #discarded = false;

  constructor(call: ReadCall, body: ReadBody) {
    const { options, head } = call;
    this.#call = call;
    this.#body = body;
    this.#budget = options.budget;
    this.#at = options.range?.first ?? 0;
    this.#last = Math.min(options.range?.last ?? head.size - 1, head.size - 1);
  }

  async bytes(): Promise<Uint8Array> {
    for (;;) {
      try {
        const all = await this.#body.bytes();
        this.#checkEnd(this.#at + all.length);
        return all;
      } catch (error) {
        await this.#reopen(error);
      }
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, undefined> {
    const { options } = this.#call;
    for (;;) {
      try {
        for await (const chunk of this.#body) {
          this.#at += chunk.length;
          if (this.#breaks > 0 || this.#budget === options.budget) this.#refill();
          yield chunk;
        }
        this.#checkEnd(this.#at);
        return undefined;
      } catch (error) {
        // It broke when all was there.
        if (this.#at === this.#last + 1 && isBreak(error)) return undefined;
        await this.#reopen(error);
      }
    }
  }

  discard(): void {
    this.#discarded = true;
    this.#body.discard();
  }

  #refill(): void {
    this.#breaks = 0;
    this.#budget = new RetryBudget(this.#call.policy.attempts);
  }

  #checkEnd(at: number): void {
    if (at === this.#last + 1) return;
    throw this.#error(`${this.#last + 1 - at} bytes are missing`);
  }

  /** Reads on from where it broke; throws the failure where that cannot help. */
  async #reopen(failure: unknown): Promise<void> {
    const { inner, policy, clock, options, head, signal } = this.#call;
    this.#throwIfDiscarded(failure);
    if (!isBreak(failure) || this.#at > this.#last) throw failure;
    if (!this.#budget.spend()) {
      options.budget.exhaust();
      throw failure;
    }
    this.#breaks += 1;
    if (this.#breaks > 1) await clock.sleep(policy.delayMs(this.#breaks - 1), signal);
    const range = { first: this.#at, last: this.#last };
    const { versionId } = options;
    const budget = this.#budget;
    try {
      this.#body = (
        await inner.read(head.key, { range, pin: head, versionId, budget }, signal)
      ).body;
    } catch (error) {
      // Without ranges nothing can be read on: the break is what went wrong.
      const noRanges = error instanceof StoreError && error.fault === 'unsupported';
      // The inner layers have drawn from a budget of this body, and given up.
      if (error instanceof StoreError && error.repeatable) options.budget.exhaust();
      throw noRanges ? failure : error;
    }
    this.#throwIfDiscarded(failure);
  }

  /** Nobody comes for what was opened while the body was given up. */
  #throwIfDiscarded(failure: unknown): void {
    if (!this.#discarded) return;
    this.#body.discard();
    throw failure;
  }

  #error(message: string): StoreError {
    const { inner, head } = this.#call;
    const details = { store: inner.name, operation: 'read', key: head.key, cloudMessage: message };
    return new StoreError('interrupted', details);
  }
}

function isBreak(failure: unknown): boolean {
  return failure instanceof StoreError && failure.fault === 'interrupted' && failure.repeatableNow;
}
