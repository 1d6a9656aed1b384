import type { ServerResponse } from 'node:http';
import type { Reply, Span } from './call.ts';
import type { FaultKind } from './faults.ts';

type Headers = Record<string, string | number>;

/** Sends a reply, or spoils it as the fault says. */
export async function send(
  response: ServerResponse,
  reply: Reply,
  {
    common,
    head,
    fault,
  }: { readonly common: Headers; readonly head: boolean; readonly fault: FaultKind | undefined },
): Promise<void> {
  const { status, body } = reply;
  const headers: Headers = { ...common, ...reply.headers };
  if (typeof body === 'string') {
    headers['content-type'] = 'application/xml';
    headers['content-length'] = Buffer.byteLength(body);
  } else if (body === undefined && !head && status !== 204 && status !== 304) {
    headers['content-length'] = 0;
  }
  if (fault?.kind === 'swallow') return void response.socket?.resetAndDestroy();
  if (fault?.kind === 'silence') {
    if (fault.after === 'headers') response.writeHead(status, headers).flushHeaders();
    return;
  }
  response.writeHead(status, headers);
  if (head || body === undefined) return void response.end();
  if (fault?.kind === 'cut' || fault?.kind === 'corrupt') return sendSpoiled(response, body, fault);
  if (typeof body === 'string') return void response.end(body);
  await sendSpan(response, body);
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

async function sendSpoiled(
  response: ServerResponse,
  body: string | Span,
  fault: Extract<FaultKind, { kind: 'cut' | 'corrupt' }>,
): Promise<void> {
  const bytes =
    typeof body === 'string'
      ? Buffer.from(body)
      : Buffer.concat([...body.content.pieces(body.first, body.end)]);
  if (fault.kind === 'corrupt') {
    const at = Math.min(fault.at ?? bytes.length >> 1, bytes.length - 1);
    if (at >= 0) bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    response.end(bytes);
    return;
  }
  await new Promise<void>((resolve) => {
    response.write(bytes.subarray(0, fault.afterBytes), () => resolve());
  });
  response.socket?.end();
}
