import { eachConcurrently } from '../../base/concurrently.ts';
import type { ObjectHead } from '../../model/object.ts';
import { storageTiers } from '../../model/storage-class.ts';
import { base64OfHex, headerOf } from '../../http/headers.ts';
import type { HttpReply } from '../../http/http.ts';
import { orLetGo } from '../../http/let-go.ts';
import { limitsOf } from '../metadata-limits.ts';
import { existsInstead } from '../refusals.ts';
import { ifMatchOf } from '../pin.ts';
import { type KeyReader, readObject, sizedHead } from '../reply-head.ts';
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
import { newUploadId } from './block-ids.ts';
import { type CopySource, copyWithin } from './copy.ts';
import { archiveStateOf, headReader, receiptOf } from './head.ts';
import { listPage } from './list.ts';
import { azurePutHeaders } from './put-headers.ts';
import { AzureUpload, listUploads } from './upload.ts';
import type { AzureRequest, AzureWire } from './wire.ts';

const REMOVE_CONCURRENCY = 8;
/** Of standard priority, which may take 15 hours; most take fewer. */
const RESTORE_CHECK_MS = 3_600_000;
/** Of what is not archived, and was when it was read. */
const ONLINE_CHECK_MS = 60_000;

/** One container of Azure Blob Storage. What it writes are block blobs; it reads any. */
export class AzureStore implements Store {
  readonly name: string;
  readonly traits: Traits;
  readonly #wire: AzureWire;

  constructor(wire: AzureWire) {
    this.name = wire.name;
    this.traits = traitsOf(wire);
    this.#wire = wire;
  }

  list(options: ListOptions, signal: AbortSignal): Promise<ListPage> {
    return listPage(this.#wire, options, signal);
  }

  async head(key: string, signal: AbortSignal): Promise<ObjectHead> {
    const request = { operation: 'head', method: 'HEAD', key } as const;
    const reply = await this.#wire.send(request, signal);
    return await sizedHead(reply, this.#keyReader(key, 'head', signal));
  }

  async read(key: string, options: ReadOptions, signal: AbortSignal): Promise<ObjectRead> {
    return await readObject(this.#keyReader(key, 'read', signal), options);
  }

  #keyReader(key: string, operation: 'head' | 'read', signal: AbortSignal): KeyReader {
    return {
      ...headReader(this.#wire, { operation, key }),
      send: (options) => this.#wire.send(readRequest(key, options), signal),
      head: () => this.head(key, signal),
      now: () => this.#wire.clock.now(),
    };
  }

  put(key: string, body: PutBody, options: PutOptions, signal: AbortSignal): Promise<PutReceipt> {
    return orLetGo(body, () => this.#put(key, body, options, signal));
  }

  /** https://learn.microsoft.com/rest/api/storageservices/put-blob */
  async #put(
    key: string,
    { content, size, md5 }: PutBody,
    options: PutOptions,
    signal: AbortSignal,
  ): Promise<PutReceipt> {
    const { name: store, dialect } = this.#wire;
    const put = { store, operation: 'put', key, traits: this.traits, dialect };
    const headers = ['x-ms-blob-type', 'BlockBlob', ...azurePutHeaders(put, options)];
    if (md5 !== undefined) {
      // The one is compared with what arrives, the other is kept; without, Azure computes it.
      const base64 = base64OfHex(md5);
      headers.push('content-md5', base64, 'x-ms-blob-content-md5', base64);
    }
    const request: AzureRequest = { operation: 'put', method: 'PUT', key, headers, content, size };
    let reply: HttpReply;
    try {
      reply = await this.#wire.send(request, signal);
    } catch (error) {
      throw options.mode === 'create' ? existsInstead(error) : error;
    }
    reply.body.discard();
    const etag = headerOf(reply.headers, 'etag');
    if (etag === undefined) throw this.#wire.badReply(request, 'an object without an ETag');
    return receiptOf(etag, reply.headers);
  }

  async startParts(key: string, options: PutOptions, signal: AbortSignal): Promise<PartUpload> {
    const { clock } = this.#wire;
    const upload = this.#upload(key, newUploadId(clock.now(), clock.random()), options);
    await upload.start(signal);
    return upload;
  }

  resumeParts(key: string, uploadId: string, options: PutOptions = {}): PartUpload {
    return this.#upload(key, uploadId, options);
  }

  listUploads(key: string, signal: AbortSignal): Promise<OpenUpload[]> {
    return listUploads(this.#wire, key, signal);
  }

  async remove(removals: readonly Removal[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    checkRemovals(this, removals);
    await eachConcurrently(removals, { concurrency: REMOVE_CONCURRENCY, signal }, (each, stop) =>
      this.#removeOne(each, stop),
    );
  }

  /** https://learn.microsoft.com/rest/api/storageservices/delete-blob */
  async #removeOne({ key, ifMatch }: Removal, signal: AbortSignal): Promise<void> {
    // A blob with snapshots is not deleted without them.
    const headers = ['x-ms-delete-snapshots', 'include'];
    if (ifMatch !== undefined) headers.push('if-match', ifMatch);
    try {
      const request: AzureRequest = { operation: 'remove', method: 'DELETE', key, headers };
      const reply = await this.#wire.send(request, signal);
      reply.body.discard();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.fault === 'not-found') return;
      // Azurite says so of a blob that is gone, too; what Azure says of it is not documented.
      if (error.fault === 'changed' && (await this.#isGone(key, signal))) return;
      throw error;
    }
  }

  async #isGone(key: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.head(key, signal);
      return false;
    } catch (error) {
      if (error instanceof StoreError && error.fault === 'not-found') return true;
      throw error;
    }
  }

  copy(from: CopySource, key: string, signal: AbortSignal): Promise<PutReceipt> {
    return copyWithin(this.#wire, this.traits, { from, key }, signal);
  }

  /**
   * Moves the object out of the archive for good: Azure thaws nothing for days.
   *
   * @see https://learn.microsoft.com/rest/api/storageservices/set-blob-tier
   */
  async restore(
    key: string,
    _options: { readonly days: number },
    signal: AbortSignal,
  ): Promise<{ readonly checkAfterMs: number }> {
    const { dialect } = this.#wire;
    const looked = await this.#wire.send({ operation: 'restore', method: 'HEAD', key }, signal);
    const state = archiveStateOf(looked.headers, dialect);
    // The request would move what is not archived to another tier, too.
    if (state === 'online') return { checkAfterMs: ONLINE_CHECK_MS };
    if (state === 'thawing') return { checkAfterMs: RESTORE_CHECK_MS };
    const headers = ['x-ms-access-tier', 'Hot', 'x-ms-rehydrate-priority', 'Standard'];
    try {
      const reply = await this.#wire.send(
        { operation: 'restore', method: 'PUT', key, query: { comp: 'tier' }, headers },
        signal,
      );
      reply.body.discard();
    } catch (error) {
      const code = error instanceof StoreError ? error.details.cloudCode : undefined;
      if (code !== 'BlobBeingRehydrated') throw error;
    }
    return { checkAfterMs: RESTORE_CHECK_MS };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wire[Symbol.asyncDispose]();
  }

  #upload(key: string, id: string, options: PutOptions): AzureUpload {
    return new AzureUpload({ wire: this.#wire, traits: this.traits }, key, id, options);
  }
}

function traitsOf({ cloud, dialect }: AzureWire): Traits {
  return {
    cloud,
    row: dialect.cloud,
    crc64: false,
    crc64nvme: true,
    checksMd5: true,
    // Its answers report the checksums that it computed itself.
    checksMd5OfStreams: false,
    conditionalPut: true,
    conditionalPutVersioned: true,
    // A listing continues only from its own marker; `startFrom` came with version 2026-02-06, whose rules
    // (the key itself included, which order) are not documented yet.
    listsFromKey: false,
    // An ETag names a write: https://learn.microsoft.com/rest/api/storageservices/list-blobs
    listsChecksums: false,
    serverSideCopy: true,
    // https://learn.microsoft.com/rest/api/storageservices/copy-blob-from-url: x-ms-source-if-match.
    conditionalCopy: true,
    // https://learn.microsoft.com/rest/api/storageservices/delete-blob: If-Match.
    conditionalRemove: true,
    restore: true,
    // https://learn.microsoft.com/rest/api/storageservices/get-blob: x-ms-access-tier is not in it.
    readTellsClass: false,
    tierOf: (storageClass) => dialect.classes.get(storageClass)?.tier,
    // Encryption with one's own keys is set for an account, or for a scope that an operator makes.
    kms: false,
    kmsNeedsTls: false,
    tiers: storageTiers,
    // Of what is not ASCII it is not documented how it is signed and read.
    metadata: {
      names: 'identifier',
      contentHeaders: dialect.contentHeaders,
      contentHeaderValues: 'ascii',
      limits: limitsOf(dialect.metadataSizes, 'percent', 'x-ms-meta-'),
    },
    putSizeMax: dialect.putSizeMax,
    // Block by block where one request does not do.
    copySizeMax: dialect.partSizeMax * dialect.partCountMax,
    partSizeMin: 1,
    partSizeMax: dialect.partSizeMax,
    partCountMax: dialect.partCountMax,
  };
}

function readRequest(key: string, options: ReadOptions) {
  const { range, versionId } = options;
  // Bytes that a proxy compressed could not be distinguished from bytes that are stored compressed.
  const headers = ['accept-encoding', 'identity'];
  if (range !== undefined) headers.push('range', `bytes=${range.first}-${range.last}`);
  const ifMatch = ifMatchOf(options);
  if (ifMatch !== undefined) headers.push('if-match', ifMatch);
  const query = { versionid: versionId };
  return { operation: 'read', method: 'GET', key, query, headers } as const;
}
