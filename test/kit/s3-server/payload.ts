import { type Call, header } from './call.ts';
import {
  type ChecksumName,
  checksumNames,
  crc64Text,
  isChecksumName,
  type Meter,
  meter,
} from './checksums.ts';
import { ChunkDecoder } from './chunked.ts';
import { type Content, heldContent, sevens } from './content.ts';
import type { Dialect } from './dialect.ts';
import { claimedCrc64 } from './object-headers.ts';
import { ClientGone, S3Error } from './s3-error.ts';

const DOCUMENT_SIZE_MAX = 4 * 1024 ** 2;

/** A body that has arrived whole and is what the request said it would be. */
export interface Payload {
  readonly content: Content;
  /** Lower-case hex. */
  readonly md5: string;
  readonly crc64: string | undefined;
  readonly checksums: Readonly<Partial<Record<ChecksumName, string>>>;
}

/** What the request says of its body, before and, as trailers, after it. */
interface Expectation {
  readonly md5: Buffer | undefined;
  readonly sha256: string | undefined;
  readonly streaming: boolean;
  readonly signedChunks: boolean;
  /** Bytes, framing taken off. */
  readonly size: number;
  /** Checksums to be checked, with their values where these stand in the headers. */
  readonly checksums: ReadonlyMap<ChecksumName, string | undefined>;
}

type Meters = ReadonlyMap<string, Meter>;

/**
 * Reads a request's body and checks it against everything the request says of it.
 *
 * @param extra A checksum to compute though the request names none: of a part whose upload does.
 * @throws {S3Error} `BadDigest` and similar errors; nothing may be stored then.
 */
export async function readPayload(call: Call, extra?: ChecksumName): Promise<Payload> {
  const expected = expectation(call, extra);
  const meters = await metersFor(call, expected);
  const keep = !call.service.sink;
  const chunks: Buffer[] = [];
  let size = 0;

  function take(bytes: Buffer): void {
    size += bytes.length;
    for (const each of meters.values()) each.update(bytes);
    if (keep) chunks.push(bytes);
  }

  const decoder = expected.streaming
    ? new ChunkDecoder(take, expected.signedChunks ? call.chunkSeal : undefined)
    : undefined;
  await receive(call, decoder ? (bytes) => decoder.push(bytes) : take);
  decoder?.end();
  if (size !== expected.size) throw new S3Error('IncompleteBody');
  const { md5, crc64, checksums } = check(call, expected, meters, decoder?.trailers);
  return { content: keep ? heldContent(chunks) : sevens(size), md5, crc64, checksums };
}

/** Reads a small document, such as the parts of an upload. */
export async function readDocument(call: Call): Promise<string> {
  const size = Number(header(call, 'content-length') ?? 0);
  if (size > DOCUMENT_SIZE_MAX) throw new S3Error('EntityTooLarge');
  const { content } = await readPayload({ ...call, service: { ...call.service, sink: false } });
  return Buffer.concat([...content.pieces(0, content.size)]).toString('utf8');
}

function expectation(call: Call, extra: ChecksumName | undefined): Expectation {
  const { dialect } = call.service;
  const declared = header(call, 'x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD';
  const streaming = declared.startsWith('STREAMING-');
  const length = header(call, streaming ? 'x-amz-decoded-content-length' : 'content-length');
  if (length === undefined && (streaming || header(call, 'transfer-encoding') !== undefined)) {
    throw new S3Error('MissingContentLength');
  }
  const size = Number(length ?? 0);
  if (size > dialect.putSizeMax) throw new S3Error('EntityTooLarge');
  if (streaming) checkFraming(dialect.awsChunked, declared);
  return {
    md5: dialect.checksMd5 ? declaredMd5(header(call, 'content-md5')) : undefined,
    sha256: call.service.verify && /^[0-9a-f]{64}$/.test(declared) ? declared : undefined,
    streaming,
    signedChunks: declared.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD'),
    size,
    checksums: declaredChecksums(call, extra),
  };
}

/** Many clouds take no framed bodies, or none with trailers. */
function checkFraming(awsChunked: Dialect['awsChunked'], declared: string): void {
  if (awsChunked === 'all') return;
  if (awsChunked === 'signed' && declared === 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD') return;
  throw new S3Error(
    'InvalidArgument',
    'aws-chunked encoding is not supported with the specified x-amz-content-sha256 value',
  );
}

function declaredMd5(text: string | undefined): Buffer | undefined {
  if (text === undefined) return undefined;
  const md5 = Buffer.from(text, 'base64');
  if (md5.length !== 16 || md5.toString('base64') !== text) throw new S3Error('InvalidDigest');
  return md5;
}

function declaredChecksums(
  call: Call,
  extra: ChecksumName | undefined,
): ReadonlyMap<ChecksumName, string | undefined> {
  const found = new Map<ChecksumName, string | undefined>();
  const every = call.service.dialect.everySum;
  if (every !== undefined) found.set(every, undefined);
  if (extra !== undefined) found.set(extra, undefined);
  for (const name of checksumNames) {
    const value = header(call, `x-amz-checksum-${name}`);
    if (value !== undefined) found.set(name, value);
  }
  const trailer = header(call, 'x-amz-trailer')
    ?.trim()
    .toLowerCase()
    .replace('x-amz-checksum-', '');
  if (trailer !== undefined && isChecksumName(trailer)) found.set(trailer, undefined);
  const { ownSum } = call.service.dialect;
  if (found.size === 0 && ownSum !== undefined) found.set(ownSum, undefined);
  return found;
}

async function metersFor(call: Call, { sha256, checksums }: Expectation): Promise<Meters> {
  const meters = new Map<string, Meter>([['md5', await meter('md5')]]);
  if (sha256 !== undefined) meters.set('sha256', await meter('sha256'));
  if (call.service.dialect.crc64 !== 'none') meters.set('crc64', await meter('crc64'));
  for (const name of checksums.keys()) {
    if (!meters.has(name)) meters.set(name, await meter(name));
  }
  return meters;
}

/** Yields the body as it arrives; rejects if the client disconnects before its end. */
function receive(call: Call, take: (bytes: Buffer) => void): Promise<void> {
  const { request } = call;
  return new Promise((resolve, reject) => {
    request.on('data', (bytes: Buffer) => {
      try {
        take(bytes);
      } catch (error) {
        request.removeAllListeners('data');
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    const gone = (): void => reject(new ClientGone());
    request.once('end', () => {
      request.off('close', gone);
      resolve();
    });
    request.once('close', gone);
    request.once('error', gone);
    call.welcomeBody();
  });
}

function check(
  call: Call,
  expected: Expectation,
  meters: Meters,
  trailers: ReadonlyMap<string, string> | undefined,
): Omit<Payload, 'content'> {
  const digests = new Map([...meters].map(([name, each]) => [name, each.digest()]));
  const md5 = digests.get('md5') ?? Buffer.alloc(0);
  if (expected.md5?.equals(md5) === false) {
    throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
  if (expected.sha256 !== undefined && digests.get('sha256')?.toString('hex') !== expected.sha256) {
    throw new S3Error('XAmzContentSHA256Mismatch');
  }
  const checksums = checkChecksums(expected, digests, trailers);
  return { md5: md5.toString('hex'), crc64: checkCrc64(call, digests.get('crc64')), checksums };
}

function checkChecksums(
  expected: Expectation,
  digests: ReadonlyMap<string, Buffer>,
  trailers: ReadonlyMap<string, string> | undefined,
): Payload['checksums'] {
  const checksums: Partial<Record<ChecksumName, string>> = {};
  for (const [name, claimed = trailers?.get(`x-amz-checksum-${name}`)] of expected.checksums) {
    const digest = digests.get(name)?.toString('base64') ?? '';
    if (claimed !== undefined && claimed !== digest) {
      throw new S3Error('BadDigest', `The ${name} you specified did not match what we received.`);
    }
    checksums[name] = digest;
  }
  return checksums;
}

function checkCrc64(call: Call, digest: Buffer | undefined): string | undefined {
  if (digest === undefined) return undefined;
  const crc64 = crc64Text(digest);
  const claimed = claimedCrc64(call);
  if (claimed !== undefined && claimed !== crc64) throw new S3Error('InvalidCRC64');
  return crc64;
}
