import { createHash, type Hash } from 'node:crypto';
import { S3Error } from './s3-error.ts';
import type { ChunkSeal } from './signed.ts';

const LINE_MAX = 16 * 1024;

/**
 * Takes `aws-chunked` framing off a body, piece by piece, and checks the chunks' signatures where
 * they have some.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export class ChunkDecoder {
  /** What follows the last chunk: names in lower case. */
  readonly trailers = new Map<string, string>();
  readonly #emit: (bytes: Buffer) => void;
  readonly #seal: ChunkSeal | undefined;
  #state: 'size' | 'data' | 'data-end' | 'trailers' = 'size';
  #line = Buffer.alloc(0);
  #left = 0;
  #signature = '';
  #hash: Hash | undefined;

  constructor(emit: (bytes: Buffer) => void, seal: ChunkSeal | undefined) {
    this.#emit = emit;
    this.#seal = seal;
  }

  /** @throws {S3Error} when the framing is broken or a chunk's signature is wrong. */
  push(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#state === 'data') {
        rest = this.#takeData(rest);
        continue;
      }
      const end = rest.indexOf(0x0a);
      this.#line = Buffer.concat([this.#line, end < 0 ? rest : rest.subarray(0, end)]);
      if (this.#line.length > LINE_MAX)
        throw new S3Error('IncompleteBody', 'a chunk header without end');
      if (end < 0) return;
      rest = rest.subarray(end + 1);
      const line = this.#line.toString('latin1').replace(/\r$/, '');
      this.#line = Buffer.alloc(0);
      this.#takeLine(line);
    }
  }

  /** @throws {S3Error} `IncompleteBody` when the last chunk has not come. */
  end(): void {
    if (this.#state !== 'trailers') throw new S3Error('IncompleteBody');
  }

  #takeData(bytes: Buffer): Buffer {
    const piece = bytes.subarray(0, this.#left);
    this.#left -= piece.length;
    this.#hash?.update(piece);
    this.#emit(piece);
    if (this.#left === 0) {
      this.#checkSignature();
      this.#state = 'data-end';
    }
    return bytes.subarray(piece.length);
  }

  #takeLine(line: string): void {
    if (this.#state === 'size') {
      this.#beginChunk(line);
    } else if (this.#state === 'trailers') {
      const colon = line.indexOf(':');
      if (colon > 0)
        this.trailers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    } else {
      if (line !== '') throw new S3Error('IncompleteBody', 'a chunk longer than it said');
      this.#state = 'size';
    }
  }

  #beginChunk(line: string): void {
    const [, size, signature = ''] =
      /^([0-9a-fA-F]+)(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line) ?? [];
    if (size === undefined) throw new S3Error('IncompleteBody', 'not a chunk header');
    this.#left = Number.parseInt(size, 16);
    this.#signature = signature;
    this.#hash = this.#seal && createHash('sha256');
    this.#state = this.#left > 0 ? 'data' : 'trailers';
    if (this.#left === 0) this.#checkSignature();
  }

  #checkSignature(): void {
    if (this.#hash !== undefined) this.#seal?.check(this.#hash.digest('hex'), this.#signature);
  }
}
