import { createHash } from 'node:crypto';
import type { ObjectTraits } from './bucket.ts';
import { type Content, joined } from './content.ts';
import type { Dialect } from './dialect.ts';

const BLOCK = 4 * 1024 ** 2;

/** The ETag of an object or part that came in one piece and bears its own bytes' mark. */
export function etagOf({ etag }: Dialect, md5: string, content: Content): string {
  const makers: Record<Dialect['etag']['whole'], () => string> = {
    'md5': () => md5,
    'upper-md5': () => md5.toUpperCase(),
    'qetag': () => qetag(content),
    'us3': () => us3Hash(content),
  };
  return makers[etag.whole]();
}

/** Whether the ETag of such an object is the MD5 of its bytes. */
export function etagIsMd5(
  { etag }: Dialect,
  { encryption: used, objectType }: Pick<ObjectTraits, 'encryption' | 'objectType'>,
): boolean {
  if (objectType !== undefined) return false;
  if (used === undefined) return true;
  return used.algorithm === 'AES256' && etag.opaqueIfEncrypted !== true;
}

/** An ETag that is as long as an MD5 and is none. */
export function opaqueEtag({ nextId }: { readonly nextId: () => string }): string {
  return `e${nextId()}`.padEnd(32, '0');
}

/** The ETag of an object that came in parts. */
export function etagOfParts(
  { etag }: Dialect,
  parts: readonly { readonly md5: string }[],
  content: Content,
): string {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part.md5, 'hex');
  const base = hash.digest('hex');
  // This is not the formula of S3. Clients must not depend on the formula, so any other is suitable.
  const opaque = createHash('md5').update(`opaque ${base}`).digest('hex');
  const makers: Record<Dialect['etag']['parts'], () => string> = {
    'md5-of-md5s': () => `${base}-${parts.length}`,
    'opaque': () => `${opaque}-${parts.length}`,
    'upper-opaque': () => `${opaque.toUpperCase()}-${parts.length}`,
    'dash-first': () => `-${opaque}`,
    'qetag': () => qetag(content),
    'us3': () => us3Hash(content),
  };
  return makers[etag.parts]();
}

/** Kodo's ETag: a byte that distinguishes one block from several, and the SHA-1 of the block or of the blocks' sums. */
export function qetag(content: Content): string {
  const sums = blockSums(content);
  const [only] = sums;
  const one = sums.length === 1 && only !== undefined;
  const sum = one ? only : sha1(sums);
  return urlSafe(Buffer.concat([Buffer.of(one ? 0x16 : 0x96), sum]));
}

/**
 * Kodo's of what its own protocol put in parts. Where these are blocks it is as if they had come at
 * once; else it is made of the sums of the parts, with a byte of its own before it.
 *
 * @see https://github.com/qiniu/rust-sdk/blob/master/etag/src/etag.rs
 */
export function qetagOfParts(parts: readonly Content[]): string {
  const sizes = parts.map(({ size }) => size);
  const areBlocks = sizes.slice(0, -1).every((size) => size === BLOCK);
  if (areBlocks && (sizes.at(-1) ?? 0) <= BLOCK) return qetag(joined(parts));
  const sums = parts.map((part) => {
    const [only, ...others] = blockSums(part);
    return only !== undefined && others.length === 0 ? only : sha1(blockSums(part));
  });
  return urlSafe(Buffer.concat([Buffer.of(0x9e), sha1(sums)]));
}

/** US3's: the number of blocks in four bytes, the lowest first, and the same sum. */
export function us3Hash(content: Content): string {
  const sums = blockSums(content);
  const [only] = sums;
  const count = Buffer.alloc(4);
  count.writeUInt32LE(sums.length);
  return urlSafe(
    Buffer.concat([count, sums.length === 1 && only !== undefined ? only : sha1(sums)]),
  );
}

function blockSums(content: Content): Buffer[] {
  const sums: Buffer[] = [];
  for (let first = 0; first === 0 || first < content.size; first += BLOCK) {
    sums.push(sha1(content.pieces(first, Math.min(first + BLOCK, content.size))));
  }
  return sums;
}

function sha1(pieces: Iterable<Uint8Array>): Buffer {
  const hash = createHash('sha1');
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}

function urlSafe(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}
