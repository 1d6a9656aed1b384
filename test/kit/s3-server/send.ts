import type { ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Reply, Span } from './call.ts';
import type { FaultKind } from './faults.ts';

type Headers = Record<string, string | number>;

/** What goes with every reply. */
export interface Sending {
  readonly common: Headers;
  /** Whether the request is a HEAD: only headers are sent. */
  readonly head: boolean;
  readonly fault: FaultKind | undefined;
}

/** Sends a reply, or spoils it as the fault says. */
export async function send(
  response: ServerResponse,
  reply: Reply,
  { common, head, fault }: Sending,
): Promise<void> {
  if (fault?.kind === 'swallow') {
    resetConnection(response);
    return;
  }
  if (fault?.kind === 'silence' && fault.after === 'request') return;
  response.writeHead(reply.status, { ...common, ...lengthHeaders(reply, head), ...reply.headers });
  if (head || reply.body === undefined) {
    response.end(); // After headers without a body there is nothing to be silent about.
  } else if (fault?.kind === 'silence') {
    response.flushHeaders();
  } else {
    await sendBody(response, reply.body, fault);
  }
}

async function sendBody(
  response: ServerResponse,
  body: string | Span,
  fault: FaultKind | undefined,
): Promise<void> {
  if (fault?.kind === 'cut') {
    await sendCut(response, body, fault.afterBytes);
  } else if (fault?.kind === 'corrupt') {
    response.end(corrupted(body, fault.at));
  } else if (typeof body === 'string') {
    response.end(body);
  } else {
    await sendSpan(response, body);
  }
}

function lengthHeaders({ status, body }: Reply, head: boolean): Headers {
  if (typeof body === 'string') {
    return { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) };
  }
  const none = body !== undefined || head || status === 204 || status === 304;
  return none ? {} : { 'content-length': 0 };
}

/** Ends a connection as a crash does: with a reset where the socket can. */
export function resetConnection({ socket }: ServerResponse): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket?.resetAndDestroy();
}

async function sendSpan(response: ServerResponse, { content, first, end }: Span): Promise<void> {
  for (const piece of content.pieces(first, end)) {
    if (response.destroyed) return;
    if (!response.write(piece)) await drained(response);
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    function go(): void {
      response.off('drain', go);
      response.off('close', go);
      resolve();
    }
    response.on('drain', go);
    response.on('close', go);
  });
}

async function sendCut(
  response: ServerResponse,
  body: string | Span,
  afterBytes: number,
): Promise<void> {
  response.flushHeaders();
  await new Promise<void>((resolve) => {
    response.write(allOf(body).subarray(0, afterBytes), () => resolve());
  });
  response.socket?.end();
}

function corrupted(body: string | Span, at: number | undefined): Buffer {
  const bytes = allOf(body);
  const where = Math.min(at ?? bytes.length >> 1, bytes.length - 1);
  if (where >= 0) bytes.writeUInt8(bytes.readUInt8(where) ^ 1, where);
  return bytes;
}

function allOf(body: string | Span): Buffer {
  if (typeof body === 'string') return Buffer.from(body);
  return Buffer.concat([...body.content.pieces(body.first, body.end)]);
}
