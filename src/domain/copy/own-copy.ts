import { type CopyEvidence, proof } from '../../platform/model/consistency.ts';
import { checksumsAlone } from '../../platform/model/checksums.ts';
import type { PutReceipt } from '../../platform/stores/store.ts';
import { headIfThere } from './head-if-there.ts';
import { readBack } from './target-md5.ts';
import type { CopyJob } from './transfer.ts';

/**
 * What is known of the target's object, where it is proven to be the copy that is to be made: one of
 * our earlier writes whose answer was lost, or an equal object.
 *
 * @param evidenceOf What would be known if the target had answered the write with this receipt.
 */
export async function ownCopy(
  job: CopyJob,
  evidenceOf: (receipt: PutReceipt) => CopyEvidence,
): Promise<CopyEvidence | undefined> {
  const there = await headIfThere(job);
  if (there === undefined) return undefined;
  const { etag, encryption, size, lastModified, versionId } = there;
  const receipt = { etag, ...checksumsAlone(there), encryption, date: lastModified, versionId };
  const presumed = evidenceOf(receipt);
  if (size !== presumed.sourceSize) return undefined;
  const evidence = await readBack(job, presumed);
  if (proof(evidence)?.passed !== true) return undefined;
  return { ...evidence, targetSize: size, targetModified: lastModified };
}
