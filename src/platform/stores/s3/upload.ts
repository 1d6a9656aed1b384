import type { XmlElement } from '../../base/xml.ts';
import { headerOf, wholeNumber } from '../../http/headers.ts';
import { orLetGo } from '../../http/let-go.ts';
import { existsInstead } from '../refusals.ts';
import type {
  OpenUpload,
  PartReceipt,
  PartUpload,
  PutOptions,
  PutReceipt,
  UploadedPart,
} from '../store.ts';
import type { PutBody } from '../../http/bodies.ts';
import { StoreError } from '../../model/store-error.ts';
import { sendWithMd5 } from './content-md5.ts';
import { crc64nvmeOf, receiptOf } from './head.ts';
import { decodeListed, type KeyReader, keyReader } from './list.ts';
import { modeHeaders } from './put-headers.ts';
import type { S3Request, S3Wire } from './wire.ts';

/** An upload at the store, known by its ID alone. */
export class S3Upload implements PartUpload {
  readonly id: string;
  readonly #wire: S3Wire;
  readonly #key: string;
  readonly #options: Pick<PutOptions, 'mode'>;
  /** Completed, aborted or left to others: nothing is to be cleared away. */
  #settled = false;

  constructor(wire: S3Wire, key: string, id: string, options: Pick<PutOptions, 'mode'>) {
    this.#wire = wire;
    this.#key = key;
    this.id = id;
    this.#options = options;
  }

  async putPart(number: number, body: PutBody, signal: AbortSignal): Promise<PartReceipt> {
    const { dialect } = this.#wire;
    const request: S3Request = {
      operation: 'putPart',
      method: 'PUT',
      key: this.#key,
      query: this.#wire.query({ partNumber: number.toString(), uploadId: this.id }),
    };
    const reply = await orLetGo(body, () => sendWithMd5(this.#wire, request, body, signal));
    reply.body.discard();
    const etag = headerOf(reply.headers, 'etag');
    if (etag === undefined) throw this.#wire.badReply(request, 'a part without an ETag');
    return { number, ...receiptOf(etag, reply.headers, dialect, body) };
  }

  async listParts(signal: AbortSignal): Promise<UploadedPart[]> {
    const parts: UploadedPart[] = [];
    let marker: string | undefined;
    for (;;) {
      const request: S3Request = {
        operation: 'listParts',
        method: 'GET',
        key: this.#key,
        query: this.#wire.query({
          'uploadId': this.id,
          'max-parts': '1000',
          'part-number-marker': marker,
        }),
      };
      const { root } = await this.#wire.ask(request, 'ListPartsResult', signal);
      for (const element of root.all('Part')) {
        const part = readPart(element);
        if (part === undefined || part.number <= (parts.at(-1)?.number ?? 0)) {
          throw this.#wire.badReply(request, 'parts that make no sense');
        }
        parts.push(part);
      }
      if (root.textOf('IsTruncated') !== 'true') return parts;
      const next = parts.at(-1)?.number.toString();
      if (next === marker) throw this.#wire.badReply(request, 'the same parts again');
      marker = next;
    }
  }

  async complete(
    parts: readonly { readonly number: number; readonly etag: string }[],
    signal: AbortSignal,
  ): Promise<PutReceipt> {
    const { dialect, documents } = this.#wire;
    const content = Buffer.from(documents.completion(parts));
    const headers = ['content-type', documents.contentType, ...modeHeaders(this.#options, dialect)];
    const request: S3Request = {
      operation: 'complete',
      method: 'POST',
      key: this.#key,
      query: this.#wire.query({ uploadId: this.id }),
      headers,
      content,
      size: content.length,
      slow: true,
    };
    const answer = await this.#ask(request, signal);
    const etag = answer.root.textOf('ETag');
    if (etag === undefined) throw this.#wire.badReply(request, 'an object without an ETag');
    this.#settled = true;
    const known = etag === '' ? await this.#lookUpEtag(signal) : etag;
    const receipt = receiptOf(known, answer.headers, dialect, undefined);
    const crc64nvme = crc64nvmeOf(answer.root.textOf('ChecksumCRC64NVME'));
    return dialect.crc64nvme ? { ...receipt, crc64nvme } : receipt;
  }

  /** Ceph 16 leaves the ETag of a completed upload empty. */
  async #lookUpEtag(signal: AbortSignal): Promise<string> {
    const request: S3Request = { operation: 'complete', method: 'HEAD', key: this.#key };
    try {
      const reply = await this.#wire.send(request, signal);
      return headerOf(reply.headers, 'etag') ?? '';
    } catch (error) {
      // The object exists nevertheless.
      if (!(error instanceof StoreError)) throw error;
      return '';
    }
  }

  async #ask(request: S3Request, signal: AbortSignal) {
    try {
      return await this.#wire.ask(request, 'CompleteMultipartUploadResult', signal);
    } catch (error) {
      throw this.#options.mode === 'create' ? existsInstead(error) : error;
    }
  }

  detach(): void {
    this.#settled = true;
  }

  async abort(signal: AbortSignal): Promise<void> {
    try {
      const reply = await this.#wire.send(
        {
          operation: 'abort',
          method: 'DELETE',
          key: this.#key,
          query: this.#wire.query({ uploadId: this.id }),
        },
        signal,
      );
      reply.body.discard();
    } catch (error) {
      if (!(error instanceof StoreError) || error.fault !== 'not-found') throw error;
    }
    this.#settled = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#settled) return;
    try {
      await this.abort(new AbortController().signal);
    } catch (error) {
      // What brought us here matters more; `listUploads` finds what was left behind.
      if (!(error instanceof StoreError)) throw error;
    }
  }
}

function readPart(element: XmlElement): UploadedPart | undefined {
  const number = wholeNumber(element.textOf('PartNumber'));
  const size = wholeNumber(element.textOf('Size'));
  const etag = element.textOf('ETag');
  if (!Number.isInteger(number) || !Number.isInteger(size) || etag === undefined) return undefined;
  return { number, size, etag };
}

/**
 * The uploads of exactly one key. All that the prefix matches are gone through: Ceph orders by
 * key and ID together, so that `a-b` comes before `a`.
 */
export async function listUploads(
  wire: S3Wire,
  key: string,
  signal: AbortSignal,
): Promise<OpenUpload[]> {
  const found: OpenUpload[] = [];
  // Asked for only where it must be: Ceph encodes the keys then, and does not say so.
  const { documents } = wire;
  const encoded = !documents.fits(key) || key.includes('\r');
  let from: OpenUpload | undefined;
  for (;;) {
    const request: S3Request = {
      operation: 'listUploads',
      method: 'GET',
      query: wire.query({
        'uploads': '',
        'prefix': key,
        'encoding-type': encoded ? 'url' : undefined,
        'key-marker': from?.key,
        'upload-id-marker': from?.id,
        'max-uploads': '1000',
      }),
    };
    const { root } = await wire.ask(request, 'ListMultipartUploadsResult', signal);
    const uploads = readUploads(root, encoded ? decodeListed : keyReader(root));
    if (uploads === undefined) throw wire.badReply(request, 'uploads that make no sense');
    found.push(...uploads.filter((upload) => upload.key === key));
    if (root.textOf('IsTruncated') !== 'true') return found;
    const last = uploads.at(-1);
    if (last === undefined || last.id === from?.id) {
      throw wire.badReply(request, 'the same uploads again');
    }
    from = last;
  }
}

function readUploads(root: XmlElement, readKey: KeyReader): OpenUpload[] | undefined {
  const uploads: OpenUpload[] = [];
  for (const element of root.all('Upload')) {
    const key = readKey(element.textOf('Key') ?? '');
    const id = element.textOf('UploadId');
    const startedAt = Date.parse(element.textOf('Initiated') ?? '');
    if (key === undefined || id === undefined || Number.isNaN(startedAt)) return undefined;
    uploads.push({ key, id, startedAt });
  }
  return uploads;
}
