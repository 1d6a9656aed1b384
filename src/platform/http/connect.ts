import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import { type Clock, systemClock } from '../base/clock.ts';
import { after } from '../base/timers.ts';
import type { AddressGuard } from './guard.ts';
import { acceptInterimAnswers } from './interim-answers.ts';

export interface ConnectOptions {
  readonly timeoutMs: number;
  /** PEM; trusted instead of the public authorities. */
  readonly ca?: string | undefined;
  readonly guard?: AddressGuard | undefined;
  /** Resolves names; the system's way unless given. */
  readonly lookup?: LookupFunction | undefined;
  readonly clock?: Clock | undefined;
}

/** A connection that the guard does not allow. */
export class ForbiddenAddress extends Error {
  override readonly name = 'ForbiddenAddress';
}

/** Makes the sockets of a pool: with the guard's consent, HTTP/1.1 only. */
export function connector({
  timeoutMs,
  ca,
  guard,
  lookup = systemLookup,
  clock = systemClock,
}: ConnectOptions): buildConnector.connector {
  const connect = buildConnector({
    timeout: timeoutMs,
    allowH2: false,
    lookup: guard === undefined ? lookup : guarded(lookup, guard),
    ...(ca === undefined ? {} : { ca }),
  });
  return (options, callback) => {
    // Node does not resolve an address, so it would not call the guard.
    const refusal =
      isIP(options.hostname) === 0 ? undefined : guard?.(options.hostname, options.hostname);
    if (refusal !== undefined) {
      callback(new ForbiddenAddress(refusal), null);
      return;
    }
    connect(options, (error, socket) => {
      if (error !== null) {
        callback(error, null);
        return;
      }
      holdWriteErrors(socket, clock);
      acceptInterimAnswers(socket);
      callback(null, socket);
    });
  };
}

/** Asks the guard for every address: one that is forbidden spoils the name, for it may be next. */
function guarded(lookup: LookupFunction, guard: AddressGuard): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, address, family) => {
      if (error !== null) {
        callback(error, address, family);
        return;
      }
      const addresses: readonly (string | LookupAddress)[] = Array.isArray(address)
        ? address
        : [address];
      for (const found of addresses) {
        const refusal = guard(hostname, typeof found === 'string' ? found : found.address);
        if (refusal !== undefined) {
          callback(new ForbiddenAddress(refusal), '', 0);
          return;
        }
      }
      callback(null, address, family);
    });
  };
}

const LAST_WORDS_MS = 250;

type Written = (error?: Error | null) => void;

/**
 * A server that rejects a request may answer before it has read the body, and close the connection.
 * Our next write then fails, and Node would throw away the answer that is in the socket. So a failed
 * write is reported a little later; reading continues, and finds the answer or the end.
 */
function holdWriteErrors(socket: Socket, clock: Clock): void {
  const held =
    (written: Written): Written =>
    (error) => {
      if (error === undefined || error === null) written(error);
      else after(clock, LAST_WORDS_MS, () => written(error));
    };
  const write = socket._write.bind(socket);
  socket._write = (chunk, encoding, written) => {
    write(chunk, encoding, held(written));
  };
  const writev = socket._writev?.bind(socket);
  if (writev === undefined) return;
  socket._writev = (chunks, written) => {
    writev(chunks, held(written));
  };
}
