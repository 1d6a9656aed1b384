import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';

/** A value that must not be shown: prints as `[secret]` wherever it is logged or serialized. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself, for the one place that needs it. */
  reveal(): string {
    return this.#value;
  }

  toJSON(): string {
    return '[secret]';
  }

  toString(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

export class SealError extends Error {
  override readonly name = 'SealError';
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 1;

/**
 * Seals and opens small values with AES-256-GCM.
 *
 * A sealed value is `version (1 byte) · nonce (12) · tag (16) · ciphertext`. The context is
 * authenticated but not stored: a value sealed for one task does not open as another's.
 */
export class Sealer {
  readonly #key: Buffer;
  readonly #old: readonly Buffer[];
  /** Names the key without telling it; stored beside what it sealed. */
  readonly keyId: string;
  /** Of all keys whose seals open here, the one that seals first. */
  readonly keyIds: readonly string[];

  /**
   * @param key 32 bytes.
   * @param old Keys of before: what they sealed still opens.
   */
  constructor(key: Uint8Array, old: readonly Uint8Array[] = []) {
    if ([key, ...old].some(({ length }) => length !== 32)) {
      throw new SealError('a sealing key has 32 bytes');
    }
    this.#key = Buffer.from(key);
    this.#old = old.map((each) => Buffer.from(each));
    this.keyId = idOf(key);
    this.keyIds = [...new Set([key, ...old].map(idOf))];
  }

  seal(text: string, context: string): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(context));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), body]);
  }

  /** @throws {SealError} when the key, the context or a bit of the value is not the same. */
  open(sealed: Uint8Array, context: string): string {
    const bytes = Buffer.from(sealed);
    if (bytes[0] !== VERSION || bytes.length < 1 + NONCE_BYTES + TAG_BYTES) {
      throw new SealError('not a sealed value');
    }
    let failure: unknown;
    for (const key of [this.#key, ...this.#old]) {
      try {
        return openWith(key, bytes, context);
      } catch (cause) {
        failure ??= cause;
      }
    }
    throw new SealError('a sealed value does not open with this key', { cause: failure });
  }
}

function openWith(key: Buffer, bytes: Buffer, context: string): string {
  const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
  const tag = bytes.subarray(1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(context))
    .setAuthTag(tag);
  const body = bytes.subarray(1 + NONCE_BYTES + TAG_BYTES);
  return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
}

function idOf(key: Uint8Array): string {
  const hash = createHash('sha256').update('bucket-brigade key id').update(key);
  return hash.digest('hex').slice(0, 16);
}
