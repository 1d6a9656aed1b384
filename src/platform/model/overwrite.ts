import type { ObjectHead } from './object.ts';
import type { SkipReason } from './outcome.ts';
import {
  comparableCrc,
  crcKinds,
  differingKinds,
  checksumKinds,
  type Checksums,
} from './checksums.ts';
import type { OverwriteMode } from './sync-task.ts';

export type Decision =
  | { readonly kind: 'copy' }
  | { readonly kind: 'skip'; readonly reason: SkipReason };

/** What the decision needs to know beside the two objects. */
interface Known {
  readonly sourceChanged: boolean;
  readonly kms: boolean;
  readonly unsettled?: boolean;
  readonly asCopied?: boolean;
  readonly equalBesideBytes?: boolean;
}

/** What the decision needs to know of an object. */
export type Comparable = Pick<
  ObjectHead,
  'size' | 'lastModified' | 'etag' | keyof Checksums | 'encryption'
>;

const copy: Decision = { kind: 'copy' };

/** Whether this mode looks at the target before it decides. */
export function looksAtTarget(mode: OverwriteMode): boolean {
  return mode !== 'FULL_OVERWRITE';
}

/**
 * Decides whether a source object is copied over what the target has under its key.
 *
 * The rules are those of OMS's `object_overwrite_mode`, with one addition. Size and time cannot
 * distinguish two quick versions of one size, and the clocks of both ends may differ. So an object
 * whose bytes are known to differ is copied, whatever the times say. They are known to differ when the
 * source's ETag is not the one that was copied last, or when both ends have checksums of the same kind and
 * these differ.
 *
 * @param target Undefined where the target has no such object.
 * @param known.sourceChanged Whether an earlier round copied this key and the source's ETag is another now.
 * @param known.kms Whether the task encrypts by a key service: a target that is not so encrypted is
 *   not what the task wants, whatever its bytes.
 * @param known.unsettled Whether the target's object may come from a copy that was never settled. It may
 *   then be of an older source and still have the later time, so that only equal checksums count.
 * @param known.asCopied Whether both objects are those of the last copy, which passed its check. Then an
 *   MD5 that differs is an ETag that is not a checksum.
 * @param known.equalBesideBytes Whether the target has all that a copy would write beside the bytes. Then a
 *   copy of equal bytes would change nothing but the time, and two tasks in opposite directions
 *   would rewrite each other's objects without end.
 */
export function decide(
  mode: OverwriteMode,
  source: Comparable,
  target: Comparable | undefined,
  known: Known,
): Decision {
  if (target === undefined) return copy;
  if (known.kms && target.encryption !== 'kms' && mode !== 'NO_OVERWRITE') return copy;
  switch (mode) {
    case 'FULL_OVERWRITE':
      return copy;
    case 'NO_OVERWRITE':
      return { kind: 'skip', reason: 'target-exists' };
    case 'CRC64_COMPARISON_OVERWRITE': {
      const crc = comparableCrc(source, target);
      if (crc === undefined) return bySizeAndTime(source, target, known);
      return source[crc] === target[crc] ? { kind: 'skip', reason: 'same-crc64' } : copy;
    }
    case 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE':
      return bySizeAndTime(source, target, known);
  }
}

function bySizeAndTime(source: Comparable, target: Comparable, known: Known): Decision {
  const { sourceChanged, unsettled, asCopied, equalBesideBytes } = known;
  if (source.size !== target.size) return copy;
  const differing = differingKinds(source, target).filter(
    (kind) => kind !== 'md5' || asCopied !== true,
  );
  if (differing.length > 0) return copy;
  const newer = source.lastModified > target.lastModified;
  const otherBytes = sourceChanged || (unsettled === true && !sameBytes(source, target));
  if (!newer && !otherBytes) return { kind: 'skip', reason: 'target-up-to-date' };
  if (equalBesideBytes !== true) return copy;
  const equal = storesAgree(source, target) || (asCopied === true && !otherBytes);
  return equal ? { kind: 'skip', reason: 'target-equal' } : copy;
}

/** Whether a checksum that both have is equal: also an equal ETag, if it is an MD5 or one of parts. */
function sameBytes(source: Comparable, target: Comparable): boolean {
  const agrees = checksumKinds.some((kind) => isEqual(source[kind], target[kind]));
  return agrees || storesAgree(source, target);
}

/**
 * Whether a checksum is equal that each store has computed itself. An MD5 that is not the ETag is not: it
 * is what a writer declared (Content-MD5 at Azure), and may still be that of an older version.
 */
function storesAgree(source: Comparable, target: Comparable): boolean {
  if (crcKinds.some((kind) => isEqual(source[kind], target[kind]))) return true;
  const etag = bare(source.etag);
  return etag === bare(target.etag) && /^[\da-f]{32}(?:-\d+)?$/.test(etag);
}

function isEqual(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && one === other;
}

function bare(etag: string): string {
  return etag.replaceAll('"', '').toLowerCase();
}
