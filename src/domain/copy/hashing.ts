import { createHash } from 'node:crypto';
import { type Crc64, type Crc64Kind, startCrc64 } from '../../platform/base/crc64.ts';
import type { ObjectHead } from '../../platform/model/object.ts';
import { crcKinds, type Crcs, type Checksums } from '../../platform/model/checksums.ts';
import type { CopyJob } from './transfer.ts';

/** The checksums of bytes that went through our hands. */
export interface ComputedChecksums extends Checksums {
  /** How many went through. */
  readonly size: number;
  readonly md5: string;
}

/** Passes a stream on and checksums it on the way. */
export interface HashingStream extends AsyncIterable<Uint8Array> {
  /** The checksums of what went through. Call it after the stream has ended. */
  checksums(): ComputedChecksums;
}

/** The CRCs that are worth computing, because the source or the target reports them, too. */
export function crcsWorthTaking({ target }: CopyJob, head: ObjectHead): Crc64Kind[] {
  return crcKinds.filter((kind) => head[kind] !== undefined || target.traits[kind]);
}

/** Wraps a stream so that its bytes are summed as they are read, without a copy. */
export async function hashing(
  source: AsyncIterable<Uint8Array>,
  kinds: readonly Crc64Kind[],
): Promise<HashingStream> {
  const md5Hash = createHash('md5');
  const crcs = await startAll(kinds);
  let size = 0;
  let whole: ComputedChecksums | undefined;
  return {
    async *[Symbol.asyncIterator]() {
      for await (const chunk of source) {
        size += chunk.length;
        md5Hash.update(chunk);
        for (const crc of crcs.values()) crc.update(chunk);
        yield chunk;
      }
    },
    checksums: () => (whole ??= { size, md5: md5Hash.digest('hex'), ...taken(crcs) }),
  };
}

/** Reads a stream to its end, for its checksums alone. */
export async function checksumsOfStream(
  source: AsyncIterable<Uint8Array>,
  kinds: readonly Crc64Kind[],
): Promise<ComputedChecksums> {
  const stream = await hashing(source, kinds);
  const pieces = stream[Symbol.asyncIterator]();
  let piece: IteratorResult<Uint8Array>;
  do piece = await pieces.next();
  while (piece.done !== true);
  return stream.checksums();
}

/** Hashes bytes in memory; a known MD5 is not computed again. */
export async function checksumsOf(
  bytes: Uint8Array,
  kinds: readonly Crc64Kind[],
  md5: string | undefined,
): Promise<ComputedChecksums> {
  const crcs = await startAll(kinds);
  for (const crc of crcs.values()) crc.update(bytes);
  const known = md5 ?? createHash('md5').update(bytes).digest('hex');
  return { size: bytes.length, md5: known, ...taken(crcs) };
}

async function startAll(kinds: readonly Crc64Kind[]): Promise<ReadonlyMap<Crc64Kind, Crc64>> {
  const crcs = new Map<Crc64Kind, Crc64>();
  for (const kind of kinds) crcs.set(kind, await startCrc64(kind));
  return crcs;
}

function taken(crcs: ReadonlyMap<Crc64Kind, Crc64>): Crcs {
  return { crc64: crcs.get('crc64')?.digest(), crc64nvme: crcs.get('crc64nvme')?.digest() };
}
