import { systemClock } from '../../src/platform/base/clock.ts';
import type { Work } from '../../src/platform/stores/account-pace.ts';
import { Pacer } from '../../src/platform/stores/pacer.ts';
import { type Connect, connecting, type OnRequest } from '../../src/platform/stores/requests.ts';

/** Connections that count the turns of the pace that were taken, and keep what was reported to the metrics. */
export class CountedRequests {
  readonly reported: Parameters<OnRequest>[] = [];
  readonly #pacer = new CountingPacer();
  readonly connect: Connect = connecting({
    pacer: this.#pacer,
    clock: systemClock,
    onRequest: (...request) => void this.reported.push(request),
  });

  get turns(): number {
    return this.#pacer.works.length;
  }

  /** What each request was for. */
  get works(): readonly Work[] {
    return this.#pacer.works;
  }

  /** Answers that the pace has learned from, in their order: whether the store refused. */
  get refusals(): readonly boolean[] {
    return this.#pacer.refusals;
  }
}

class CountingPacer extends Pacer {
  readonly works: Work[] = [];
  readonly refusals: boolean[] = [];

  constructor() {
    super(systemClock);
  }

  override turn(signal: AbortSignal, work: Work = 'object'): Promise<number> {
    this.works.push(work);
    return super.turn(signal, work);
  }

  override answered(answer: Parameters<Pacer['answered']>[0]): void {
    this.refusals.push(answer.refused);
    super.answered(answer);
  }
}
