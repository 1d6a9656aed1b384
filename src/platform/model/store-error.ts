import { type Fault, isRepeatable, isTransient } from './fault.ts';

export interface StoreErrorDetails {
  readonly store: string;
  readonly operation: string;
  readonly key?: string | undefined;
  readonly status?: number | undefined;
  /** The cloud's own code, message and request ID, for people and its support desk. */
  readonly cloudCode?: string | undefined;
  readonly cloudMessage?: string | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** Too slow: the same request would hold the place as long again, so only another attempt repeats it. */
  readonly slow?: boolean | undefined;
}

/** Of UTF-16: a longer key would take the place of what went wrong. */
const KEY_MAX = 200;

/** A key as it appears in messages; the details have it in full. */
function shortened(key: string): string {
  return key.length <= KEY_MAX ? key : `${key.slice(0, KEY_MAX).toWellFormed()}…`;
}

/** The one error a {@link Store} rejects with. Decide by `fault`, never by the message. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly fault: Fault;
  readonly details: StoreErrorDetails;

  constructor(fault: Fault, details: StoreErrorDetails, options?: ErrorOptions) {
    const { store, operation, key, status, cloudCode, cloudMessage } = details;
    const where = key === undefined ? store : `${store}/${shortened(key)}`;
    const what = [status, cloudCode, cloudMessage].filter((part) => part !== undefined).join(' ');
    super(`${operation} ${where}: ${fault}${what === '' ? '' : ` (${what})`}`, options);
    this.fault = fault;
    this.details = details;
  }

  get transient(): boolean {
    return isTransient(this.fault);
  }

  get repeatable(): boolean {
    return isRepeatable(this.fault);
  }

  /** Whether the request may be sent again within the attempt. */
  get repeatableNow(): boolean {
    return this.repeatable && this.details.slow !== true;
  }
}
