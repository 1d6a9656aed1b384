/**
 * How many failures are still answered by another try. All who may try again for one call, or for one
 * part of an object, draw from the same budget, so that their tries add up and do not multiply.
 */
export class RetryBudget {
  #left: number;

  constructor(left: number) {
    this.#left = left;
  }

  /** Draws for one failure; false where nothing is left, and the failure counts. */
  spend(): boolean {
    if (this.#left <= 0) return false;
    this.#left -= 1;
    return true;
  }

  /** Leaves nothing, so that the layers above do not try again either. */
  exhaust(): void {
    this.#left = 0;
  }
}
