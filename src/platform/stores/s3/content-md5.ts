import { createHash } from 'node:crypto';
import { base64OfHex } from '../../http/headers.ts';
import type { HttpReply } from '../../http/http.ts';
import { readWhole } from '../held-bytes.ts';
import type { PutBody } from '../../http/bodies.ts';
import { StoreError } from '../../model/store-error.ts';
import type { S3Request, S3Wire } from './wire.ts';

/**
 * Sends a put or a part with the MD5 of its content, where that is known or can be computed beforehand.
 *
 * Streams are sent without one, until the bucket refuses that: those with a default retention of Object
 * Lock do. From then on a stream is held whole, within a bound for the process, and its MD5 sent first.
 *
 * @throws {StoreError} `unavailable` for the stream that was refused: another one will be taken.
 */
export async function sendWithMd5(
  wire: S3Wire,
  request: S3Request,
  body: PutBody,
  signal: AbortSignal,
): Promise<HttpReply> {
  const { content, size } = body;
  const known = md5Of(body);
  if (known !== undefined) return await wire.send(withMd5(request, known, body), signal);
  if (!wire.needsMd5 && body.md5First !== true) {
    return await sendWithout(wire, { ...request, content, size }, signal);
  }
  const room = await wire.held.take(size, signal);
  try {
    const chunks = await readWhole(body, signal);
    const md5 = body.md5AtEnd === undefined ? md5OfAll(chunks) : base64OfHex(body.md5AtEnd());
    return await wire.send(withMd5(request, md5, { content: streamOf(chunks), size }), signal);
  } finally {
    room[Symbol.dispose]();
  }
}

/** In base64. */
function md5Of({ content, size, md5 }: PutBody): string | undefined {
  if (md5 !== undefined) return base64OfHex(md5);
  if (content instanceof Uint8Array) return createHash('md5').update(content).digest('base64');
  return size === 0 ? createHash('md5').digest('base64') : undefined;
}

function md5OfAll(chunks: readonly Uint8Array[]): string {
  const hash = createHash('md5');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('base64');
}

function withMd5(request: S3Request, md5: string, { content, size }: PutBody): S3Request {
  const headers = [...(request.headers ?? []), 'content-md5', md5];
  return { ...request, headers, content, size };
}

async function sendWithout(
  wire: S3Wire,
  request: S3Request,
  signal: AbortSignal,
): Promise<HttpReply> {
  try {
    return await wire.send(request, signal);
  } catch (error) {
    if (!(error instanceof StoreError) || !asksForMd5(error)) throw error;
    wire.needsMd5 = true;
    throw new StoreError('unavailable', error.details, { cause: error });
  }
}

/**
 * "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Part requests with Object Lock
 * parameters", with the code InvalidRequest: https://github.com/s3tools/s3cmd/issues/1436. Other stores
 * have a code of their own for it, as MissingContentMD5.
 */
function asksForMd5({
  details: { status, cloudCode = '', cloudMessage = '' },
}: StoreError): boolean {
  if (status !== 400) return false;
  return (
    /^Missing.*MD5$/i.test(cloudCode) ||
    (/content-md5|x-amz-checksum/i.test(cloudMessage) && /required|missing/i.test(cloudMessage))
  );
}

async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
