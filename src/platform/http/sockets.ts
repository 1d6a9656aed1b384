import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { Semaphore } from '../base/semaphore.ts';

/** Of ten sockets one is for requests that are no calls, as the abort of an upload that is given up. */
const SPARE = 0.1;

/**
 * The outgoing sockets of this process: all pools together open so many at most.
 *
 * Calls in progress are bounded first, for sources and targets apart: a read holds its socket while the
 * put that it feeds needs another one, and would wait for ever if reads had taken all. So whatever is
 * at the bound has an idle socket as a rule, which is closed; else a new one waits its turn.
 */
export class Sockets {
  /** Calls in progress at all sources, and at all targets. */
  readonly source: Semaphore;
  readonly target: Semaphore;
  readonly #most: number;
  /** Whether nothing is under way on it; the one that was used longest ago comes first. */
  readonly #open = new Map<Socket, () => boolean>();
  #connecting = 0;
  /** In order of arrival, as a set's members are. */
  readonly #waiting = new Set<() => void>();
  #reclaim: () => void = () => undefined;

  constructor(most: number) {
    const calls = Math.max(1, Math.floor((most * (1 - SPARE)) / 2));
    this.source = new Semaphore(calls);
    this.target = new Semaphore(calls);
    this.#most = most;
  }

  /** Sockets that are open, or about to be. */
  get count(): number {
    return this.#open.size + this.#connecting;
  }

  /**
   * Lets others use the descriptors of sockets that are not open.
   *
   * @param reclaim Called before a socket is opened; must close what is more than the result then says.
   * @returns How many descriptors are free.
   */
  lend(reclaim: () => void): () => number {
    this.#reclaim = reclaim;
    return () => Math.max(0, this.#most - this.count);
  }

  /** Makes the sockets of one client of a pool, when there is room for them. */
  connector(connect: buildConnector.connector, isIdle: () => boolean): Connector {
    let current: Socket | undefined;
    return {
      connect: (options, callback) => {
        this.#take(() => {
          connect(options, (...made) => {
            this.#connecting -= 1;
            const [error, socket] = made;
            if (error === null) {
              current = socket;
              this.#opened(socket, isIdle);
            } else {
              this.#admit();
            }
            callback(...made);
          });
        });
      },
      used: () => {
        if (current === undefined || !this.#open.delete(current)) return;
        this.#open.set(current, isIdle);
        if (this.#waiting.size > 0) this.#closeIdle();
      },
    };
  }

  #take(start: () => void): void {
    this.#waiting.add(start);
    this.#admit();
    if (this.#waiting.size > 0) this.#closeIdle();
  }

  #opened(socket: Socket, isIdle: () => boolean): void {
    this.#open.set(socket, isIdle);
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#admit();
    });
  }

  #admit(): void {
    for (const start of this.#waiting) {
      if (this.count >= this.#most) return;
      this.#waiting.delete(start);
      this.#connecting += 1;
      this.#reclaim();
      start();
    }
  }

  /** Closes one for each that waits. */
  #closeIdle(): void {
    let wanted = this.#waiting.size;
    for (const [socket, isIdle] of this.#open) {
      if (wanted === 0) return;
      if (!socket.destroyed && !isIdle()) continue;
      socket.destroy();
      wanted -= 1;
    }
  }
}

interface Connector {
  readonly connect: buildConnector.connector;
  /** A request on its socket has ended. */
  readonly used: () => void;
}
