import type { S3Code } from './s3-error.ts';

/** How a request is authenticated; see `schemes.ts`. */
export type SchemeName =
  | 'aws-v4'
  | 'aws-v2'
  | 'obs'
  | 'oss-v1'
  | 'oss-v4'
  | 'cos'
  | 'bce'
  | 'kss'
  | 'qingstor';

/** One protocol of a cloud: its own, or S3's. It contains facts only. */
export interface Face {
  /** The signatures of this face, which distinguish it from the others. */
  readonly schemes: readonly [SchemeName, ...SchemeName[]];
  readonly prefix: string;
  /** Names, behind the prefix, that are not spelt as S3 spells them: S3's, and this face's. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** Parameters of the query that are not spelt as S3 spells them: this face's, and S3's. */
  readonly query?: Readonly<Record<string, string>>;
  /** The header that carries CRC-64/XZ, as an unsigned decimal. */
  readonly crc64?: string;
  /** Storage classes: this face's words, and S3's; of several for one, the first is given back. */
  readonly classes: Readonly<Record<string, string>>;
  /** Whether heads name the class of an object in the standard class, too. */
  readonly tellsStandard?: boolean;
  /** What `server-side-encryption` may say, and what it means; none where the face has none. */
  readonly encryption: Readonly<Record<string, 'AES256' | 'aws:kms'>>;
  /** The element that holds the tier of a restore; undefined if restores are requested with headers. */
  readonly restoreJob?: string;
  /** Whether heads report how, and since when, an object is being restored. */
  readonly tellsRestoreStatus?: true;
  /** Objects cannot be restored by this face. */
  readonly restores?: false;
  /** `forbid-overwrite` is a condition of puts and of the end of uploads, but in buckets with versions. */
  readonly forbidsOverwrite?: true;
  /** Sources of copies are named by the bucket's host, not by `/bucket`. */
  readonly copySourceByHost?: boolean;
  /** How documents are written where they are not XML. */
  readonly documents?: 'bos' | 'qingstor';
  /** What the path may begin with, before the bucket. */
  readonly version?: string;
  /** A header repeats the refusal of a HEAD, in base64. */
  readonly repeatsErrors?: true;
  /** A header has the code of the refusal of a HEAD. */
  readonly codeHeader?: string;
  /** Codes of refusals that are not S3's. */
  readonly codes?: Readonly<Partial<Record<S3Code, string>>>;
}

/** How one cloud's storage differs from S3's, with either protocol. It contains facts only. */
export interface Dialect {
  /** The first is for requests that do not say what they are. */
  readonly faces: readonly [Face, ...Face[]];
  /** Whether buckets may be named in the path. */
  readonly pathStyle: boolean;
  readonly etag: {
    readonly whole: 'md5' | 'upper-md5' | 'qetag' | 'us3';
    readonly parts: 'md5-of-md5s' | 'opaque' | 'upper-opaque' | 'dash-first' | 'qetag' | 'us3';
    /** Whether the ETag is different if the cloud encrypts the object with its own key. */
    readonly opaqueIfEncrypted?: true;
  };
  /** Whether CRC-64/XZ is computed, and compared with what a request says of it. */
  readonly crc64: 'none' | 'told' | 'compared';
  /** A checksum that every object has, reported in `x-goog-hash` beside the MD5. */
  readonly everySum?: 'crc32c';
  /** A checksum that is computed for objects that are sent without another one, and reported if it is requested. */
  readonly ownSum?: 'crc64nvme';
  /** Whether compressed objects are decompressed for clients that do not accept the encoding. */
  readonly unpacks?: true;
  /** Whether heads report the MD5 as `content-md5`. */
  readonly tellsMd5?: boolean;
  readonly listing: {
    readonly version2: boolean;
    readonly encodes: boolean;
    /** Whether version 1 returns `NextMarker` without a delimiter too. */
    readonly alwaysNextMarker: boolean;
    /** Of the times in lists of uploads. */
    readonly uploadsZone: 'Z' | '+08:00';
  };
  readonly parts: {
    /** Bytes; every part but the last must reach it. */
    readonly sizeMin: number;
    /** Bytes of every part but the last, where it is given. */
    readonly sizeExact?: number;
    /** Whether all parts but the last must be alike. */
    readonly alike: boolean;
    readonly copies: boolean;
    /** Answers to parts do not report that the cloud encrypts them with its own key. */
    readonly hideEncryption?: true;
  };
  /** Bytes. */
  readonly putSizeMax: number;
  readonly copySizeMax: number;
  readonly keys: {
    readonly bytesMax: number;
    readonly refused?: RegExp;
    /** Between slashes, where names are those of files. */
    readonly segmentBytesMax?: number;
    /** Slashes that a name begins with are no part of it. */
    readonly dropsSlashes?: true;
  };
  readonly metadata: {
    /** Bytes of names and values. */
    readonly bytesMax: number;
    /** Of one name and its value. */
    readonly entryBytesMax?: number;
    /** Of one name. */
    readonly nameBytesMax?: number;
    /** Whether names count with their prefix. */
    readonly countsPrefix?: true;
    /** Whether values count as they are decoded from RFC 2047; else as they arrive. */
    readonly decodes?: true;
    /** Those that are refused, and how, where it is not as an argument. */
    readonly refusedNames?: RegExp;
    readonly refusal?: S3Code;
    /** Whether `_` in a name becomes `-`. */
    readonly hyphenates?: true;
    /** The content headers that are kept, where not all are; others mean nothing. */
    readonly contentHeaders?: ReadonlySet<string>;
    /** How bytes beyond ASCII are treated. */
    readonly beyondAscii: 'rfc2047' | 'latin1' | 'kept' | 'refused';
  };
  readonly checksMd5: boolean;
  /** It encrypts with its own keys only if its operator has configured a key server. */
  readonly needsKeyServer?: true;
  /** Objects that the key service encrypts are written and read by HTTPS only. */
  readonly kmsNeedsTls?: true;
  /** Whether `If-None-Match: *` is a condition of puts; clouds that do not support it ignore it and write. */
  readonly conditionalPut: boolean | 'unless-versioned';
  /** Whether `If-Match` is a condition of removals; clouds that do not support it ignore it and remove. */
  readonly conditionalRemove?: true;
  readonly deletesMany: 'with-sum' | 'with-md5' | 'freely' | 'never';
  readonly awsChunked: 'all' | 'signed' | 'refused';
  /** Classes, in S3's words, whose objects must be restored before they are read. */
  readonly archived: ReadonlySet<string>;
  /** HEADs of them are refused as reads are. */
  readonly hidesArchived?: true;
  readonly restore: {
    readonly daysMax: number;
    /** Of classes, in S3's words, that have another. */
    readonly daysMaxOf?: Readonly<Record<string, number>>;
    /** The refusal of a restore where there is nothing to restore. */
    readonly online: S3Code;
    /** Whether the days may be left out, and how many they are then. */
    readonly daysDefault?: number;
  };
  /** The error for a session token that is not that of the key. */
  readonly badToken: S3Code;
  /** The error for too many requests. */
  readonly throttled: { readonly status: number; readonly code: string };
  /** The error for a request for a bucket of another region: with a header, an element, or a whole URL. */
  readonly elsewhere: {
    readonly code: S3Code;
    readonly tells: readonly ('region' | 'endpoint' | 'location')[];
  };
  /** What GET ?location says. */
  readonly location: { readonly root: string; readonly prefix: string };
  readonly defaultRegion: string;
  /** What HEAD ?apiversion says in `x-obs-api`. */
  readonly apiVersion?: string;
}
