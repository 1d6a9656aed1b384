import type { CloudType } from '../../model/cloud.ts';
import type { Fault } from '../../model/fault.ts';
import type { MetadataNames } from '../../model/metadata.ts';
import type { ContentHeaderName } from '../../model/object.ts';
import type { StorageClassFacts, StorageTier } from '../../model/storage-class.ts';
import type { MetadataSizes } from '../metadata-limits.ts';
import type { MetadataCodec } from '../metadata-text.ts';
import type { Signature } from '../../signing/signers.ts';
import type { Addressing } from '../provider.ts';

/** How one store of the S3 family differs from the others. Facts only, no code. */
export interface S3Dialect {
  readonly cloud: CloudType;
  /** Where regions are, the first that matches; none where only an operator can know. */
  readonly endpoints: readonly EndpointFact[];
  readonly regions: RegionFacts;
  /** Hosts of the cloud itself; other hosts under the same dialect are private servers. */
  readonly ownHosts: RegExp;
  /** Whether a bucket's name is one at all of the cloud's own hosts, but for its branches. */
  readonly namesAreGlobal: boolean;
  /** Where the bucket's name goes at the cloud's own hosts, and elsewhere. */
  readonly addressing: { readonly own: Addressing; readonly elsewhere: Addressing };
  /** Whether names of buckets end in the account's ID, which a task may give separately from the name. */
  readonly bucketNames: 'as-given' | 'with-app-id';
  /** Whether the cloud's own hosts take the bucket's name in the path. */
  readonly takesPathStyle: boolean;
  readonly signature: Signature;
  /** XML with S3's namespace, XML without, or JSON. */
  readonly documents: 's3-xml' | 'xml' | 'json';
  readonly headerPrefix: `x-${string}-`;
  /** Another prefix that answers may have instead. */
  readonly answerPrefix: `x-${string}-` | undefined;
  readonly requestIdHeaders: readonly string[];
  /** Where an answer without a body has the document of a refusal, in base64. */
  readonly refusalHeader: string | undefined;
  /** Where it has the code alone, as it is. */
  readonly refusalCodeHeader: string | undefined;
  /** Names that the store would take for others, and why: they are never sent. Or it may: then it is looked. */
  readonly misreadKeys:
    | readonly { readonly like: RegExp; readonly because: string }[]
    | 'perhaps-paths'
    | undefined;
  /** How a copy names its source: `/bucket/key`, or the bucket's host and the key. */
  readonly copySource: 'path' | 'host';
  readonly listVersion: 1 | 2;
  /** Whether `encoding-type=url` is requested; the answer itself says whether it is encoded. */
  readonly listUrlEncoded: boolean;
  /** What GET and HEAD say they accept, to be given the bytes as they are stored. */
  readonly acceptEncoding: 'identity' | 'gzip';
  /** The header in which the store reports the CRC-64/XZ of a whole object. */
  readonly crc64Header: string | undefined;
  /** Whether it reports the CRC-64/NVME of what it stored, and on request that of what is read whole. */
  readonly crc64nvme: boolean;
  readonly etagMd5: EtagMd5Facts;
  readonly checksMd5: boolean;
  /** How a put says that the key must be absent; undefined where no way is known to be honoured. */
  readonly conditionalPut: PutCondition | undefined;
  /** Whether buckets with versions, too, keep that condition. */
  readonly conditionalPutVersioned: boolean;
  /** Whether a copy heeds `copy-source-if-match`. */
  readonly conditionalCopy: boolean;
  /** Whether the removal of one object heeds `If-Match`. */
  readonly conditionalRemove: boolean;
  readonly metadata: MetadataFacts;
  /** Undefined where nothing ever is to be restored. */
  readonly restore: RestoreFacts | undefined;
  /** What shows that an object must be restored before it is read: a code, or any 403 and its class. */
  readonly archivedShownBy: 'code' | 'class';
  /** Whether a HEAD of an archived object is answered, or refused until the object is restored. */
  readonly headOfArchived: 'answered' | 'refused';
  /** What `server-side-encryption` says to use the default key of the key service. */
  readonly kms: string | undefined;
  /** Whether it does so by HTTPS only. */
  readonly kmsNeedsTls: boolean;
  /** Its classes, as heads and lists name them, in all spellings. */
  readonly classes: ReadonlyMap<string, StorageClassFacts>;
  /** The class that a put names for each tier. */
  readonly tierClasses: Readonly<Partial<Record<StorageTier, string>>>;
  /** Bytes, all of them. */
  readonly putSizeMax: number;
  readonly copySizeMax: number;
  readonly partSizeMin: number;
  readonly partSizeMax: number;
  readonly partCountMax: number;
  readonly deleteBatchMax: number;
  /** What the store's error codes mean; those not listed are judged by their status. */
  readonly faults: ReadonlyMap<string, Fault>;
  /** Statuses of its own; the usual ones are known. */
  readonly statusFaults: ReadonlyMap<number, Fault>;
  /** Codes with which it says that the bucket is elsewhere; a HEAD has no code. */
  readonly wrongRegionCodes: ReadonlySet<string>;
  /** Codes that it has for a wrong clock too, where it should say so. */
  readonly skewHidingCodes: ReadonlySet<string>;
}

/** `If-None-Match: *`, or a header of the cloud's own. */
export type PutCondition = 'if-none-match' | 'forbid-overwrite';

/** Where an ETag that looks like an MD5 is that of the bytes. */
export interface EtagMd5Facts {
  /** In heads: unless a key service's or a customer's key encrypts, unless anything does, or never. */
  readonly heads: 'unless-own-key' | 'unless-encrypted' | 'never';
  /** In answers to puts and parts: by the encryption that they report, where it was sent, or never. */
  readonly receipts: 'unless-own-key' | 'as-sent' | 'never';
}

export interface EndpointFact {
  readonly regions: RegExp;
  /** `{region}` stands for the region. */
  readonly url: string;
}

export interface RegionFacts {
  /** What names of regions may begin with, and do not in requests. */
  readonly prefix: string;
  /** Other names that are in use, and what they stand for. */
  readonly aliases: Readonly<Record<string, string>>;
  /** What a signature calls regions, where it is not their name; `*` for all others. */
  readonly scopes: Readonly<Record<string, string>>;
  /** Finds the region in the name of one of the cloud's own hosts. */
  readonly inHost: RegExp | undefined;
}

/** What is kept beside the bytes. */
export interface MetadataFacts {
  readonly names: MetadataNames;
  /** Whether some versions make `-` of every `_` in a name. */
  readonly underscoresMayChange: boolean;
  /** How values that ASCII cannot carry are written, and read back. */
  readonly codec: MetadataCodec;
  readonly sizes: MetadataSizes;
  /** Those that are kept and given back. */
  readonly contentHeaders: readonly ContentHeaderName[];
  /** What their values, and the type's, may be. */
  readonly contentHeaderValues: 'any' | 'ascii';
}

export interface RestoreFacts {
  /** The element that holds the tier, or that all goes in headers. */
  readonly request: 'GlacierJobParameters' | 'CASJobParameters' | 'JobParameters' | 'headers';
  readonly classes: ReadonlyMap<string, RestoreTerms>;
  /** For a class that is not named in `classes`. */
  readonly otherwise: RestoreTerms;
}

/** How objects of one class are thawed. */
export interface RestoreTerms {
  /** Undefined where the request must not say for how long. */
  readonly daysMax: number | undefined;
  /** How quickly; undefined where the request must not say. */
  readonly tier: string | undefined;
  /** Milliseconds after which it is worth looking. */
  readonly checkAfterMs: number;
}

export const online = (tier: StorageTier): StorageClassFacts => ({ tier, archived: false });
export const archived = (tier: StorageTier): StorageClassFacts => ({ tier, archived: true });

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Looked for so often as the usual wait makes sense: every object costs a request each time. */
export const checkAfter = {
  minutes: MINUTE_MS,
  hours: 30 * MINUTE_MS,
  halfADay: 2 * HOUR_MS,
} as const;
