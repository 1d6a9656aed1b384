/**
 * Further counters of a scan, which only some kinds have. `equal…`: by what an equal key of a verification was proven,
 * the strongest first. `reported`: rows of its report. `heads`: HEAD requests that it has sent. `deep…`: pairs that were
 * read, and the bytes of both sides.
 */
export const tallyNames = [
  'equalBytes',
  'equalChecksum',
  'equalRecorded',
  'equalSizeTime',
  'unreadable',
  'reported',
  'heads',
  'deepObjects',
  'deepBytes',
] as const;
export type TallyName = (typeof tallyNames)[number];

/** Counters that are absent are 0. */
export type Tally = Readonly<Partial<Record<TallyName, number>>>;

/** The sum of several. */
export function tallied(tallies: Iterable<Tally>): Tally {
  const sum: Partial<Record<TallyName, number>> = {};
  for (const tally of tallies) {
    for (const name of tallyNames) {
      const count = tally[name];
      if (count !== undefined) sum[name] = (sum[name] ?? 0) + count;
    }
  }
  return sum;
}
