import { createCRC64, type IHasher } from 'hash-wasm';

/** Idle hashers: making one costs far more than hashing a small object with it. */
const idle: IHasher[] = [];
const IDLE_MAX = 64;

/** A CRC-64/XZ being taken: what several clouds tell of an object, and call ECMA-182. */
export class Crc64 {
  #hasher: IHasher | undefined;

  constructor(hasher: IHasher) {
    this.#hasher = hasher.init();
  }

  update(bytes: Uint8Array): this {
    if (this.#hasher === undefined) throw new Error('this CRC has been taken already');
    this.#hasher.update(bytes);
    return this;
  }

  /** The CRC as an unsigned decimal, as clouds write it; ends this object's use. */
  digest(): string {
    if (this.#hasher === undefined) throw new Error('this CRC has been taken already');
    const hex = this.#hasher.digest('hex');
    if (idle.length < IDLE_MAX) idle.push(this.#hasher);
    this.#hasher = undefined;
    return BigInt(`0x${hex}`).toString();
  }
}

export async function startCrc64(): Promise<Crc64> {
  return new Crc64(idle.pop() ?? (await createCRC64()));
}

const POLYNOMIAL = 0xc96c5795d7870f42n;

/** A linear map over 64 bits: row `i` is the image of bit `i`. */
type BitMatrix = readonly bigint[];

function apply(matrix: BitMatrix, vector: bigint): bigint {
  let image = 0n;
  let rest = vector;
  for (const row of matrix) {
    if (rest === 0n) break;
    if ((rest & 1n) === 1n) image ^= row;
    rest >>= 1n;
  }
  return image;
}

function square(matrix: BitMatrix): BitMatrix {
  return matrix.map((row) => apply(matrix, row));
}

/** What appending one zero bit does to a CRC. */
const oneZeroBit: BitMatrix = Array.from({ length: 64 }, (_, bit) =>
  bit === 0 ? POLYNOMIAL : 1n << BigInt(bit - 1),
);

/** Entry `k`: what appending 2^k zero bytes does. Grows as it is needed. */
const zeroBytes: BitMatrix[] = [square(square(square(oneZeroBit)))];

function appendingZeroBytes(power: number): BitMatrix {
  for (let known = zeroBytes.length; known <= power; known++) {
    zeroBytes.push(square(zeroBytes[known - 1] ?? []));
  }
  return zeroBytes[power] ?? [];
}

/**
 * The CRC-64/XZ of `a` followed by `b`, from the CRCs of both and the length of `b`: so that the
 * CRC of an object comes from those of its parts.
 *
 * @param crcA Unsigned decimal, like the result.
 * @param lengthOfB Bytes.
 */
export function combineCrc64(crcA: string, crcB: string, lengthOfB: number): string {
  let shifted = BigInt(crcA);
  let rest = lengthOfB;
  for (let power = 0; rest > 0; power++) {
    if (rest % 2 === 1) shifted = apply(appendingZeroBytes(power), shifted);
    rest = Math.floor(rest / 2);
  }
  return (shifted ^ BigInt(crcB)).toString();
}
