import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { createCRC32, createCRC64, type IHasher } from 'hash-wasm';

/** The checksums that S3 keeps, as its header names end. */
export const checksumNames = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'] as const;

export type ChecksumName = (typeof checksumNames)[number];

/** Of the whole object, or of the parts' checksums. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** A digest in the making. */
export interface Meter {
  update(bytes: Uint8Array): void;
  digest(): Buffer;
}

type Hash = 'md5' | ChecksumName | 'crc64';

/** The reflected polynomials of hash-wasm's making. */
const CRC32C = 0x82f63b78;
const CRC64_NVME = '9a6c9329ac4bc9b5';

const makers: Record<Hash, () => Meter | Promise<Meter>> = {
  md5: () => nodeMeter('md5'),
  sha1: () => nodeMeter('sha1'),
  sha256: () => nodeMeter('sha256'),
  crc32: crc32Meter,
  crc32c: pooled(() => createCRC32(CRC32C)),
  crc64nvme: pooled(() => createCRC64(CRC64_NVME)),
  crc64: pooled(() => createCRC64()),
};

/** Begins a digest; `crc64` is CRC-64/XZ. */
export async function meter(hash: Hash): Promise<Meter> {
  return makers[hash]();
}

export function isChecksumName(name: string): name is ChecksumName {
  return (checksumNames as readonly string[]).includes(name);
}

function nodeMeter(algorithm: string): Meter {
  const hash = createHash(algorithm);
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => hash.digest(),
  };
}

function crc32Meter(): Meter {
  let value = 0;
  return {
    update(bytes) {
      value = crc32(bytes, value);
    },
    digest() {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    },
  };
}

/** Making a hasher costs far more than hashing what most requests bring. */
function pooled(make: () => Promise<IHasher>): () => Promise<Meter> {
  const idle: IHasher[] = [];
  return async () => {
    const hasher = idle.pop() ?? (await make());
    hasher.init();
    return {
      update: (bytes) => void hasher.update(bytes),
      digest() {
        const digest = Buffer.from(hasher.digest('binary'));
        idle.push(hasher);
        return digest;
      },
    };
  };
}

/** As the clouds spell CRC-64/XZ: an unsigned decimal. */
export function crc64Text(digest: Buffer): string {
  return digest.readBigUInt64BE().toString();
}

/** The sum of several, as S3 makes it of parts: a checksum of checksums, and their number. */
export async function composite(name: ChecksumName, parts: readonly string[]): Promise<string> {
  const sum = await meter(name);
  for (const part of parts) sum.update(Buffer.from(part, 'base64'));
  return `${sum.digest().toString('base64')}-${parts.length}`;
}

const polynomials = {
  crc32: { polynomial: 0xedb88320n, bits: 32n },
  crc32c: { polynomial: BigInt(CRC32C), bits: 32n },
  crc64nvme: { polynomial: BigInt(`0x${CRC64_NVME}`), bits: 64n },
  crc64: { polynomial: 0xc96c5795d7870f42n, bits: 64n },
} as const;

export type Crc = keyof typeof polynomials;

/** The CRC of `a` followed by `b`, from theirs and the length of `b` in bytes. */
export function combineCrc(name: Crc, a: bigint, b: bigint, lengthOfB: number): bigint {
  const { polynomial, bits } = polynomials[name];
  const one = 1n << (bits - 1n);

  // Polynomials are written backwards: the highest bit is the coefficient of 1.
  function multiply(x: bigint, y: bigint): bigint {
    let product = 0n;
    let factor = y;
    for (let bit = one; bit > 0n; bit >>= 1n) {
      if ((x & bit) !== 0n) product ^= factor;
      factor = (factor & 1n) === 1n ? (factor >> 1n) ^ polynomial : factor >> 1n;
    }
    return product;
  }

  let shifted = one;
  let square = one >> 8n;
  for (let left = lengthOfB; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) shifted = multiply(shifted, square);
    square = multiply(square, square);
  }
  return multiply(a, shifted) ^ b;
}
