import type { Socket } from 'node:net';
import { KiB } from '../base/bytes.ts';

/** What undici is given for interim answers: it restarts its timeout, and says nothing. */
const PROCESSING = Buffer.from('HTTP/1.1 102 Processing\r\n\r\n');
const HEAD_END = '\r\n\r\n';
/** Bytes; a longer interim answer is passed on, and undici refuses it. */
const HEAD_MAX = 16 * KiB;
/**
 * Interim answers of one request. Each restarts the time that the answer may take, so that without a bound a request
 * could last for ever. A store that thinks for ten minutes may send one every few seconds.
 */
const INTERIM_MAX = 200;

/** A request that had too many interim answers. */
export class TooManyInterimAnswers extends Error {
  override readonly name = 'TooManyInterimAnswers';

  constructor() {
    super(`more than ${INTERIM_MAX} interim (1xx) answers to one request`);
  }
}

/**
 * Accepts interim answers (1xx) that no request expects: undici destroys the connection at a
 * `100 Continue`, which some servers and proxies send before every answer to a write. A client must be
 * able to parse them: https://www.rfc-editor.org/rfc/rfc9110#section-15.2
 *
 * Only what arrives between the head of a request and the first bytes of its final answer is examined.
 * `101` is passed on, and fails the request, because our requests never propose another protocol.
 */
export function acceptInterimAnswers(socket: Socket): void {
  let isExpecting = false;
  let count = 0;
  let held: Buffer | undefined;

  // undici writes the heads of requests as strings, and bodies of a known length as bytes.
  const write = socket.write.bind(socket);
  socket.write = (chunk: Uint8Array | string, ...rest: unknown[]): boolean => {
    if (typeof chunk === 'string') {
      isExpecting = true;
      count = 0;
    }
    return Reflect.apply(write, socket, [chunk, ...rest]) === true;
  };

  const push = socket.push.bind(socket);
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (!isExpecting) return push(chunk, encoding);
    if (!Buffer.isBuffer(chunk)) {
      isExpecting = false;
      if (held !== undefined) push(held);
      return push(chunk, encoding);
    }
    const arrived = held === undefined ? chunk : Buffer.concat([held, chunk]);
    const { rest, removed } = withoutInterim(arrived);
    count += removed;
    if (count > INTERIM_MAX) {
      socket.destroy(new TooManyInterimAnswers());
      return false;
    }
    if (removed > 0) push(PROCESSING);
    isExpecting = rest.length <= HEAD_MAX && mayBeInterim(rest);
    held = isExpecting ? rest : undefined;
    return isExpecting || push(rest);
  };
}

/** Removes the interim answers that have arrived completely. */
function withoutInterim(arrived: Buffer): { readonly rest: Buffer; readonly removed: number } {
  let rest = arrived;
  let removed = 0;
  while (mayBeInterim(rest)) {
    const end = rest.indexOf(HEAD_END);
    if (end === -1) return { rest, removed };
    rest = rest.subarray(end + HEAD_END.length);
    removed += 1;
  }
  return { rest, removed };
}

/** Also of bytes that are too few to say, and of none. */
function mayBeInterim(bytes: Buffer): boolean {
  const text = bytes.toString('latin1', 0, 'HTTP/1.1 1xx'.length);
  const begin = 'HTTP/1.1 1'.slice(0, text.length);
  return text.startsWith(begin) && text !== 'HTTP/1.1 101';
}
