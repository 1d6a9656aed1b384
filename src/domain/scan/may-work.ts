/** A scan that may be worked on now: a task that is stopped is only looked at. */
export const MAY_WORK = `scans.state in ('waiting', 'running') and not scans.held and tasks.deleted_at is null
  and (tasks.running or scans.kind in ('verify', 'estimate'))`;

const kept = (side: 'source' | 'target'): string =>
  `(not scans.${side}_unordered or exists (
    select from listing_reads as reads where reads.scan_id = scans.id and reads.side = '${side}' and reads.complete))`;

/** One whose ranges may be walked: a listing that is not in order is kept first. */
export const MAY_WALK = `${MAY_WORK} and ${kept('source')} and ${kept('target')}`;
