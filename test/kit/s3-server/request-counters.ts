import type { Operation } from './operations.ts';

/** How many requests came, by operation; refused ones count too. */
export class RequestCounters {
  readonly #counts = new Map<Operation, number>();

  of(operation: Operation): number {
    return this.#counts.get(operation) ?? 0;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  all(): Partial<Record<Operation, number>> {
    return Object.fromEntries(this.#counts);
  }

  clear(): void {
    this.#counts.clear();
  }

  add(operation: Operation): void {
    this.#counts.set(operation, this.of(operation) + 1);
  }
}
