import type { CopyEvidence } from '../../platform/model/consistency.ts';
import { comparableCrc, type Checksums } from '../../platform/model/checksums.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { checksumsOfStream } from './hashing.ts';
import type { CopyJob } from './transfer.ts';

/**
 * Settles a difference between the MD5 of what was put and the one that the target's ETag seems to be.
 *
 * An ETag of 32 hexadecimal digits need not be an MD5: encryption in front of a store, or a service of its
 * own kind, makes others. So a CRC that agrees, or the object as it is read back, decides. Once an object
 * was read back and found right, the ETags of this target are not taken for MD5s if they differ: the
 * target has accepted the Content-MD5 of each put.
 */
export async function settleTargetMd5(job: CopyJob, evidence: CopyEvidence): Promise<CopyEvidence> {
  if (!differs(evidence)) return evidence;
  const { findings, policy, target } = job;
  if (crcAgrees(evidence)) return withMd5(evidence, undefined);
  const accepted = target.traits.checksMd5;
  if (accepted && (findings.etagsAreNoMd5 || policy.consistencyCheck === 'no_check')) {
    return withMd5(evidence, undefined);
  }
  try {
    return await readBack(job, evidence);
  } catch (error) {
    // It may not be read, as where it is archived at once. What the target has accepted is proof enough.
    if (!(error instanceof StoreError) || !accepted) throw error;
    return withMd5(evidence, undefined);
  }
}

/** As {@link settleTargetMd5}, of an object that may have been put by another: only its bytes count. */
export async function readBack(job: CopyJob, evidence: CopyEvidence): Promise<CopyEvidence> {
  const { sizes, findings } = job;
  const bounded = evidence.sourceSize <= Math.max(sizes.bufferBytes, sizes.putBytes);
  if (!differs(evidence) || !bounded) return evidence;
  const md5 = await md5AtTarget(job);
  const seen = withMd5(evidence, md5);
  if (md5 !== putMd5(evidence)) return seen;
  findings.etagsAreNoMd5 = true;
  const note = `the ETag of the target, ${evidence.target.md5 ?? ''}, is not the MD5 of the object, which was read back and has ${md5}`;
  return { ...seen, notes: [...(seen.notes ?? []), note] };
}

/** The MD5 that the target was given with the bytes. */
function putMd5({ source, computed }: CopyEvidence): string | undefined {
  return computed.md5 ?? source.md5;
}

function differs(evidence: CopyEvidence): boolean {
  const put = putMd5(evidence);
  const { md5 } = evidence.target;
  return put !== undefined && md5 !== undefined && put !== md5;
}

function crcAgrees({ source, computed, target }: CopyEvidence): boolean {
  const agree = (checksums: Checksums): boolean => {
    const kind = comparableCrc(checksums, target);
    return kind !== undefined && checksums[kind] === target[kind];
  };
  return agree(computed) || agree(source);
}

function withMd5(evidence: CopyEvidence, md5: string | undefined): CopyEvidence {
  return { ...evidence, target: { ...evidence.target, md5 } };
}

async function md5AtTarget({ target, key, lease }: CopyJob): Promise<string> {
  const { body } = await target.read(key, {}, lease.signal);
  return (await checksumsOfStream(body, [])).md5;
}
