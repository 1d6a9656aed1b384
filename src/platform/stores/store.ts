import type { PutBody, ReadBody } from '../http/bodies.ts';
import type {
  ByteRange,
  ContentHeaders,
  ObjectEncryption,
  ObjectEntry,
  ObjectHead,
  ObjectPin,
} from '../model/object.ts';
import type { MetadataTraits } from '../model/metadata.ts';
import type { StorageTier } from '../model/storage-class.ts';
import type { Checksums } from '../model/checksums.ts';
import type { RetryBudget } from './retry-budget.ts';
import type { StoreError } from '../model/store-error.ts';

/** What this store can do. Callers and tests decide by these traits, never by a cloud's name. */
export interface Traits {
  /** The cloud, in OMS's spelling: for messages, never for decisions. */
  readonly cloud: string;
  /** Whose facts it goes by, which is often the cloud itself: for messages too. */
  readonly row: string;
  /** Heads and receipts carry a CRC-64/XZ that the store computed itself. */
  readonly crc64: boolean;
  /** Receipts of what came without an MD5 carry a CRC-64/NVME that the store computed itself. */
  readonly crc64nvme: boolean;
  /** A put whose bytes do not match its `md5` is refused, and leaves nothing behind. */
  readonly checksMd5: boolean;
  /** So is a stream, whose MD5 is computed and sent before it where `md5First` is set. */
  readonly checksMd5OfStreams: boolean;
  /** The mode `create` is honoured, at least by buckets that keep no versions. */
  readonly conditionalPut: boolean;
  /** And by buckets that keep versions. */
  readonly conditionalPutVersioned: boolean;
  /** Whether `after` may be any key; if not, only the `next` of a page. */
  readonly listsFromKey: boolean;
  /**
   * An ETag in a listing that looks like an MD5, or like that of parts, is one unless the object is encrypted: equal
   * ones prove equal bytes, and different ones are a reason to look at the heads.
   */
  readonly listsChecksums: boolean;
  readonly serverSideCopy: boolean;
  /**
   * `ifMatch` of a copy is heeded. The answer to a copy does not name the object that was copied, so where
   * this is not known, a copy with `ifMatch` fails with `unsupported`.
   */
  readonly conditionalCopy: boolean;
  /** `ifMatch` of a removal is honoured; where it is not, a removal with `ifMatch` fails with `unsupported`. */
  readonly conditionalRemove: boolean;
  /** Bytes of one copy. */
  readonly copySizeMax: number;
  readonly restore: boolean;
  /** The head of a read names the class; if not, only `head` does. */
  readonly readTellsClass: boolean;
  /** What a class is in OMS's words; undefined where it is not known. */
  readonly tierOf: (storageClass: string) => StorageTier | undefined;
  /** Puts with `kms` are honoured. */
  readonly kms: boolean;
  /** They are not, and would be by HTTPS. */
  readonly kmsNeedsTls: boolean;
  /** The tiers that a put can name. */
  readonly tiers: readonly StorageTier[];
  readonly metadata: MetadataTraits;
  /** Bytes of one put. */
  readonly putSizeMax: number;
  /** Bytes; every part but the last must reach it. */
  readonly partSizeMin: number;
  readonly partSizeMax: number;
  readonly partCountMax: number;
}

/**
 * What a put does to an object that has the key already: replaces it, or leaves it and fails with `exists`.
 * `create` is `unsupported` without the trait `conditionalPut`.
 */
export type PutMode = 'overwrite' | 'create';

/** What is written beside the bytes. */
export interface PutOptions {
  readonly contentType?: string | undefined;
  readonly contentHeaders?: ContentHeaders | undefined;
  /** Names in lower case, without prefix; values as text, the adapter encodes what it must. */
  readonly userMetadata?: Readonly<Record<string, string>> | undefined;
  /** Undefined leaves it to the bucket. One that is not among the traits' `tiers` is `unsupported`. */
  readonly tier?: StorageTier | undefined;
  /** Encrypt with the default key of the store's key service; only where the trait says so. */
  readonly kms?: boolean | undefined;
  /** Undefined is `overwrite`. */
  readonly mode?: PutMode | undefined;
  /** No layer sends it again: the caller must look at the key before another put. */
  readonly once?: boolean | undefined;
  /** Called by a layer that sends it again after this failure. */
  readonly onRepeat?: ((failure: StoreError) => void) | undefined;
}

/** What the store says of the bytes it has just taken: of the MD5 only where its ETag is known to be it. */
export interface PutReceipt extends Checksums {
  readonly etag: string;
  /** Undefined where the answer does not say. */
  readonly encryption: ObjectEncryption | undefined;
  /** What its class is in OMS's words. Undefined where the answer names none, or one that is not known. */
  readonly tier?: StorageTier | undefined;
  /** The store's own clock, milliseconds since the Unix epoch: the object is no older. */
  readonly date: number | undefined;
  /** Undefined where the bucket keeps no versions, or the answer does not name it. */
  readonly versionId?: string | undefined;
}

export interface PartReceipt extends PutReceipt {
  /** Counts from 1. */
  readonly number: number;
}

export interface UploadedPart {
  readonly number: number;
  readonly size: number;
  readonly etag: string;
}

/**
 * A multipart upload in progress. Disposing of one that was neither completed nor detached aborts
 * it; nothing of it is visible before `complete`.
 */
export interface PartUpload extends AsyncDisposable {
  readonly id: string;
  /** Parts may be put in any order, and again after a failure. */
  putPart(number: number, body: PutBody, signal: AbortSignal): Promise<PartReceipt>;
  /** What the store holds of this upload, in order of the numbers. */
  listParts(signal: AbortSignal): Promise<UploadedPart[]>;
  /** Publishes the object. Not repeatable everywhere: after a failure, look at the key. */
  complete(
    parts: readonly { readonly number: number; readonly etag: string }[],
    signal: AbortSignal,
  ): Promise<PutReceipt>;
  /** Leaves the upload at the store, to be resumed by its ID: disposing no longer aborts. */
  detach(): void;
  /** Removes the upload and its parts; an upload that is already gone is not an error. */
  abort(signal: AbortSignal): Promise<void>;
}

/** An object to remove. */
export interface Removal {
  readonly key: string;
  /** The ETag that the object must have: another object under the key stays, and the call fails with `changed`. */
  readonly ifMatch?: string | undefined;
}

export interface OpenUpload {
  readonly key: string;
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

export interface ListPage {
  readonly entries: readonly ObjectEntry[];
  /** Pass as `after` to continue; absent on the last page. */
  readonly next: string | undefined;
}

export interface ListOptions {
  readonly prefix?: string | undefined;
  readonly after?: string | undefined;
  /** At most this many entries; the store may give fewer. */
  readonly limit?: number | undefined;
  /** Takes pages in whatever order the store has. `after` and `next` then are the store's own tokens, not keys. */
  readonly anyOrder?: boolean | undefined;
  /** It is for a scan: its requests have a pace of their own, and all others of the account go first. */
  readonly forScan?: boolean | undefined;
}

export interface ReadOptions {
  readonly range?: ByteRange | undefined;
  /**
   * The object that was looked at: a read of any other object under the key fails with `changed`.
   * The answer decides, whether or not the store heeds the condition that is sent along.
   */
  readonly pin?: ObjectPin | undefined;
  /** Sends no condition along with the pin: the answer alone decides. */
  readonly unconditional?: boolean | undefined;
  /** What the layers draw from to try again; a budget of this call alone unless given. */
  readonly budget?: RetryBudget | undefined;
  /** No layer sends it again, with the condition or without. */
  readonly once?: boolean | undefined;
  /** A read that is not said to be of this version fails with `changed`. */
  readonly versionId?: string | undefined;
}

/** A read's head and body, from one answer. With a range, `head.size` is still the whole object's. */
export interface ObjectRead {
  readonly head: ObjectHead;
  readonly body: ReadBody;
}

/** The operations of a store and of its uploads: a closed list, for metrics. */
export type Operation =
  | 'list'
  | 'head'
  | 'read'
  | 'put'
  | 'startParts'
  | 'putPart'
  | 'listParts'
  | 'complete'
  | 'abort'
  | 'listUploads'
  | 'remove'
  | 'copy'
  | 'restore';

/**
 * One bucket of one cloud.
 *
 * Every method rejects with a {@link StoreError} and nothing else, except that an aborted `signal`
 * rejects with `signal.reason` and a put rejects with its own stream's error. No method retries,
 * waits or logs: layers do that. The traits say what a store lacks, and a request for it fails with
 * `unsupported`.
 */
export interface Store extends AsyncDisposable {
  /** For messages: `Aliyun:my-bucket`. Never holds a secret. */
  readonly name: string;
  readonly traits: Traits;

  /**
   * Entries in the order of their keys' UTF-8 bytes, each page behind the one before it; a store that lists
   * in another order fails with `out-of-order`, unless `anyOrder` allows it.
   */
  list(options: ListOptions, signal: AbortSignal): Promise<ListPage>;
  head(key: string, signal: AbortSignal): Promise<ObjectHead>;
  /**
   * A body that is cut short or stalls fails with `interrupted` while it is read. A store that answers
   * a range with the whole of an object that has more bytes fails the read with `unsupported`.
   */
  read(key: string, options: ReadOptions, signal: AbortSignal): Promise<ObjectRead>;
  /** All or nothing: a put that fails leaves what was under the key before. */
  put(key: string, body: PutBody, options: PutOptions, signal: AbortSignal): Promise<PutReceipt>;
  startParts(key: string, options: PutOptions, signal: AbortSignal): Promise<PartUpload>;
  /**
   * Takes up an upload by its ID; says nothing to the store until used. To complete it, give the
   * options that it was started with: some stores keep them from the start, others take them with
   * the end, and the mode `create` is a condition of the end everywhere.
   */
  resumeParts(key: string, uploadId: string, options?: PutOptions): PartUpload;
  /** The uploads in progress under exactly this key. */
  listUploads(key: string, signal: AbortSignal): Promise<OpenUpload[]>;
  /** Removes objects; an object that is already gone is not an error. */
  remove(removals: readonly Removal[], signal: AbortSignal): Promise<void>;
  /** Copies within the service, without the bytes passing through here. `from` names its bucket. */
  copy(
    from: { readonly bucket: string; readonly key: string; readonly ifMatch?: string | undefined },
    key: string,
    signal: AbortSignal,
  ): Promise<PutReceipt>;
  /**
   * Requests to restore an archived object for `days`; a restore in progress is not an error.
   *
   * @returns When it is worth looking again, milliseconds from now.
   */
  restore(
    key: string,
    options: { readonly days: number },
    signal: AbortSignal,
  ): Promise<{ readonly checkAfterMs: number }>;
}
