import { createHash } from 'node:crypto';
import { type Clock, systemClock } from '../../src/platform/base/clock.ts';
import { GiB } from '../../src/platform/base/bytes.ts';
import { startCrc64 } from '../../src/platform/base/crc64.ts';
import type { Fault } from '../../src/platform/model/fault.ts';
import {
  contentHeaderNames,
  type ObjectEntry,
  type ObjectHead,
} from '../../src/platform/model/object.ts';
import { storageTiers } from '../../src/platform/model/storage-class.ts';
import { orLetGo } from '../../src/platform/http/let-go.ts';
import { faultOfKey } from '../../src/platform/stores/keys.ts';
import { differenceFrom } from '../../src/platform/stores/pin.ts';
import { checkPutOptions } from '../../src/platform/stores/put-options.ts';
import { checkRemovals } from '../../src/platform/stores/removals.ts';
import type {
  ListOptions,
  ListPage,
  ObjectRead,
  OpenUpload,
  PartReceipt,
  PartUpload,
  PutOptions,
  PutReceipt,
  ReadOptions,
  Removal,
  Store,
  Traits,
} from '../../src/platform/stores/store.ts';
import type { PutBody } from '../../src/platform/http/bodies.ts';
import { StoreError } from '../../src/platform/model/store-error.ts';
import { memoryBody } from './memory-body.ts';
import { type StoredObject, StoredObjects } from './stored-objects.ts';

interface StoredUpload extends OpenUpload {
  readonly options: PutOptions;
  readonly parts: Map<number, { readonly bytes: Uint8Array; readonly receipt: PartReceipt }>;
}

export interface MemoryOptions {
  readonly name?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly traits?: Partial<Traits> | undefined;
}

const PAGE_MAX = 1000;

/** A bucket in memory: the reference of what `Store` promises, and a stand-in in tests. */
export class MemoryStore implements Store {
  readonly name: string;
  readonly traits: Traits;
  readonly objects = new StoredObjects();
  readonly openUploads = new Map<string, StoredUpload>();
  readonly #clock: Clock;
  #uploads = 0;
  #versions = 0;

  constructor({ name = 'memory:bucket', clock = systemClock, traits }: MemoryOptions = {}) {
    this.name = name;
    this.#clock = clock;
    this.traits = {
      cloud: 'memory',
      row: 'memory',
      crc64: true,
      crc64nvme: false,
      checksMd5: true,
      checksMd5OfStreams: true,
      conditionalPut: true,
      conditionalPutVersioned: true,
      listsFromKey: true,
      listsChecksums: true,
      serverSideCopy: true,
      conditionalCopy: true,
      conditionalRemove: true,
      copySizeMax: Number.POSITIVE_INFINITY,
      restore: true,
      readTellsClass: true,
      tierOf: (storageClass) => storageTiers.find((tier) => tier === storageClass),
      kms: true,
      kmsNeedsTls: false,
      tiers: storageTiers,
      metadata: { names: 'token', contentHeaders: contentHeaderNames },
      putSizeMax: 5 * GiB,
      partSizeMin: 1,
      partSizeMax: 5 * GiB,
      partCountMax: 10_000,
      ...traits,
    };
  }

  async list(options: ListOptions, signal: AbortSignal): Promise<ListPage> {
    signal.throwIfAborted();
    const { prefix = '', after, limit = PAGE_MAX } = options;
    const found = this.objects.keysOf(prefix, after, Math.min(limit, PAGE_MAX) + 1);
    const page = found.slice(0, Math.min(limit, PAGE_MAX));
    const entries = page.map((key) => entryOf(this.#object('list', key).head));
    return { entries, next: page.length < found.length ? page.at(-1) : undefined };
  }

  async head(key: string, signal: AbortSignal): Promise<ObjectHead> {
    signal.throwIfAborted();
    return this.#object('head', key).head;
  }

  async read(key: string, options: ReadOptions, signal: AbortSignal): Promise<ObjectRead> {
    signal.throwIfAborted();
    const { range, pin, versionId } = options;
    const { head: stored, bytes, archived } = this.#object('read', key);
    if (archived) throw this.#error('archived', 'read', key);
    if (versionId !== undefined && versionId !== stored.versionId) {
      throw this.#error('not-found', 'read', key);
    }
    if (pin !== undefined && differenceFrom(pin, stored) !== undefined) {
      throw this.#error('changed', 'read', key);
    }
    const ofClass = this.traits.readTellsClass ? {} : { storageClass: undefined, tier: undefined };
    const told = { ...stored, ...ofClass };
    if (range === undefined) return { head: told, body: memoryBody(bytes, signal) };
    if (range.first >= bytes.length) throw this.#error('refused', 'read', key);
    const wanted = bytes.subarray(range.first, range.last + 1);
    const head = { ...told, crc64: undefined, crc64nvme: undefined };
    return { head, body: memoryBody(wanted, signal) };
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
    signal.throwIfAborted();
    this.#check('put', key, options);
    const bytes = await this.#collect('put', key, body, signal);
    const md5 = this.#verified('put', key, bytes, body);
    if (options.mode === 'create' && this.objects.has(key)) {
      throw this.#error('exists', 'put', key);
    }
    return await this.#store(key, bytes, `"${md5}"`, options);
  }

  async startParts(key: string, options: PutOptions, signal: AbortSignal): Promise<PartUpload> {
    signal.throwIfAborted();
    this.#check('startParts', key, options);
    this.#uploads += 1;
    const id = `upload-${this.#uploads}`;
    this.openUploads.set(id, { key, id, startedAt: this.#clock.now(), options, parts: new Map() });
    return this.#upload(key, id);
  }

  resumeParts(key: string, uploadId: string): PartUpload {
    return this.#upload(key, uploadId);
  }

  async listUploads(key: string, signal: AbortSignal): Promise<OpenUpload[]> {
    signal.throwIfAborted();
    return [...this.openUploads.values()]
      .filter((upload) => upload.key === key)
      .map(({ id, startedAt }) => ({ key, id, startedAt }));
  }

  async remove(removals: readonly Removal[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    checkRemovals(this, removals);
    for (const { key } of removals) this.#check('remove', key);
    for (const { key, ifMatch } of removals) {
      const etag = this.objects.get(key)?.head.etag;
      if (ifMatch !== undefined && etag !== undefined && ifMatch !== etag) {
        throw this.#error('changed', 'remove', key);
      }
      this.objects.delete(key);
    }
  }

  async copy(
    from: { readonly bucket: string; readonly key: string; readonly ifMatch?: string | undefined },
    key: string,
    signal: AbortSignal,
  ): Promise<PutReceipt> {
    signal.throwIfAborted();
    this.#check('copy', key);
    // Its own bucket is the only one that it knows, by whatever name.
    const { head, bytes, archived } = this.#object('copy', from.key);
    if (archived) throw this.#error('archived', 'copy', key);
    if (from.ifMatch !== undefined && from.ifMatch !== head.etag) {
      throw this.#error('changed', 'copy', key);
    }
    return await this.#store(key, bytes, `"${md5Of(bytes)}"`, head);
  }

  async restore(
    key: string,
    _options: { readonly days: number },
    signal: AbortSignal,
  ): Promise<{ readonly checkAfterMs: number }> {
    signal.throwIfAborted();
    this.#object('restore', key).archived = false;
    return { checkAfterMs: 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.objects.clear();
    this.openUploads.clear();
  }

  #upload(key: string, id: string): PartUpload {
    let settled = false;
    return {
      id,
      putPart: (number, body, signal) =>
        orLetGo(body, async () => {
          signal.throwIfAborted();
          const { parts } = this.#openUpload('putPart', key, id);
          const bytes = await this.#collect('putPart', key, body, signal);
          const md5 = this.#verified('putPart', key, bytes, body);
          const receipt = { number, ...(await this.#receipt(bytes, `"${md5}"`)) };
          parts.set(number, { bytes, receipt });
          return receipt;
        }),
      listParts: async (signal) => {
        signal.throwIfAborted();
        return [...this.#openUpload('listParts', key, id).parts.entries()]
          .sort(([a], [b]) => a - b)
          .map(([number, { bytes, receipt }]) => ({
            number,
            size: bytes.length,
            etag: receipt.etag,
          }));
      },
      complete: async (parts, signal) => {
        signal.throwIfAborted();
        const receipt = await this.#complete(key, id, parts);
        settled = true;
        return receipt;
      },
      detach: () => {
        settled = true;
      },
      abort: async (signal) => {
        signal.throwIfAborted();
        this.openUploads.delete(id);
        settled = true;
      },
      [Symbol.asyncDispose]: async () => {
        if (!settled) this.openUploads.delete(id);
      },
    };
  }

  async #complete(
    key: string,
    id: string,
    parts: readonly { readonly number: number; readonly etag: string }[],
  ): Promise<PutReceipt> {
    const upload = this.#openUpload('complete', key, id);
    const found = parts.map(({ number, etag }, at) => {
      const part = upload.parts.get(number);
      const inOrder = at === 0 || (parts[at - 1]?.number ?? 0) < number;
      if (part?.receipt.etag !== etag || !inOrder) throw this.#error('corrupt', 'complete', key);
      const small = part.bytes.length < this.traits.partSizeMin && at < parts.length - 1;
      if (small) throw this.#error('refused', 'complete', key);
      return part;
    });
    if (found.length === 0) throw this.#error('refused', 'complete', key);
    if (upload.options.mode === 'create' && this.objects.has(key)) {
      throw this.#error('exists', 'complete', key);
    }
    const md5s = createHash('md5');
    for (const { receipt } of found) md5s.update(receipt.md5 ?? '', 'hex');
    const bytes = Buffer.concat(found.map((part) => part.bytes));
    this.openUploads.delete(id);
    const etag = `"${md5s.digest('hex')}-${found.length}"`;
    return await this.#store(key, bytes, etag, upload.options);
  }

  async #store(
    key: string,
    bytes: Uint8Array,
    etag: string,
    options: PutOptions,
  ): Promise<PutReceipt> {
    const receipt = await this.#receipt(bytes, etag);
    this.#versions += 1;
    const head: ObjectHead = {
      key,
      size: bytes.length,
      etag,
      lastModified: Math.floor(this.#clock.now() / 1000) * 1000,
      contentType: options.contentType ?? 'application/octet-stream',
      contentHeaders: { ...options.contentHeaders },
      userMetadata: { ...options.userMetadata },
      storageClass: options.tier,
      tier: options.tier,
      md5: receipt.md5,
      crc64: receipt.crc64,
      crc64nvme: receipt.crc64nvme,
      encryption: options.kms === true ? 'kms' : undefined,
      versionId: `v${this.#versions}`,
    };
    this.objects.set(key, { head, bytes, archived: archivedTiers.has(options.tier) });
    return { ...receipt, encryption: head.encryption, versionId: head.versionId };
  }

  async #receipt(bytes: Uint8Array, etag: string): Promise<PutReceipt> {
    const plain = /^"([\da-f]{32})"$/.exec(etag)?.[1];
    const crcOf = async (kind: 'crc64' | 'crc64nvme') =>
      this.traits[kind] ? (await startCrc64(kind)).update(bytes).digest() : undefined;
    const crcs = { crc64: await crcOf('crc64'), crc64nvme: await crcOf('crc64nvme') };
    return { etag, md5: plain, ...crcs, encryption: undefined, date: this.#clock.now() };
  }

  async #collect(
    operation: string,
    key: string,
    { content, size }: PutBody,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const piece of content instanceof Uint8Array ? [content] : content) {
      signal.throwIfAborted();
      pieces.push(piece);
    }
    const bytes = Buffer.concat(pieces); // A copy: the caller may use its own buffer again.
    if (bytes.length !== size) throw this.#error('interrupted', operation, key);
    return bytes;
  }

  #verified(operation: string, key: string, bytes: Uint8Array, { md5 }: PutBody): string {
    const actual = md5Of(bytes);
    if (md5 !== undefined && md5 !== actual && this.traits.checksMd5) {
      throw this.#error('corrupt', operation, key);
    }
    return actual;
  }

  #object(operation: string, key: string): StoredObject {
    this.#check(operation, key);
    const object = this.objects.get(key);
    if (object === undefined) throw this.#error('not-found', operation, key);
    return object;
  }

  #openUpload(operation: string, key: string, id: string): StoredUpload {
    const upload = this.openUploads.get(id);
    if (upload?.key !== key) throw this.#error('not-found', operation, key);
    return upload;
  }

  #check(operation: string, key: string, options: PutOptions = {}): void {
    if (faultOfKey(key, 'bytes') !== undefined) throw this.#error('refused', operation, key);
    checkPutOptions(options, this.traits, { store: this.name, operation, key });
  }

  #error(fault: Fault, operation: string, key: string): StoreError {
    return new StoreError(fault, { store: this.name, operation, key });
  }
}

const archivedTiers: ReadonlySet<PutOptions['tier']> = new Set([
  'ARCHIVE',
  'DEEP_ARCHIVE',
] as const);

function entryOf({ key, size, etag, lastModified, storageClass }: ObjectHead): ObjectEntry {
  return { key, size, etag, lastModified, storageClass };
}

function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}
