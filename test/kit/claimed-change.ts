import type { ClaimedChange } from '../../src/domain/queue/changes.ts';

/** A change as a claim gives it: named once by an event, tried for the first time, never copied before. */
export function claimedChange(
  known: Pick<ClaimedChange, 'key' | 'claimId'> & Partial<ClaimedChange>,
): ClaimedChange {
  return {
    revision: 1,
    generation: '1',
    attempt: 1,
    lane: 0,
    acceptedAt: 0,
    copiedEtag: undefined,
    targetDoubtful: false,
    unsettled: false,
    writeSent: false,
    ...{ targetEtag: undefined, targetVersion: undefined, targetWrittenAt: undefined },
    uploading: false,
    restoringSince: undefined,
    origin: 'event',
    ...known,
  };
}
