import { createHash } from 'node:crypto';
import type { ChecksumName, ChecksumType } from './checksums.ts';
import { allBytes, type Content, heldContent, sevens } from './content.ts';
import { KeyIndex } from './key-index.ts';

/** How an object is encrypted, as the client requested. */
export interface Encryption {
  readonly algorithm: 'AES256' | 'aws:kms' | 'customer';
  readonly kmsKeyId?: string | undefined;
  /** Base64; of the customer's key. */
  readonly keyMd5?: string | undefined;
}

export interface Restore {
  readonly ongoing: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly expiry: number;
  /** How and when the restore was requested, if that is known. */
  readonly asked?: { readonly tier: string; readonly at: number };
}

/** What describes an object beside its bytes. */
export interface ObjectTraits {
  /** `content-type` and the other content headers, in lower case. */
  readonly contentHeaders: Readonly<Record<string, string>>;
  /** Without the prefix. */
  readonly userMetadata: Readonly<Record<string, string>>;
  /** In S3's words; those of the other faces are their rows'. */
  readonly storageClass: string;
  readonly tags: readonly (readonly [key: string, value: string])[];
  readonly encryption: Encryption | undefined;
  /** As the clouds name it that can append to objects; undefined for what was put. */
  readonly objectType: string | undefined;
}

/** One version of an object, or a delete marker. */
export interface Version extends ObjectTraits {
  readonly key: string;
  readonly versionId: string;
  readonly deleteMarker: boolean;
  readonly content: Content;
  /** Without quotes. */
  readonly etag: string;
  /** Milliseconds since the Unix epoch, in whole seconds. */
  lastModified: number;
  readonly crc64: string | undefined;
  readonly checksums: Readonly<Partial<Record<ChecksumName, string>>>;
  readonly checksumType: ChecksumType;
  /** Bytes of each part, where the object was put in parts. */
  readonly partSizes: readonly number[] | undefined;
  restore: Restore | undefined;
  older: Version | undefined;
}

/** The properties of a new version that its writer specifies; the bucket adds the others. */
export type NewVersion = Pick<Version, 'key' | 'content' | 'etag'> &
  Partial<
    Pick<Version, 'crc64' | 'checksums' | 'checksumType' | 'partSizes' | 'lastModified'> &
      ObjectTraits
  >;

export interface UploadPart {
  readonly number: number;
  readonly content: Content;
  readonly etag: string;
  readonly md5: string;
  readonly crc64: string | undefined;
  readonly checksums: Readonly<Partial<Record<ChecksumName, string>>>;
  readonly lastModified: number;
}

/** A multipart upload in progress. */
export interface Upload {
  readonly key: string;
  readonly uploadId: string;
  readonly startedAt: number;
  readonly traits: ObjectTraits;
  readonly checksumAlgorithm: ChecksumName | undefined;
  readonly checksumType: ChecksumType;
  readonly parts: Map<number, UploadPart>;
}

export type Versioning = 'Enabled' | 'Suspended' | undefined;

const plainTraits: ObjectTraits = {
  contentHeaders: { 'content-type': 'binary/octet-stream' },
  userMetadata: {},
  storageClass: 'STANDARD',
  tags: [],
  encryption: undefined,
  objectType: undefined,
};

/** The properties that a test can give an object that it puts directly. */
export interface SeedOptions {
  readonly contentHeaders?: Readonly<Record<string, string>>;
  readonly userMetadata?: Readonly<Record<string, string>>;
  /** In S3's words. */
  readonly storageClass?: string;
  readonly tags?: readonly (readonly [key: string, value: string])[];
  /** Milliseconds since the Unix epoch. */
  readonly lastModified?: number;
  readonly encryption?: Encryption;
  /** `Appendable`, say. */
  readonly objectType?: string;
  /** Without quotes; by default what the cloud makes of the bytes. */
  readonly etag?: string;
  /** CRC-64/XZ as an unsigned decimal; by default none, as of objects older than the feature. */
  readonly crc64?: string;
}

export interface BucketOptions {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** The ETag of an object put in one piece, from its MD5 in hex; by default that itself. */
  readonly etag?: (md5: string, content: Content, options: SeedOptions) => string;
}

/** One bucket. Tests may look at it and put objects into it without a request. */
export class Bucket {
  readonly name: string;
  readonly createdAt: number;
  readonly uploads = new Map<string, Upload>();
  versioning: Versioning;
  /** How objects are encrypted that no request says it of. */
  encryption: Encryption | undefined;
  /** Whether a default retention of Object Lock is set: then writes must carry a checksum. */
  objectLock = false;
  readonly #now: () => number;
  readonly #etag: NonNullable<BucketOptions['etag']>;
  readonly #latest = new Map<string, Version>();
  readonly #index = new KeyIndex();
  #sequence = 0;

  constructor(name: string, { now, etag = (md5) => md5 }: BucketOptions) {
    this.name = name;
    this.createdAt = now();
    this.#now = now;
    this.#etag = etag;
  }

  /** Puts an object as a client would, at once and without a request. */
  put(key: string, bytes: Uint8Array | string, options: SeedOptions = {}): Version {
    const held = Buffer.from(bytes);
    const content = heldContent([held]);
    const etag = this.#etag(createHash('md5').update(held).digest('hex'), content, options);
    return this.add(seeded({ key, etag, content }, options));
  }

  /** Puts an object of `size` sevens that takes no memory. */
  fill(key: string, size: number, options: SeedOptions = {}): Version {
    const content = sevens(size);
    const etag = this.#etag(md5OfSevens(size), content, options);
    return this.add(seeded({ key, etag, content }, options));
  }

  /** The latest version; a delete marker counts as nothing. */
  object(key: string): Version | undefined {
    const latest = this.#latest.get(key);
    return latest?.deleteMarker === true ? undefined : latest;
  }

  /** The bytes of the latest version, in one piece. */
  bytes(key: string): Buffer | undefined {
    const found = this.object(key);
    return found && allBytes(found.content);
  }

  /** The keys that a listing shows, in its order. */
  keys(prefix = ''): string[] {
    return this.sortedKeys().filter((key) => key.startsWith(prefix) && this.object(key));
  }

  /** Every version of a key, delete markers included, the latest first. */
  versions(key: string): Version[] {
    const found: Version[] = [];
    for (let at = this.#latest.get(key); at !== undefined; at = at.older) found.push(at);
    return found;
  }

  /** Every key with a version, and perhaps some that have none any more. */
  sortedKeys(): readonly string[] {
    return this.#index.sorted((key) => this.#latest.has(key));
  }

  isEmpty(): boolean {
    return this.#latest.size === 0;
  }

  add(fields: NewVersion): Version {
    return this.#push({
      ...plainTraits,
      crc64: undefined,
      checksums: {},
      checksumType: 'FULL_OBJECT',
      partSizes: undefined,
      ...fields,
      lastModified: wholeSeconds(fields.lastModified ?? this.#now()),
      versionId: this.#nextVersionId(),
      deleteMarker: false,
      restore: undefined,
      older: undefined,
    });
  }

  /** Deletes as a client would: in a bucket with versions, by a marker, which is returned. */
  delete(key: string): Version | undefined {
    if (this.versioning === undefined) {
      this.removeVersion(key, 'null');
      return undefined;
    }
    return this.#push({
      ...plainTraits,
      key,
      versionId: this.#nextVersionId(),
      deleteMarker: true,
      content: heldContent([]),
      etag: '',
      lastModified: wholeSeconds(this.#now()),
      crc64: undefined,
      checksums: {},
      checksumType: 'FULL_OBJECT',
      partSizes: undefined,
      restore: undefined,
      older: undefined,
    });
  }

  /** Removes one version for good, and returns it. */
  removeVersion(key: string, versionId: string): Version | undefined {
    const chain = this.versions(key);
    const found = chain.find((version) => version.versionId === versionId);
    if (found !== undefined)
      this.#rechain(
        key,
        chain.filter((version) => version !== found),
      );
    return found;
  }

  /** Changes a version's fields in place, as tagging does: neither ETag nor time moves. */
  amend(
    version: Version,
    changes: Partial<Pick<Version, 'tags' | 'restore' | 'lastModified'>>,
  ): void {
    Object.assign(version, changes);
  }

  /** Ends the thawing of an archived object whose restore a client requested. */
  finishRestore(key: string): void {
    const found = this.object(key);
    if (found?.restore === undefined) throw new RangeError(`${key}: no restore was requested`);
    found.restore = { ...found.restore, ongoing: false };
  }

  /** The uploads in progress, in the order in which they were begun. */
  openUploads(): Upload[] {
    return [...this.uploads.values()];
  }

  #push(version: Version): Version {
    const known = this.#latest.get(version.key);
    if (known === undefined) this.#index.add(version.key);
    if (version.versionId === 'null' && known !== undefined) {
      const kept = this.versions(version.key).filter((other) => other.versionId !== 'null');
      this.#rechain(version.key, [version, ...kept]);
    } else {
      version.older = known;
      this.#latest.set(version.key, version);
    }
    return version;
  }

  #rechain(key: string, chain: readonly Version[]): void {
    chain.forEach((version, i) => (version.older = chain[i + 1]));
    const [latest] = chain;
    if (latest !== undefined) {
      this.#latest.set(key, latest);
    } else if (this.#latest.delete(key)) {
      this.#index.remove();
    }
  }

  #nextVersionId(): string {
    if (this.versioning !== 'Enabled') return 'null';
    this.#sequence += 1;
    return `v${this.#sequence.toString(36).padStart(10, '0')}`;
  }
}

/** S3 keeps whole seconds. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

function seeded(fields: NewVersion, { contentHeaders, ...options }: SeedOptions): NewVersion {
  const type = { 'content-type': 'binary/octet-stream' };
  return { ...fields, ...options, contentHeaders: { ...type, ...contentHeaders } };
}

const knownSevens = new Map<number, string>();

function md5OfSevens(size: number): string {
  let md5 = knownSevens.get(size);
  if (md5 === undefined) {
    const hash = createHash('md5');
    for (const piece of sevens(size).pieces(0, size)) hash.update(piece);
    md5 = hash.digest('hex');
    knownSevens.set(size, md5);
  }
  return md5;
}
