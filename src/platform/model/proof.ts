import type { CopyEvidence } from './consistency.ts';
import type { CopyProof } from './outcome.ts';
import { checksumKinds } from './checksums.ts';

/** What the evidence of a copy proves, provided that its check passed. */
export function proofOf(evidence: CopyEvidence): CopyProof {
  const { source, computed, target, md5OfParts, readAsDeclared = false } = evidence;
  const any = (holds: (kind: (typeof checksumKinds)[number]) => boolean): boolean =>
    checksumKinds.some(holds);
  if (any((kind) => source[kind] !== undefined && source[kind] === target[kind])) {
    return 'source_checksum';
  }
  const arrived =
    md5OfParts !== undefined ||
    any((kind) => computed[kind] !== undefined && computed[kind] === target[kind]);
  if (!arrived) return 'size';
  const readRight =
    readAsDeclared || any((kind) => source[kind] !== undefined && source[kind] === computed[kind]);
  return readRight ? 'source_checksum' : 'transport';
}
