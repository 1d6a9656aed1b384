import type { MetadataTraits } from '../../model/metadata.ts';
import type { ObjectHead } from '../../model/object.ts';
import { storageTiers } from '../../model/storage-class.ts';
import { headerOf } from '../../http/headers.ts';
import type { HttpReply } from '../../http/http.ts';
import { orLetGo } from '../../http/let-go.ts';
import { limitsOf } from '../metadata-limits.ts';
import { checkPutOptions } from '../put-options.ts';
import { existsInstead, suspectingMetadata } from '../refusals.ts';
import { ifMatchOf } from '../pin.ts';
import { type KeyReader, readObject, sizedHead } from '../reply-head.ts';
import { canonicalQuery, encodeKey } from '../../signing/url-encoding.ts';
import { checkRemovals } from '../removals.ts';
import type {
  ListOptions,
  ListPage,
  ObjectRead,
  OpenUpload,
  PartUpload,
  PutOptions,
  PutReceipt,
  ReadOptions,
  Removal,
  Store,
  Traits,
} from '../store.ts';
import type { PutBody } from '../../http/bodies.ts';
import { StoreError } from '../../model/store-error.ts';
import { sendWithMd5 } from './content-md5.ts';
import type { S3Dialect } from './dialect.ts';
import { headOf, receiptOf } from './head.ts';
import { listPage } from './list.ts';
import { listedHead } from './listed-head.ts';
import { modeHeaders, putHeaders } from './put-headers.ts';
import { removeObjects } from './remove.ts';
import { isArchivedThere, restoreObject } from './restore.ts';
import { listUploads, S3Upload } from './upload.ts';
import type { S3Request, S3Wire } from './wire.ts';

/** One bucket behind S3's protocol, in the dialect of its cloud. */
export class S3Store implements Store {
  readonly name: string;
  readonly traits: Traits;
  readonly #wire: S3Wire;

  constructor(wire: S3Wire) {
    this.name = wire.name;
    this.traits = traitsOf(wire);
    this.#wire = wire;
  }

  list(options: ListOptions, signal: AbortSignal): Promise<ListPage> {
    return listPage(this.#wire, options, signal);
  }

  async head(key: string, signal: AbortSignal): Promise<ObjectHead> {
    const { crc64nvme, headOfArchived } = this.#wire.dialect;
    try {
      return await this.#head(key, crc64nvme, signal);
    } catch (error) {
      if (!(error instanceof StoreError) || error.fault !== 'denied') throw error;
      // The CRC of what a key service encrypts is only reported to callers that may decrypt it:
      // https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
      if (crc64nvme) return await this.#head(key, false, signal);
      const hidden = headOfArchived !== 'answered';
      const listed = hidden ? await listedHead(this.#wire, key, signal) : undefined;
      if (listed === undefined) throw error;
      return listed;
    }
  }

  async #head(key: string, withCrc: boolean, signal: AbortSignal): Promise<ObjectHead> {
    const headers = asStored(this.#wire.dialect);
    if (withCrc) headers.push(...crcAsked);
    // Where a denied HEAD is not the last word, the next request reports more.
    const explained = !withCrc && this.#wire.dialect.headOfArchived === 'answered';
    const request: S3Request = { operation: 'head', method: 'HEAD', key, headers, explained };
    const reply = await this.#wire.send(request, signal);
    return await sizedHead(reply, this.#keyReader(key, 'head', signal));
  }

  async read(key: string, options: ReadOptions, signal: AbortSignal): Promise<ObjectRead> {
    return await readObject(this.#keyReader(key, 'read', signal), options);
  }

  #keyReader(key: string, operation: 'head' | 'read', signal: AbortSignal): KeyReader {
    const { dialect } = this.#wire;
    return {
      headOf: (size, headers, answer) => headOf(key, size, headers, dialect, answer),
      failure: (fault, message) => this.#wire.failure(fault, { operation, key }, message),
      send: (options) => this.#sendRead(key, readRequest(key, options, dialect), signal),
      head: () => this.head(key, signal),
      now: () => this.#wire.now(),
    };
  }

  async #sendRead(key: string, request: S3Request, signal: AbortSignal): Promise<HttpReply> {
    try {
      return await this.#wire.send(request, signal);
    } catch (error) {
      const denied = error instanceof StoreError && error.fault === 'denied';
      if (!denied || this.#wire.dialect.archivedShownBy === 'code') throw error;
      const archived = await isArchivedThere(this.#wire, key, signal);
      throw archived ? new StoreError('archived', error.details, { cause: error }) : error;
    }
  }

  put(key: string, body: PutBody, options: PutOptions, signal: AbortSignal): Promise<PutReceipt> {
    return orLetGo(body, () => this.#put(key, body, options, signal));
  }

  async #put(
    key: string,
    body: PutBody,
    options: PutOptions,
    signal: AbortSignal,
  ): Promise<PutReceipt> {
    const headers = this.#putHeaders('put', key, options);
    headers.push(...modeHeaders(options, this.#wire.dialect));
    const request: S3Request = { operation: 'put', method: 'PUT', key, headers };
    let reply: HttpReply;
    try {
      reply = await sendWithMd5(this.#wire, request, body, signal);
    } catch (error) {
      const refusal = suspectingMetadata(error, options);
      throw options.mode === 'create' ? existsInstead(refusal) : refusal;
    }
    reply.body.discard();
    const etag = headerOf(reply.headers, 'etag');
    if (etag === undefined) throw this.#wire.badReply(request, 'an object without an ETag');
    return receiptOf(etag, reply.headers, this.#wire.dialect, body);
  }

  async startParts(key: string, options: PutOptions, signal: AbortSignal): Promise<PartUpload> {
    const request: S3Request = {
      operation: 'startParts',
      method: 'POST',
      key,
      query: 'uploads=',
      headers: this.#putHeaders('startParts', key, options),
    };
    const id = await this.#askForUpload(request, options, signal);
    if (id === undefined || id === '')
      throw this.#wire.badReply(request, 'an upload without an ID');
    return new S3Upload(this.#wire, key, id, options);
  }

  async #askForUpload(
    request: S3Request,
    options: PutOptions,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    try {
      const { root } = await this.#wire.ask(request, 'InitiateMultipartUploadResult', signal);
      return root.textOf('UploadId');
    } catch (error) {
      throw suspectingMetadata(error, options);
    }
  }

  resumeParts(key: string, uploadId: string, options: PutOptions = {}): PartUpload {
    return new S3Upload(this.#wire, key, uploadId, options);
  }

  listUploads(key: string, signal: AbortSignal): Promise<OpenUpload[]> {
    return listUploads(this.#wire, key, signal);
  }

  async remove(removals: readonly Removal[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    checkRemovals(this, removals);
    await removeObjects(this.#wire, removals, signal);
  }

  async copy(
    from: { readonly bucket: string; readonly key: string; readonly ifMatch?: string | undefined },
    key: string,
    signal: AbortSignal,
  ): Promise<PutReceipt> {
    const { headerPrefix: prefix, copySource, conditionalCopy } = this.#wire.dialect;
    signal.throwIfAborted();
    if (from.ifMatch !== undefined && !conditionalCopy) {
      const message = 'it is not known to copy an object only while its ETag is the given one';
      throw this.#wire.failure('unsupported', { operation: 'copy', key }, message);
    }
    const bucket = copySource === 'host' ? this.#wire.hostOf(from.bucket) : `/${from.bucket}`;
    const headers = [`${prefix}copy-source`, `${bucket}/${encodeKey(from.key)}`];
    if (from.ifMatch !== undefined) headers.push(`${prefix}copy-source-if-match`, from.ifMatch);
    const request: S3Request = { operation: 'copy', method: 'PUT', key, headers, slow: true };
    const answer = await this.#wire.ask(request, 'CopyObjectResult', signal);
    const etag = answer.root.textOf('ETag');
    if (etag === undefined) throw this.#wire.badReply(request, 'an object without an ETag');
    return receiptOf(etag, answer.headers, this.#wire.dialect, undefined);
  }

  restore(
    key: string,
    { days }: { readonly days: number },
    signal: AbortSignal,
  ): Promise<{ readonly checkAfterMs: number }> {
    return restoreObject(this.#wire, key, days, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wire[Symbol.asyncDispose]();
  }

  #putHeaders(operation: string, key: string, options: PutOptions): string[] {
    const { dialect } = this.#wire;
    checkPutOptions(options, this.traits, { store: this.name, operation, key });
    return putHeaders(options, dialect);
  }
}

function traitsOf({ cloud, row, dialect, secure }: S3Wire): Traits {
  const kmsNeedsTls = dialect.kmsNeedsTls && !secure;
  return {
    cloud,
    row,
    crc64: dialect.crc64Header !== undefined,
    crc64nvme: dialect.crc64nvme,
    checksMd5: dialect.checksMd5,
    checksMd5OfStreams: dialect.checksMd5,
    conditionalPut: dialect.conditionalPut !== undefined,
    conditionalPutVersioned:
      dialect.conditionalPut !== undefined && dialect.conditionalPutVersioned,
    listsFromKey: true,
    listsChecksums: dialect.etagMd5.heads !== 'never',
    serverSideCopy: true,
    conditionalCopy: dialect.conditionalCopy,
    conditionalRemove: dialect.conditionalRemove,
    copySizeMax: dialect.copySizeMax,
    restore: dialect.restore !== undefined,
    readTellsClass: true,
    tierOf: (storageClass) => dialect.classes.get(storageClass)?.tier,
    kms: dialect.kms !== undefined && !kmsNeedsTls,
    kmsNeedsTls,
    tiers: storageTiers.filter((tier) => dialect.tierClasses[tier] !== undefined),
    metadata: metadataTraits(dialect),
    putSizeMax: dialect.putSizeMax,
    partSizeMin: dialect.partSizeMin,
    partSizeMax: dialect.partSizeMax,
    partCountMax: dialect.partCountMax,
  };
}

function metadataTraits({ metadata, headerPrefix }: S3Dialect): MetadataTraits {
  const { sizes, codec, ...traits } = metadata;
  return { ...traits, limits: limitsOf(sizes, codec, `${headerPrefix}meta-`) };
}

/**
 * Bytes that were compressed or decompressed on the way could not be distinguished from bytes that are
 * stored so. No signature covers the header: proxies change it, and Cloud Storage's own do.
 */
function asStored({ acceptEncoding }: S3Dialect): string[] {
  return ['accept-encoding', acceptEncoding];
}

const crcAsked = ['x-amz-checksum-mode', 'ENABLED'];

function readRequest(key: string, options: ReadOptions, dialect: S3Dialect): S3Request {
  const { range, versionId } = options;
  const headers = asStored(dialect);
  if (range !== undefined) headers.push('range', `bytes=${range.first}-${range.last}`);
  else if (dialect.crc64nvme) headers.push(...crcAsked);
  const ifMatch = ifMatchOf(options);
  if (ifMatch !== undefined) headers.push('if-match', ifMatch);
  const query = versionId === undefined ? '' : canonicalQuery({ versionId });
  return { operation: 'read', method: 'GET', key, query, headers };
}
