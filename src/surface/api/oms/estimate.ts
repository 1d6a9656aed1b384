import type { BusiestRate } from '../../../domain/queue/statistics.ts';
import { sizeClassEnds } from '../../../domain/scan/estimate.ts';
import type { ScanRecord } from '../../../domain/scan/scans-table.ts';
import { sizeClasses, type Tally } from '../../../domain/scan/tally.ts';
import type { Estimate } from './schemas/estimate.ts';

/** An estimate as clients get it. @param rate Undefined where it is not known. */
export function toEstimate({ tally = {}, pages }: ScanRecord, rate?: BusiestRate): Estimate {
  const of = (name: keyof Tally): number => tally[name] ?? 0;
  return {
    copy_objects: of('copyObjects'),
    copy_bytes: of('copyBytes'),
    look_objects: of('lookObjects'),
    look_bytes: of('lookBytes'),
    skip_objects: of('skipObjects'),
    skip_bytes: of('skipBytes'),
    too_large_objects: of('tooLargeObjects'),
    size_classes: sizeClasses.map((index) => ({
      bytes_max: Number.isFinite(sizeClassEnds[index]) ? sizeClassEnds[index] : null,
      objects: of(`size${index}Objects`),
      bytes: of(`size${index}Bytes`),
    })),
    list_requests: pages,
    source_requests: { head: of('sourceHeads'), get: of('sourceGets') },
    target_requests: {
      head: of('targetHeads'),
      put: of('targetPuts'),
      create_upload: of('targetUploads'),
      upload_part: of('targetParts'),
      complete_upload: of('targetCompletes'),
    },
    seconds: rate === undefined ? null : secondsOf(tally, rate),
    rate:
      rate === undefined
        ? null
        : { objects_per_second: rate.objectsPerSecond, bytes_per_second: rate.bytesPerSecond },
  };
}

/** Whichever of objects and bytes takes longer. */
function secondsOf(tally: Tally, { objectsPerSecond, bytesPerSecond }: BusiestRate): number {
  const { copyObjects = 0, copyBytes = 0 } = tally;
  const forBytes = bytesPerSecond > 0 ? copyBytes / bytesPerSecond : 0;
  return Math.max(copyObjects / objectsPerSecond, forBytes);
}
