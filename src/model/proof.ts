import type { CopyEvidence } from './consistency.ts';
import { sumKinds } from './sums.ts';

/**
 * What the checksums of a copy prove, the strongest first.
 *
 * - `source_checksum`: the target's object equals a checksum that the source itself has for the object.
 * - `transport`: the target holds exactly the bytes that were read. No checksum of the source was
 *   compared, so bytes that the source served wrong would not have been noticed.
 * - `size`: no checksum of the copied bytes could be compared, only their number.
 */
export const copyProofs = ['source_checksum', 'transport', 'size'] as const;
export type CopyProof = (typeof copyProofs)[number];

/** What the evidence of a copy proves, provided that its check passed. */
export function proofOf({ source, computed, target, md5OfParts }: CopyEvidence): CopyProof {
  const any = (holds: (kind: (typeof sumKinds)[number]) => boolean): boolean =>
    sumKinds.some(holds);
  if (any((kind) => source[kind] !== undefined && source[kind] === target[kind])) {
    return 'source_checksum';
  }
  const arrived =
    md5OfParts !== undefined ||
    any((kind) => computed[kind] !== undefined && computed[kind] === target[kind]);
  if (!arrived) return 'size';
  const readRight = any((kind) => source[kind] !== undefined && source[kind] === computed[kind]);
  return readRight ? 'source_checksum' : 'transport';
}
