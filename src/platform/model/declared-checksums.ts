import { comparableCrc, differingKinds, type ChecksumKind, type Checksums } from './checksums.ts';

/** What a comparison of read bytes with the checksums that their store declares comes to. */
export type Judgement =
  | { readonly kind: 'equal' }
  /** Only another read of the same version can decide. */
  | { readonly kind: 'undecided' }
  /** These declared checksums are not of the bytes. */
  | { readonly kind: 'disproven'; readonly kinds: readonly ChecksumKind[] }
  /** Two reads of one version gave different bytes. */
  | { readonly kind: 'unstable' }
  /** Two reads agree, and the store itself has computed another checksum. */
  | { readonly kind: 'damaged'; readonly checksum: ChecksumKind };

/** What was read of one version, once or twice. */
export interface ReadChecksums {
  readonly first: Checksums;
  readonly second: Checksums | undefined;
}

/**
 * Judges reads by the checksums that the store declares.
 *
 * An MD5 is declared by an ETag that looks like one, or by a property that a writer sets; neither has to
 * be that of the bytes. A CRC is one that the store has computed itself: where that agrees, it disproves
 * the MD5 alone; where that differs, the object is damaged, unless the task wants no check.
 */
export function judgeRead(
  declared: Checksums,
  { first, second }: ReadChecksums,
  { noCheck }: { readonly noCheck: boolean },
): Judgement {
  const kinds = differingKinds(declared, first);
  const crc = kinds.find((kind) => kind !== 'md5');
  if (kinds.length === 0) return { kind: 'equal' };
  if (crc === undefined && comparableCrc(declared, first) !== undefined) {
    return { kind: 'disproven', kinds };
  }
  if (second === undefined) return { kind: 'undecided' };
  if (differingKinds(first, second).length > 0) return { kind: 'unstable' };
  return crc === undefined || noCheck
    ? { kind: 'disproven', kinds }
    : { kind: 'damaged', checksum: crc };
}
