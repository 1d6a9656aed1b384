import type { ObjectEncryption } from './object.ts';
import type { Check } from './outcome.ts';
import type { StorageTier } from './storage-class.ts';
import { type ChecksumKind, checksumKinds, type Checksums } from './checksums.ts';
import type { ConsistencyCheck } from './sync-task.ts';
import type { WrittenObject } from './written.ts';

/** What is known of the bytes after a copy. Checksums are of the whole object. */
export interface CopyEvidence {
  /** Bytes the source says it has. */
  readonly sourceSize: number;
  /** Bytes that went through our hands. */
  readonly copiedSize: number;
  readonly sourceModified: number;
  /** The source's own checksums, where it has them. */
  readonly source: Checksums;
  /** Computed while the bytes went through. */
  readonly computed: Checksums;
  /** The target's own checksums, where it has them. */
  readonly target: Checksums;
  /** The ETag of exactly the parts that were sent, where it is the target's. */
  readonly md5OfParts: string | undefined;
  /** Whether the only part has the MD5 that the source declares for the object. */
  readonly readAsDeclared?: boolean | undefined;
  /** From a look at the target after the copy; undefined where none was needed. */
  readonly targetSize: number | undefined;
  readonly targetModified: number | undefined;
  /** Undefined where the target has not said. */
  readonly targetEncryption: ObjectEncryption | undefined;
  /** The class of the target's object, where the answer to its write or a later look names it. */
  readonly targetTier?: StorageTier | undefined;
  /** Identifies the target's object, by the answer to its write or by a later look. */
  readonly written: WrittenObject;
  /** For people: checksums that either end declares and that are not of the bytes. */
  readonly notes?: readonly string[];
}

/** What a task requires of a copy. */
export interface Demand {
  readonly method: ConsistencyCheck;
  /** Whether the target must have encrypted it by its key service. */
  readonly kms: boolean;
}

/**
 * Whether the target must be looked at again before {@link checkCopy} can say something: not when
 * its receipt already carries a checksum of the bytes it took.
 */
export function needsLook({ method, kms }: Demand, evidence: CopyEvidence): boolean {
  if (kms && evidence.targetEncryption === undefined) return evidence.targetSize === undefined;
  if (method === 'no_check' || proof(evidence) !== undefined) return false;
  return evidence.targetSize === undefined;
}

/**
 * Judges a finished copy. A checksum that both ends know decides before sizes and times do: it proves
 * more. `crc64` prefers that checksum, and falls back where either side has none. `no_check` drops the
 * comparison of size and time only: the bytes that we transferred and the checksums that we computed are
 * always compared.
 */
export function checkCopy({ method, kms }: Demand, evidence: CopyEvidence): Check {
  const { sourceSize, copiedSize, targetSize, targetModified, sourceModified } = evidence;
  if (copiedSize !== sourceSize) {
    return failed('size', `${copiedSize} bytes were copied of ${sourceSize}`);
  }
  if (kms && evidence.targetEncryption !== 'kms') {
    return failed('encryption', 'the target did not encrypt it by its key service');
  }
  const summed = proof(evidence);
  if (summed !== undefined) return summed;
  if (targetSize === undefined || targetModified === undefined) {
    if (method === 'no_check') return passed('size', `${copiedSize} bytes were copied`);
    return failed('size_last_modified', 'the target was not looked at');
  }
  if (targetSize !== sourceSize) {
    return failed('size_last_modified', `the target has ${targetSize} bytes of ${sourceSize}`);
  }
  if (targetModified < sourceModified) {
    const behind = (sourceModified - targetModified) / 1000;
    return failed('size_last_modified', `the target's time is ${behind} s before the source's`);
  }
  return passed('size_last_modified', `${targetSize} bytes, not older than the source`);
}

/** The decision of the strongest checksum that the target and one other witness know. */
export function proof(evidence: CopyEvidence): Check | undefined {
  const checks = checksumKinds.map((kind) => compare(kind, evidence));
  const found =
    checks.find((check) => check?.passed === false) ?? checks.find((check) => check?.passed);
  const joined = evidence.md5OfParts;
  return found ?? (joined === undefined ? undefined : passed('md5_of_parts', joined));
}

/** Any difference fails; agreement passes only if one of the compared values is from the target. */
function compare(method: ChecksumKind, evidence: CopyEvidence): Check | undefined {
  const source = evidence.source[method];
  const computed = evidence.computed[method];
  const target = evidence.target[method];
  if (source !== undefined && computed !== undefined && source !== computed) {
    return failed(method, `the source has ${source}, what was read from it has ${computed}`);
  }
  const known = source ?? computed;
  if (known === undefined || target === undefined) return undefined;
  if (known !== target) return failed(method, `the source has ${known}, the target ${target}`);
  return passed(method, target);
}

function passed(method: Check['method'], detail: string): Check {
  return { method, passed: true, detail };
}

function failed(method: Check['method'], detail: string): Check {
  return { method, passed: false, detail };
}
