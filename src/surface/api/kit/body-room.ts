import { ServiceError } from '../../../domain/service-error.ts';
import { RequestError } from './request-error.ts';

/** The bytes that one request holds of a {@link BodyRoom}. */
export interface HeldBytes {
  /** @throws when there is no room for that many more bytes. */
  take(bytes: number): void;
  /** Releases all bytes. A second call does nothing. */
  release(): void;
}

/** Of callers that are known already: their rates are limited, and their quotas. */
export const unlimitedRoom: HeldBytes = { take: () => undefined, release: () => undefined };

const RETRY_SECONDS = 5;

/**
 * Bounds the memory for bodies of callers that are not authenticated yet: of all together, and of each
 * address, so that one of them cannot take the room of the others.
 */
export class BodyRoom {
  readonly #max: number;
  readonly #maxOfAddress: number;
  #held = 0;
  readonly #heldBy = new Map<string, number>();

  constructor({
    bytes,
    bytesOfAddress,
  }: { readonly bytes: number; readonly bytesOfAddress: number }) {
    this.#max = bytes;
    this.#maxOfAddress = bytesOfAddress;
  }

  get held(): number {
    return this.#held;
  }

  open(address: string): HeldBytes {
    let own = 0;
    return {
      take: (bytes) => {
        this.#take(address, bytes);
        own += bytes;
      },
      release: () => {
        this.#give(address, own);
        own = 0;
      },
    };
  }

  #take(address: string, bytes: number): void {
    const ofAddress = (this.#heldBy.get(address) ?? 0) + bytes;
    if (ofAddress > this.#maxOfAddress) {
      const detail = `too many unfinished requests from this address; try again in ${RETRY_SECONDS} s`;
      throw new RequestError('too-many-requests', detail, { retryAfterSeconds: RETRY_SECONDS });
    }
    if (this.#held + bytes > this.#max) {
      throw new ServiceError(
        'overloaded',
        'Too many unfinished requests. Send the request again in a moment.',
      );
    }
    this.#held += bytes;
    this.#heldBy.set(address, ofAddress);
  }

  #give(address: string, bytes: number): void {
    if (bytes === 0) return;
    this.#held -= bytes;
    const left = (this.#heldBy.get(address) ?? 0) - bytes;
    if (left > 0) this.#heldBy.set(address, left);
    else this.#heldBy.delete(address);
  }
}
