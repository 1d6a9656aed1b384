import type { Dispatcher } from 'undici';
import { KiB } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { LengthMismatch, SizedBody, SLICE, TooSlow } from './sized-body.ts';
import { type SpeedFloor, SpeedGauge } from './speed.ts';
import { faultOfNetworkError } from './network-error.ts';
import type { ReadBody } from './bodies.ts';
import { StoreError, type StoreErrorDetails } from '../model/store-error.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** With the query; as signed. */
  readonly path: string;
  /** In pairs, names in lower case; without `host` and `content-length`. */
  readonly headers: string[];
  readonly content?: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** Bytes of the content; 0 without. */
  readonly size: number;
  /** For the errors. */
  readonly about: StoreErrorDetails;
  readonly signal: AbortSignal;
  /** For requests that a store may think about for minutes. */
  readonly headersTimeoutMs?: number | undefined;
  /** Notified once, when the exchange has ended. */
  readonly onOver?: ExchangeEnd | undefined;
}

export interface ExchangeEnd {
  /** @param failure Absent where the body was received whole or discarded. */
  over(failure: { readonly cause: unknown } | undefined): void;
}

export interface HttpReply {
  readonly status: number;
  /** Names in lower case; a repeated header's values in an array. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: ReadBody;
  /**
   * Sets how many bytes the body must have, whatever the headers say. Another number fails it as
   * `interrupted`, or with the given error.
   */
  expect(bytes: number, failure?: (received: number) => Error): void;
}

/** How long an exchange may last; milliseconds. */
export interface ExchangeLimits {
  /** None unless given. */
  readonly floor: SpeedFloor | undefined;
  /** From the first interim answer to the last. */
  readonly interim: number;
  /** For the rest of a body that is given up. */
  readonly drain: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** Bytes of an answer that wait to be read: above the first, the connection pauses; below the second, it resumes. */
const HIGH_WATER = 512 * KiB;
const LOW_WATER = 128 * KiB;
/** A remainder that is cheaper to read than a new connection is to make. */
const CHEAP_TO_DRAIN = 64 * KiB;

type Use = 'undecided' | 'collected' | 'iterated' | 'discarded';

/**
 * One request and its answer: undici's handler, the reply and its body in a single object, for
 * one is made for every request.
 */
export class Exchange implements Dispatcher.DispatchHandler, HttpReply, ReadBody {
  readonly replied: Promise<HttpReply>;
  status = 0;
  headers: Readonly<Record<string, string | string[] | undefined>> = {};

  readonly #request: HttpRequest;
  readonly #limits: ExchangeLimits;
  readonly #upload: SizedBody | undefined;
  #gauge: SpeedGauge | undefined;
  /** Of the bytes received: how many the gauge has counted. */
  #gauged = 0;
  #interimSince: number | undefined;
  #discardedAt = 0;
  #resolve: (reply: HttpReply) => void = () => {};
  #reject: (reason: unknown) => void = () => {};
  #controller: Dispatcher.DispatchController | undefined;
  #chunks: Uint8Array[] = [];
  #waiting = 0;
  #received = 0;
  #expected: number | undefined;
  #mismatch: (received: number) => Error = () =>
    this.#error('interrupted', 'the answer was cut short');
  #use: Use = 'undecided';
  #over = false;
  #failure: { readonly cause: unknown } | undefined;
  /** Tells the reader that something has changed. */
  #wake: (() => void) | undefined;

  constructor(request: HttpRequest, limits: ExchangeLimits) {
    this.#request = request;
    this.#limits = limits;
    const { content, size, signal } = request;
    this.#upload = isSmall(content) ? undefined : new SizedBody(content, size, this.#newGauge());
    this.replied = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (signal.aborted) this.#fail(signal.reason);
    else signal.addEventListener('abort', this);
  }

  dispatchOptions(headersTimeout: number): Dispatcher.DispatchOptions {
    const { method, path, headers, content } = this.#request;
    if (method === 'PUT' || method === 'POST') {
      headers.push('content-length', this.#request.size.toString());
    }
    // undici takes any async iterable; only its types do not say so.
    const body = (this.#upload ?? content ?? null) as Uint8Array | null;
    // It would close the connection after each HEAD, lest a broken server sends a body.
    const reset = method === 'HEAD' ? { reset: false } : undefined;
    return { method, path, headers, body, headersTimeout, ...reset };
  }

  get body(): ReadBody {
    return this;
  }

  /** The signal's listener: one object for all, where a closure each would be kept until the end. */
  handleEvent(): void {
    const { reason } = this.#request.signal as { reason: unknown };
    this.#fail(reason);
    this.#controller?.abort(reason instanceof Error ? reason : new Error('aborted'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(new Error('aborted'));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (this.#over) return;
    if (status < 200) {
      this.#boundInterim();
      return;
    }
    this.status = status;
    this.headers = headers;
    const length = headers['content-length'];
    if (typeof length === 'string' && this.#request.method !== 'HEAD')
      this.#expected = Number(length);
    this.#resolve(this);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#received += chunk.length;
    if (this.#over) return;
    if (this.#use === 'discarded') {
      if (this.#limits.clock.monotonic() - this.#discardedAt > this.#limits.drain) this.#giveUp();
      return;
    }
    this.#chunks.push(chunk);
    this.#waiting += chunk.length;
    if (this.#waiting > HIGH_WATER && this.#use !== 'collected') controller.pause();
    this.#wake?.();
  }

  expect(bytes: number, failure?: (received: number) => Error): void {
    this.#expected = bytes;
    this.#mismatch = failure ?? this.#mismatch;
    const ended = this.#over && this.#failure === undefined;
    if (ended && this.#received !== bytes)
      this.#failure = { cause: this.#mismatch(this.#received) };
  }

  onResponseEnd(): void {
    if (this.#over) return;
    const short = this.#expected !== undefined && this.#received !== this.#expected;
    if (short) this.#fail(this.#mismatch(this.#received));
    else this.#finish();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#over) return;
    const own = this.#upload?.failure;
    if (own !== undefined) {
      this.#fail(this.#ofUpload(own.cause));
      return;
    }
    const { fault, message } = faultOfNetworkError(error);
    this.#fail(this.#error(fault, message, error));
  }

  async bytes(): Promise<Uint8Array> {
    this.#take('collected');
    this.#controller?.resume();
    while (!this.#over) await this.#arrival();
    if (this.#failure !== undefined) throw this.#failure.cause;
    const [only] = this.#chunks;
    const all =
      this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks);
    this.#chunks = [];
    return all;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    this.#take('iterated');
    let next = 0;
    return {
      next: async () => {
        for (;;) {
          const chunk = this.#chunks[next];
          if (chunk !== undefined) {
            next += 1;
            if (next === this.#chunks.length) {
              this.#chunks.length = 0;
              next = 0;
            }
            this.#waiting -= chunk.length;
            if (this.#waiting < LOW_WATER) this.#controller?.resume();
            return { done: false, value: chunk };
          }
          if (this.#failure !== undefined) throw this.#failure.cause;
          if (this.#over) return { done: true, value: undefined };
          await this.#arrival();
        }
      },
      return: async () => {
        this.discard();
        return { done: true, value: undefined };
      },
    };
  }

  discard(): void {
    this.#use = 'discarded';
    this.#chunks = [];
    if (this.#over) return;
    if (this.#expected !== undefined && this.#expected - this.#received <= CHEAP_TO_DRAIN) {
      this.#discardedAt = this.#limits.clock.monotonic();
      this.#controller?.resume();
      return;
    }
    this.#giveUp();
  }

  #giveUp(): void {
    this.#finish();
    this.#controller?.abort(new Error('given up'));
  }

  #newGauge(): SpeedGauge | undefined {
    const { floor, clock } = this.#limits;
    return floor === undefined ? undefined : new SpeedGauge(floor, clock);
  }

  /** Each interim answer restarts undici's timeout: they are not an answer to wait for without end. */
  #boundInterim(): void {
    const now = this.#limits.clock.monotonic();
    this.#interimSince ??= now;
    if (now - this.#interimSince < this.#limits.interim) return;
    this.#end(this.#error('interrupted', 'only interim answers (1xx) arrived for too long'));
  }

  /** Waits for bytes or the end, and measures how fast bytes arrive while they are waited for. */
  async #arrival(): Promise<void> {
    this.#gauge ??= this.#newGauge();
    this.#gauge?.begin();
    await this.#change();
    if (this.#over) return;
    const slow = this.#gauge?.end(this.#received - this.#gauged);
    this.#gauged = this.#received;
    if (slow !== undefined) this.#end(this.#tooSlow(slow));
  }

  #end(error: StoreError): void {
    this.#fail(error);
    this.#controller?.abort(error);
  }

  #ofUpload(cause: unknown): unknown {
    if (cause instanceof TooSlow) return this.#tooSlow(cause.message);
    return cause instanceof LengthMismatch ? this.#error('interrupted', cause.message) : cause;
  }

  #tooSlow(message: string): StoreError {
    const about = { ...this.#request.about, cloudMessage: message, slow: true };
    return new StoreError('interrupted', about);
  }

  #take(use: Use): void {
    if (this.#failure !== undefined) return;
    if (this.#use !== 'undecided') throw new Error(`this body is ${this.#use} already`);
    this.#use = use;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #error(fault: StoreError['fault'], message: string, cause?: Error): StoreError {
    const about = { ...this.#request.about, cloudMessage: message };
    return new StoreError(fault, about, cause === undefined ? {} : { cause });
  }

  #fail(cause: unknown): void {
    if (this.#over) return;
    this.#failure = { cause };
    this.#finish();
    this.#reject(cause);
  }

  #finish(): void {
    this.#over = true;
    this.#upload?.close();
    this.#request.signal.removeEventListener('abort', this);
    this.#request.onOver?.over(this.#use === 'discarded' ? undefined : this.#failure);
    this.#wake?.();
  }
}

type Content = HttpRequest['content'];

/** The whole at once has one timeout for all of it: too long for a small body, or too short. */
function isSmall(content: Content): content is Uint8Array | undefined {
  return content === undefined || (content instanceof Uint8Array && content.length <= SLICE);
}
