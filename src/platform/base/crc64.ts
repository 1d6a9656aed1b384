import { createCRC64, type IHasher } from 'hash-wasm';

/** How a CRC is taken, and how clouds write it. */
interface Form {
  /** Reflected, as in the tables of the field. */
  readonly polynomial: bigint;
  readonly write: (crc: bigint) => string;
  readonly read: (text: string) => bigint;
  /** Idle hashers: making one costs far more than hashing a small object with it. */
  readonly idle: IHasher[];
  /** Entry `k`: what appending 2^k zero bytes does. Grows as it is needed. */
  readonly zeroBytes: BitMatrix[];
}

/** A linear map over 64 bits: row `i` is the image of bit `i`. */
type BitMatrix = readonly bigint[];

const IDLE_MAX = 64;

function formOf(polynomial: bigint, { write, read }: Pick<Form, 'write' | 'read'>): Form {
  const oneZeroBit = Array.from({ length: 64 }, (_, bit) =>
    bit === 0 ? polynomial : 1n << BigInt(bit - 1),
  );
  return {
    ...{ polynomial, write, read, idle: [] },
    zeroBytes: [square(square(square(oneZeroBit)))],
  };
}

/**
 * `crc64` is CRC-64/XZ, which several clouds call ECMA-182, and is written as an unsigned decimal;
 * `crc64nvme` is CRC-64/NVME, in Base64, as S3 reports it.
 */
const forms = {
  crc64: formOf(0xc96c5795d7870f42n, { write: (crc) => crc.toString(), read: BigInt }),
  crc64nvme: formOf(0x9a6c9329ac4bc9b5n, {
    write: (crc) => Buffer.from(hexOf(crc), 'hex').toString('base64'),
    read: (text) => BigInt(`0x${Buffer.from(text, 'base64').toString('hex')}`),
  }),
} satisfies Record<string, Form>;

export type Crc64Kind = keyof typeof forms;

function hexOf(crc: bigint): string {
  return crc.toString(16).padStart(16, '0');
}

/** A CRC being taken. */
export class Crc64 {
  readonly #form: Form;
  #hasher: IHasher | undefined;

  constructor(form: Form, hasher: IHasher) {
    this.#form = form;
    this.#hasher = hasher.init();
  }

  update(bytes: Uint8Array): this {
    if (this.#hasher === undefined) throw new Error('this CRC has been taken already');
    this.#hasher.update(bytes);
    return this;
  }

  /** The CRC, as clouds write it; ends this object's use. */
  digest(): string {
    if (this.#hasher === undefined) throw new Error('this CRC has been taken already');
    const hex = this.#hasher.digest('hex');
    const { idle, write } = this.#form;
    if (idle.length < IDLE_MAX) idle.push(this.#hasher);
    this.#hasher = undefined;
    return write(BigInt(`0x${hex}`));
  }
}

export async function startCrc64(kind: Crc64Kind = 'crc64'): Promise<Crc64> {
  const form = forms[kind];
  return new Crc64(form, form.idle.pop() ?? (await createCRC64(hexOf(form.polynomial))));
}

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

function appendingZeroBytes({ zeroBytes }: Form, power: number): BitMatrix {
  for (let known = zeroBytes.length; known <= power; known++) {
    zeroBytes.push(square(zeroBytes[known - 1] ?? []));
  }
  return zeroBytes[power] ?? [];
}

/**
 * The CRC of `a` followed by `b`, from the CRCs of both and the length of `b`: so that the CRC of an
 * object comes from those of its parts. All as clouds write them.
 *
 * @param lengthOfB Bytes.
 */
export function combineCrc64(
  crcA: string,
  crcB: string,
  lengthOfB: number,
  kind: Crc64Kind = 'crc64',
): string {
  const form = forms[kind];
  let shifted = form.read(crcA);
  let rest = lengthOfB;
  for (let power = 0; rest > 0; power++) {
    if (rest % 2 === 1) shifted = apply(appendingZeroBytes(form, power), shifted);
    rest = Math.floor(rest / 2);
  }
  return form.write(shifted ^ form.read(crcB));
}
